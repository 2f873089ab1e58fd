"""A library in which every text is an attack: for test_7_hostile, which runs this beside a running Kith.

`python -m tests.e2e.hostile make` prints what was made as JSON; `... drop` deletes it.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User

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
    from tests.factories import make_user

    owner = make_user(username=PAYLOADS[1])
    pages = fill(owner, PAYLOADS)
    users = [User.objects.create(username=f"{text} ", face_analysis="on") for text in PAYLOADS if text != PAYLOADS[1]]
    return {"pages": pages, "owner": session_of(owner), "users": [session_of(user) for user in users]}


def fill(owner: "User", texts: Sequence[str]) -> list[list[str]]:
    """Put each text into every field; return the addresses that show each of them."""
    from people import answers
    from people.models import Person, SavedSearch
    from photos import acts
    from photos.models import Photo
    from tests.factories import make_album, make_batch, make_face, make_photo, make_suggestion

    pages = []
    everywhere = make_photo(owner, name="all of them")
    batch = make_batch(owner, title=texts[0])
    for number, text in enumerate(texts):
        photo = make_photo(
            owner, sha256=f"e{number:063x}", name=text, camera=text, place=text, latitude=1.0, longitude=2.0,
            exposure={"lens": text}, taken_at_source=Photo.DateSource.CAMERA,
        )  # fmt: skip
        person = Person.objects.create(owner=owner, name=text, note=text)
        known = [make_face(photo), make_face(everywhere, left=number / 40)]
        answers.confirm(person, [face.pk for face in known], actor=owner)
        make_suggestion(make_face(photo), person)
        album = make_album(owner, text)
        album.photos.set([photo, everywhere])
        acts.choose_cover(album, photo)
        batch.files.create(name=text, outcome="rejected", reason=text)
        batch.files.create(name=f"{text}.jpg", outcome="stored", photo=photo)
        make_photo(owner, sha256=f"f{number:063x}", name=text, failure=text[:200])
        SavedSearch.objects.create(owner=owner, query=f"p={person.pk}", title=text)
        pages.append(
            [
                f"/photos/{photo.pk}/?in=album-{album.pk}",
                f"/people/{person.pk}/",
                f"/albums/{album.pk}/",
                f"/search/?p={person.pk}",
            ]
        )
    merge = "&".join(f"people={person.pk}" for person in Person.objects.owned_by(owner))
    pages[0] += [f"/photos/{everywhere.pk}/", f"/batches/{batch.pk}/", f"/people/merge/?{merge}"]
    return pages


def session_of(user: object) -> str:
    """The cookie of somebody who is signed in."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return str(client.cookies["sessionid"].value)


def drop() -> dict[str, object]:
    from accounts.models import User
    from people import leaving

    users = list(User.objects.filter(username__in=[*PAYLOADS, *(f"{text} " for text in PAYLOADS)]))
    for user in users:
        leaving.leave(user)
        leaving.finish_leaving(user)
    return {"left": User.objects.filter(pk__in=[user.pk for user in users]).count()}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(json.dumps({"make": make, "drop": drop}[sys.argv[1]]()))


if __name__ == "__main__":
    main()
