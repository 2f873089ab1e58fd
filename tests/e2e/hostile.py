"""A library in which every text is an attack: for test_7_hostile, which runs this beside a running Kith.

`python -m tests.e2e.hostile make` prints what was made as JSON; `... drop` deletes it.
"""

import json
import os
import sys

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover=alert(1) autofocus onfocus=alert(1) x="',
    "' onfocus=alert(1) autofocus x='",
    "</title><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<object data=javascript:alert(1)>",
    "<math><mtext><img src=x onerror=alert(1)>",
    "<style>@import'http://evil.example/x.css'</style>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=http://evil.example/>",
    "<b hx-get=/people/ hx-trigger=load hx-on:load=alert(1)>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} {% debug %}",
    "\\u003cimg src=x onerror=alert(1)\\u003e &lt;img src=x onerror=alert(1)&gt;",
    "<img src='http://evil.example/x.png' style=position:fixed>\u202e\x07",
)


def make() -> dict[str, object]:
    from accounts.models import User
    from people import answers
    from people.models import Person, SavedSearch
    from photos import acts
    from photos.models import Photo
    from tests.factories import make_album, make_batch, make_face, make_group, make_photo, make_suggestion, make_user

    owner = make_user(username=PAYLOADS[1])
    pages: list[str] = []
    for number, text in enumerate(PAYLOADS):
        photo = make_photo(
            owner, sha256=f"{number:064x}", name=text, camera=text, place=text, latitude=1.0, longitude=2.0,
            exposure={"lens": text}, taken_at_source=Photo.DateSource.CAMERA,
        )  # fmt: skip
        person = Person.objects.create(owner=owner, name=text, note=text)
        faces = [make_face(photo), make_face(photo), make_face(photo, quality=0.5)]
        answers.confirm(person, [faces[0].pk], actor=owner)
        make_suggestion(faces[1], person)
        album = make_album(owner, text)
        album.photos.add(photo)
        batch = make_batch(owner, title=text, album=album)
        batch.files.create(name=text, outcome="rejected", reason=text)
        batch.files.create(name=f"{text}.jpg", outcome="stored", photo=photo)
        make_photo(owner, sha256=f"f{number:063x}", name=text, failure=text[:200])
        SavedSearch.objects.create(owner=owner, query=f"p={person.pk}&place={number}", title=text)
        acts.choose_cover(album, photo)
        pages += [f"/people/{person.pk}/", f"/albums/{album.pk}/", f"/photos/{photo.pk}/?in=album-{album.pk}"]
        pages += [f"/batches/{batch.pk}/", f"/search/?p={person.pk}"]
    make_group(owner, 3)
    people = list(Person.objects.owned_by(owner).values_list("pk", flat=True)[:4])
    pages += ["/people/merge/?" + "&".join(f"people={pk}" for pk in people), f"/people/{people[0]}/forget/"]
    users = [User.objects.create(username=f"{text} ", face_analysis="on") for text in PAYLOADS if text != PAYLOADS[1]]
    return {"pages": pages, "owner": session_of(owner), "users": [session_of(user) for user in users]}


def session_of(user: object) -> str:
    """The cookie of somebody who is signed in."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return str(client.cookies["sessionid"].value)


def drop() -> dict[str, object]:
    from accounts.models import User
    from people import leaving

    hostile = User.objects.filter(username__in=[*PAYLOADS, *(f"{text} " for text in PAYLOADS)])
    for user in list(hostile):
        leaving.leave(user)
        leaving.finish_leaving(user)
    return {"left": hostile.count()}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(json.dumps({"make": make, "drop": drop}[sys.argv[1]]()))


if __name__ == "__main__":
    main()
