"""Who may do what: every address, seven methods, and everybody who may ask."""

from itertools import product

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.access.addresses import ROUTES, address, ask, told
from tests.access.library import UNKNOWN, Belongings, rows_of
from tests.access.routes import EXPECTED, METHODS

pytestmark = pytest.mark.usefixtures("at_home")

SIGN_IN = reverse("accounts:sign-in")


PRIVATE = sorted(name for name, expected in EXPECTED.items() if not expected.is_public)
# Addresses that hold a number of something; a language is nobody's.
WITH_OBJECT = sorted(name for name in ROUTES if "_id" in " ".join(ROUTES[name].pattern.converters))


def test_the_table_names_every_route_and_no_other():
    assert sorted(EXPECTED) == sorted(ROUTES)


def test_the_table_makes_more_than_a_thousand_checks():
    assert len(EXPECTED) * len(METHODS) * 5 >= 1000


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_owners_get_what_the_table_says(home, clients, name):
    url = address(name, home.ids)

    answers = {method: ask(clients["owner"], method, url).status_code for method in METHODS}

    assert answers == EXPECTED[name].of_owner()


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_strangers_are_sent_to_sign_in(home, clients, name):
    check_as_stranger(name, clients["anonymous"], home)


def check_as_stranger(name: str, client: Client, home: Belongings) -> None:
    answers = {method: ask(client, method, address(name, home.ids)) for method in METHODS}

    if EXPECTED[name].is_public:
        assert {method: answer.status_code for method, answer in answers.items()} == EXPECTED[name].of_stranger()
        return
    for answer in answers.values():
        assert answer.status_code == 302
        assert answer.url.startswith(SIGN_IN)
        assert getattr(answer, "content", b"") == b""


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_deactivated_user_with_a_live_session_is_a_stranger(home, clients, name):
    User.objects.filter(pk=home.owner.pk).update(is_active=False)
    try:
        check_as_stranger(name, clients["deactivated"], home)
    finally:
        User.objects.filter(pk=home.owner.pk).update(is_active=True)


@pytest.mark.parametrize(("name", "role"), list(product(WITH_OBJECT, ["other", "staff"])))
def test_what_belongs_to_somebody_else_does_not_exist(home, clients, name, role):
    """Kith has no staff: those Django calls so see no more than others."""
    unknown = dict.fromkeys(home.ids, UNKNOWN)

    for method in METHODS:
        theirs = ask(clients[role], method, address(name, home.ids))
        nobodys = ask(clients[role], method, address(name, unknown))
        assert theirs.status_code == EXPECTED[name].of_others()[method], method
        assert told(theirs) == told(nobodys), method


@pytest.mark.parametrize(("name", "role"), list(product(sorted(ROUTES.keys() - {*WITH_OBJECT}), ["other", "staff"])))
def test_pages_without_an_object_show_nothing_of_others(home, clients, name, role):
    for method in METHODS:
        status, _headers, content = told(ask(clients[role], method, address(name, home.ids)))
        assert status == EXPECTED[name].of_owner()[method], method
        assert b"Annabel" not in content
        assert f"/{home.ids['photo_id']}/".encode() not in content


def test_owners_do_see_what_others_must_not(home, clients):
    for name in ("people:index", "people:person", "photos:albums", "people:search"):
        assert b"Annabel" in told(ask(clients["owner"], "GET", address(name, home.ids)))[2]


def test_every_kind_of_row_has_an_owner(home):
    found = rows_of(home.owner)

    assert {"people.Face", "people.Decision", "photos.Photo", "people.SavedSearch"} <= found.keys()


@pytest.mark.parametrize("name", PRIVATE)
def test_scripts_are_told_to_sign_in(home, clients, name):
    with transaction.atomic():
        answer = clients["anonymous"].post(address(name, home.ids), headers={"X-CSRFToken": "x"})
        transaction.set_rollback(True)

    assert answer.status_code == 401
