"""Two users with the same photos, byte for byte. What one of them knows never shows in a page of the other."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import numpy as np
import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from people import answers, recognising
from people.grouping import group_owner
from people.mapping import draw_map
from people.models import Cluster, Face, LibraryMap, Person, SavedSearch, Suggestion
from people.suggestions import refresh_suggestions
from photos.models import Photo
from photos.uploading import receive_local_file
from tests.access.addresses import told
from tests.factories import make_album, make_batch, make_face, make_photo, make_user, unit
from tests.pictures import portraits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("models_dir")]

PEOPLE, FACES_EACH = 4, 6
# Only Alice ever typed these.
NAMES = ("Xanthippe", "Yggdrasil", "Quetzal", "Zephyrine")
SECRETS = (*NAMES, "Zwetschge", "Krokodil", "Ouagadougou")
LINK = re.compile(r"""(?:href|src|action|hx-get|data-[\w-]+)=["'](/[^"'\s]*)["']""")
SKIPPED = ("/static/", "/jsi18n/", "/settings/delete-account")
ENOUGH = 250
STARTS = ("/", "/people/", "/albums/", "/review/", "/map/", "/search/", "/history/", "/status/")


def likeness(person: int, number: int) -> np.ndarray:
    return unit(person, towards=60 + number, by=0.15)


def make_photos(owner: User) -> list[Face]:
    """The same photos for everybody, with the same faces: the first four people, then two nobody has named."""
    faces = []
    for person in range(PEOPLE + 2):
        for number in range(FACES_EACH):
            sha256 = f"{person:032x}{number:032x}"
            photo = make_photo(owner, sha256=sha256, name=f"DSC_{person}{number}.jpg", latitude=12.37, longitude=-1.53)
            faces.append(make_face(photo, likeness=likeness(person, number), quality=0.5 + number / 20))
    return faces


def make_names(owner: User, faces: list[Face]) -> None:
    for number, name in enumerate(NAMES):
        person = Person.objects.create(owner=owner, name=name, note="Krokodil")
        theirs = faces[number * FACES_EACH : (number + 1) * FACES_EACH]
        answers.confirm(person, [face.pk for face in theirs[:-1]], actor=owner)
    album = make_album(owner, "Zwetschge")
    album.photos.set(Photo.objects.owned_by(owner))
    SavedSearch.objects.create(owner=owner, query="place=Rome", title="Ouagadougou")
    make_batch(owner, title="Zwetschge")


@pytest.fixture(scope="module")
def both(django_db_setup, django_db_blocker, models_dir, tmp_path_factory) -> Iterator[tuple[User, User]]:
    """Alice, who has named everybody, and Bob, who has named nobody; Kith has done all its work for both."""
    from django.conf import settings

    kept = settings.MEDIA_ROOT, settings.KITH_FACE_MODEL_FILE
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    settings.KITH_FACE_MODEL_FILE = settings.MEDIA_ROOT / "face-model"
    with django_db_blocker.unblock(), transaction.atomic():
        alice, bob = make_user(username="alice"), make_user(username="bob")
        make_names(alice, make_photos(alice))
        make_photos(bob)
        for owner in (alice, bob):
            group_owner(owner.pk)
            refresh_suggestions(owner.pk)
            draw_map(owner.pk)
        yield alice, bob
        transaction.set_rollback(True)
    settings.MEDIA_ROOT, settings.KITH_FACE_MODEL_FILE = kept


@pytest.fixture
def bobs(both) -> Client:
    client = Client()
    client.force_login(both[1])
    return client


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret.casefold() in text.casefold()]


def crawl(client: Client, starts: list[str]) -> dict[str, str]:
    """Every page that links lead to from these, by address, as text."""
    waiting, found = list(starts), {}
    while waiting and len(found) < ENOUGH:
        url = waiting.pop(0)
        if url in found or url.startswith(SKIPPED):
            continue
        _status, headers, content = told(client.get(url))
        found[url] = content.decode(errors="replace")
        links = [unescape(link) for link in LINK.findall(found[url])] + [headers.get("Location", "")]
        waiting += [urljoin(url, link.partition("#")[0]) for link in links if link and not urlsplit(link).netloc]
    return found


def test_the_work_was_done_for_both(both):
    alice, bob = both

    assert Suggestion.objects.owned_by(alice).exists()
    assert Cluster.objects.owned_by(bob).count() >= PEOPLE
    assert LibraryMap.objects.filter(owner=bob).exists()


def test_suggestions_come_from_ones_own_people(both):
    alice, bob = both

    assert not Suggestion.objects.owned_by(bob).exists()
    assert not Suggestion.objects.owned_by(alice).exclude(person__owner=alice).exists()
    assert not Suggestion.objects.owned_by(alice).exclude(nearest__photo__owner=alice).exists()
    assert not Face.objects.owned_by(bob).exclude(person=None).exists()


def test_groups_are_of_ones_own_faces(both):
    for owner in both:
        theirs = Face.objects.filter(cluster__owner=owner)
        assert theirs.exists()
        assert not theirs.exclude(photo__owner=owner).exists()


def test_no_page_of_one_shows_what_the_other_knows(both, bobs):
    pages = crawl(
        bobs, [*STARTS, *(f"/people/unnamed/?kind={kind}" for kind in ("pairs", "strangers", "singles", "hidden"))]
    )

    assert {url: secrets_in(text) for url, text in pages.items() if secrets_in(text)} == {}
    kinds = {re.sub(r"\d+", "0", urlsplit(url).path) for url in pages}
    assert {"/photos/0/", "/groups/0/", "/faces/0/like/"} <= kinds
    assert len(pages) > 60


def test_the_same_pages_do_show_it_to_whose_it_is(both):
    client = Client()
    client.force_login(both[0])
    pages = crawl(client, ["/people/", "/albums/", "/search/", "/map/"])

    shown = {secret for text in pages.values() for secret in secrets_in(text)}
    assert shown == set(SECRETS)


@pytest.mark.parametrize("typed", [*NAMES, "x", "z", "Zwetschge", "Ouagadougou"])
def test_looking_for_what_the_other_knows_finds_nothing(bobs, typed):
    for url in ("people:search", "people:search-offers", "people:names", "people:index", "people:merge"):
        text = told(bobs.get(reverse(url), {"q": typed, "name": typed}))[2].decode()
        # The page repeats what was typed; it says nothing of its own about it.
        assert secrets_in(text.replace(typed, "")) == []
    assert bobs.get(reverse("people:names"), {"q": typed}).json() == {"people": []}


def test_what_can_be_taken_away_is_ones_own(bobs):
    for url in ("people:names-csv", "people:names-json", "photos:originals"):
        assert secrets_in(told(bobs.get(reverse(url)))[2].decode(errors="replace")) == []


def test_more_like_this_are_ones_own(both, bobs):
    _alice, bob = both
    face = Face.objects.owned_by(bob).first()
    assert face is not None

    page = bobs.get(reverse("people:like", args=[face.pk]), headers={"HX-Request": "true"})

    shown = {face.pk for face in page.context["faces"]}
    assert len(shown) >= FACES_EACH - 1
    assert shown <= set(Face.objects.owned_by(bob).values_list("pk", flat=True))


def test_counts_are_of_ones_own(both, bobs):
    _alice, bob = both

    assert bobs.get(reverse("people:search"), {"place": "Ouagadougou"}).context["photo_count"] in (0, 36)
    named = make_face(make_photo(bob), likeness=likeness(0, 0))
    person = Person.objects.create(owner=bob, name="Mine")
    answers.confirm(person, [named.pk], actor=bob)
    page = bobs.get(reverse("people:person", args=[person.pk]))
    assert (page.context["face_count"], page.context["photo_count"]) == (1, 1)
    assert page.context["often_with"] == []
    refresh_suggestions(bob.pk)
    assert not Suggestion.objects.owned_by(bob).exclude(person=person).exists()


def test_who_is_in_a_picture_is_said_by_ones_own_people(both, tmp_path):
    alice, bob = both
    with Image.open(portraits() / "obama.jpg") as image:
        finder = recognising.face_finder()
        found = finder.find_faces([image.convert("RGB")])[0][0]
    look = {"likeness": found.projection, "quality": found.quality, "model": finder.model_name}
    known = Person.objects.create(owner=alice, name=NAMES[0])
    for number in range(3):
        make_face(make_photo(alice, sha256=f"f{number:063x}"), person=known, **look)
        make_face(make_photo(bob, sha256=f"f{number:063x}"), **look)

    def seen(owner: User) -> recognising.SeenFace:
        incoming = receive_local_file(portraits() / "obama.jpg", name="obama.jpg")
        return recognising.who_is_in(Path(incoming.flushed_path), owner, with_alike=True).faces[0]

    assert seen(alice).person == known.pk
    assert seen(bob).person is None
    assert set(seen(bob).alike) <= set(Face.objects.owned_by(bob).values_list("pk", flat=True))


def test_the_other_user_is_not_named_either(both, bobs):
    assert get_user_model().objects.count() == 2
    assert b"alice" not in told(bobs.get(reverse("accounts:settings")))[2]
    assert b"alice" not in told(bobs.get(reverse("people:history")))[2]
