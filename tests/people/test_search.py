"""Searching photos by people, and the page that does it."""

import pytest
from django.http import QueryDict
from django.urls import reverse

from people.models.person import fold
from people.search import PhotoSearch
from tests.factories import make_face, make_person, make_photo


@pytest.fixture
def library(alice):
    """Photos by who is in them: "ann bob" shows both."""
    people = {name: make_person(alice, name.title()) for name in ("ann", "bob", "mila")}
    photos = {}
    for who in ("ann", "bob", "mila", "ann bob", "ann bob mila", ""):
        photos[who] = make_photo(alice)
        for name in who.split():
            make_face(photos[who], person=people[name])
    return people, photos


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("p=ann", {"ann", "ann bob", "ann bob mila"}),
        ("p=ann&p=bob", {"ann bob", "ann bob mila"}),
        ("p=ann&p=mila&mode=any", {"ann", "mila", "ann bob", "ann bob mila"}),
        ("p=ann&p=bob&without=mila", {"ann bob"}),
        ("without=ann", {"bob", "mila", ""}),
        ("p=ann&without=ann", set()),
        ("", set()),
    ],
)
def test_photos_are_found_by_who_is_in_them(alice, library, query, found):
    people, photos = library
    for name, person in people.items():
        query = query.replace(f"={name}", f"={person.pk}")

    search = PhotoSearch.from_query(alice, QueryDict(query))

    assert set(search.photos(alice)) == {photos[who] for who in found}


def test_the_address_is_the_search(alice, library):
    people, _ = library
    search = PhotoSearch((people["ann"],), (people["mila"],), "any")

    read_again = PhotoSearch.from_query(alice, QueryDict(search.url().partition("?")[2]))

    assert read_again == search
    assert search.sentence() == "Ann without Mila"


def test_people_of_others_and_nonsense_in_an_address_are_left_out(bob, library):
    people, _ = library
    query = f"p={people['ann'].pk}&p=x&p=-1&p=99999999999999999999&p=²&without=%00"

    assert PhotoSearch.from_query(bob, QueryDict(query)) == PhotoSearch()


@pytest.mark.parametrize(
    ("name", "folded"),
    [("Łucja", "lucja"), ("ZOË", "zoe"), ("  José  María ", "jose maria"), ("Müller", "muller"), ("Ærø", "aero")],
)
def test_names_are_compared_without_accents_and_case(name, folded):
    assert fold(name) == folded


def test_typing_the_name_of_one_person_searches_for_them(signed_in, library):
    people, _ = library

    response = signed_in.get(reverse("people:search"), {"q": "ánn"})

    assert response.status_code == 302
    assert response.url == f"{reverse('people:search')}?p={people['ann'].pk}"


def test_the_page_shows_the_photos_and_their_number(signed_in, library):
    people, photos = library

    response = signed_in.get(reverse("people:search"), {"p": [people["ann"].pk, people["bob"].pk]})

    assert response.context["photo_count"] == 2
    assert photos["ann bob"].get_absolute_url() in response.content.decode()
    assert photos["ann"].get_absolute_url() not in response.content.decode()
