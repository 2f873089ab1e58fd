"""Who may do what: every address, for nobody and for another user."""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from photos.models import Act
from tests.factories import make_album, make_batch, make_cluster, make_face, make_person, make_photo, make_question

# Everything else is private; a new address is tested without being listed here.
PUBLIC = {
    "accounts:welcome",
    "accounts:sign-in",
    "accounts:change-language",
    "photos:healthz",
    "ready",
    "metrics",
    "words",
}


def all_routes(resolver: URLResolver | None = None, namespace: str = "") -> dict[str, URLPattern]:
    routes = {}
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else namespace
            routes |= all_routes(pattern, inner)
        else:
            routes[f"{namespace}{pattern.name}"] = pattern
    return routes


ROUTES = all_routes()
PRIVATE = sorted(ROUTES.keys() - PUBLIC)
WITH_OBJECT = [name for name in PRIVATE if ROUTES[name].pattern.converters]


@pytest.fixture
def belongings(alice) -> dict[str, int]:
    """One object of alice for every kind of id that an address can hold."""
    from people import answers

    photo = make_photo(alice)
    face = make_face(photo)
    person = make_person(alice)
    decision = answers.confirm(person, [make_face(photo).pk], actor=alice)
    return {
        "photo_id": photo.pk,
        "album_id": make_album(alice).pk,
        "batch_id": make_batch(alice).pk,
        "face_id": face.pk,
        "person_id": person.pk,
        "cluster_id": make_cluster(alice).pk,
        "decision_id": decision.pk,
        "question_id": make_question(person, make_person(alice)).pk,
        "act_id": Act.objects.create(owner=alice, verb=Act.Verb.TRASH).pk,
    }


def address(name: str, ids: dict[str, int]) -> str:
    wanted = ROUTES[name].pattern.converters
    return reverse(name, kwargs={key: ids[key] for key in wanted})


def without_token(content: bytes) -> bytes:
    """A page without its CSRF token, which differs every time."""
    return re.sub(rb"[A-Za-z0-9]{64}", b"", content)


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize("name", WITH_OBJECT)
def test_what_belongs_to_somebody_else_does_not_exist(client, bob, belongings, name, method):
    client.force_login(bob)
    somebody_elses = getattr(client, method)(address(name, belongings))
    unknown = getattr(client, method)(address(name, dict.fromkeys(belongings, 987654321)))

    assert somebody_elses.status_code in (404, 405)
    assert somebody_elses.status_code == unknown.status_code
    assert without_token(somebody_elses.content) == without_token(unknown.content)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", PRIVATE)
def test_nobody_sees_anything_without_signing_in(client, belongings, name, method):
    response = getattr(client, method)(address(name, belongings))

    assert response.status_code in (302, 405)
    if response.status_code == 302:
        assert response.url.startswith(reverse("accounts:sign-in"))


@pytest.mark.parametrize("name", PRIVATE)
def test_every_change_needs_a_token(alice, belongings, name):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post(address(name, belongings)).status_code in (403, 405)


def test_acts_on_faces_of_others_touch_nothing(client, alice, bob, belongings):
    from people.models import Face

    client.force_login(bob)
    ann = make_person(bob)
    client.post(
        reverse("people:answer"),
        {"answer": "name", "name": "Ann", "faces": [belongings["face_id"]], "shown": [belongings["face_id"]]},
    )
    client.post(reverse("people:change-faces", args=[ann.pk]), {"faces": [belongings["face_id"]], "action": "cover"})

    assert Face.objects.get(pk=belongings["face_id"]).person is None
    ann.refresh_from_db()
    assert ann.cover_face is None


def test_names_of_others_are_not_suggested_while_typing(client, alice, bob):
    make_face(make_photo(alice), person=make_person(alice, "Annabel"))
    client.force_login(bob)

    assert client.get(reverse("people:names"), {"q": "ann"}).json() == {"people": []}
