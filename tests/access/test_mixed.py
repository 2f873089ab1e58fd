"""Forms and addresses that mix what is one's own with what is another's."""

import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.session_views import number_of
from tests.access.addresses import address, told
from tests.access.forms import CHANGING, FORMS, labels
from tests.access.library import UNKNOWN, rows_of

pytestmark = pytest.mark.django_db

# Addresses whose query may name something of somebody else's: it must say what it says of what does not exist.
QUERIES = [
    ("photos:timeline", "into={album_id}"),
    ("photos:timeline", "at={photo_id}"),
    ("people:photo", "in=album-{album_id}"),
    ("people:photo", "in=person-{person_id}"),
    ("people:photo", "in=batch-{batch_id}"),
    ("people:photo", "in=search-p%3D{person_id}"),
    ("people:names", "q=&group={cluster_id}"),
    ("people:names", "q=&face={face_id}"),
    ("people:merge", "people={person_id}"),
    ("people:merge", "groups={cluster_id}"),
    ("people:pile", "person={person_id}&face={face_id}"),
    ("people:alike", "faces={face_id}"),
    ("people:search", "p={person_id}"),
    ("people:search", "without={person_id}"),
    ("people:search", "album={album_id}"),
    ("people:search-offers", "p={person_id}&q=a"),
    ("people:review", "person={person_id}"),
    ("people:review", "batch={batch_id}"),
    ("people:review", "photos={photo_id}"),
    ("people:review", "q=g{cluster_id}"),
    ("people:history", "person={person_id}"),
    ("people:history", "at={decision_id}"),
]


def rows_but_sessions(owner: User) -> dict[str, Any]:
    return {kind: rows for kind, rows in rows_of(owner).items() if kind != "accounts.BrowserSession"}


@pytest.mark.parametrize(("name", "body"), FORMS, ids=labels(FORMS))
def test_a_form_with_both_users_ids_changes_nothing_of_the_others(two, name, body):
    mine, theirs, client = two
    before = rows_of(theirs.owner)

    response = client.post(address(name, mine.ids), body(mine.ids, theirs.ids), follow=True)

    assert response.status_code in (200, 404, 422)
    assert b"Note of Annabel" not in told(response)[2]
    assert rows_of(theirs.owner) == before


@pytest.mark.parametrize(("name", "body"), CHANGING, ids=labels(CHANGING))
def test_the_form_does_what_it_says_to_ones_own(two, name, body):
    """Else nothing would be proved: a form that changes nothing changes nothing of anybody's."""
    mine, theirs, client = two
    before = rows_but_sessions(mine.owner)

    client.post(address(name, mine.ids), body(mine.ids, theirs.ids))

    assert rows_but_sessions(mine.owner) != before


@pytest.mark.parametrize(("name", "body"), CHANGING, ids=labels(CHANGING))
def test_a_form_sent_twice_leads_on(two, name, body):
    mine, theirs, client = two
    sent = body(mine.ids, theirs.ids)
    client.post(address(name, mine.ids), sent)
    once = counts(mine.owner)

    again = client.post(address(name, mine.ids), sent)

    assert again.status_code in (200, 302, 422)
    if name not in ("people:split-off", "people:split-group"):
        assert counts(mine.owner)["people.Person"] == once["people.Person"]


def counts(owner: User) -> dict[str, int]:
    return {kind: len(rows) for kind, rows in rows_of(owner).items()}


def test_the_session_of_another_is_not_ended(two):
    _mine, theirs, client = two
    Client().force_login(theirs.owner)
    session = theirs.owner.sessions.first()

    client.post(reverse("accounts:end-session"), {"session": number_of(session)})

    assert theirs.owner.sessions.filter(pk=session.pk).exists()


@pytest.mark.parametrize(("name", "query"), QUERIES, ids=[f"{name}?{query}" for name, query in QUERIES])
def test_an_address_that_names_anothers_says_what_it_says_of_nothing(two, name, query):
    mine, theirs, client = two

    def asked(ids: dict[str, int]) -> list[bytes]:
        with transaction.atomic():
            response = client.get(f"{address(name, mine.ids)}?{query.format(**ids)}")
            transaction.set_rollback(True)
        content = told(response)[2]
        for value in re.findall(r"\{(\w+)\}", query):
            content = content.replace(str(ids[value]).encode(), b"N")
        return [str(response.status_code).encode(), *content.splitlines()]

    unknown = {key: UNKNOWN + number for number, key in enumerate(theirs.ids)}
    asked(unknown)  # takes what forms before had left to say
    assert asked(theirs.ids) == asked(unknown)
