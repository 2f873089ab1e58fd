"""Searching photos, and the page that does it."""

import re
from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict
from django.urls import reverse

from people import answers, ledger
from people.models import SavedSearch
from people.models.person import fold
from people.search import PhotoSearch
from people.search_offers import offers
from people.search_words import period, sentence
from tests.factories import make_album, make_face, make_known, make_person, make_photo, make_user


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
        ("p=ann&mode=only", {"ann"}),
        ("p=ann&p=bob&mode=only", {"ann bob"}),
        ("p=ann&faces=2", {"ann bob"}),
        ("faces=0", {""}),
        ("faces=1", {"ann", "bob", "mila"}),
        ("faces=3-5", {"ann bob mila"}),
        ("faces=6", set()),
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
    search = PhotoSearch(
        people=(people["ann"],),
        without=(people["mila"],),
        mode="any",
        since=date(2024, 5, 1),
        until=date(2024, 5, 31),
        album=make_album(alice),
        place="Rome, Lazio, Italy",
        count="3-5",
        has_unnamed=True,
        is_favourite=True,
    )

    read_again = PhotoSearch.from_query(alice, QueryDict(search.query()))

    assert read_again == search
    assert read_again.query() == search.query()


def test_people_of_others_and_nonsense_in_an_address_are_left_out(bob, library):
    people, _ = library
    album = make_album(make_user())
    query = f"p={people['ann'].pk}&p=x&p=-1&p=99999999999999999999&p=²&without=%00&album={album.pk}&album=x&from=soon"
    query += "&to=2024-13-45&faces=7&unnamed=yes&favourites=yes&mode=none&place=%00"

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


def test_only_these_people_means_nobody_unnamed_either(alice):
    ann = make_person(alice)
    alone, in_company, passer_by = (make_photo(alice) for _ in range(3))
    for photo in (alone, in_company, passer_by):
        make_face(photo, person=ann)
    make_face(in_company)
    make_face(passer_by, is_ignored=True)

    search = PhotoSearch.from_query(alice, QueryDict(f"p={ann.pk}&mode=only"))

    assert set(search.photos(alice)) == {alone, passer_by}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=2024-05-03", {"may", "june"}),
        ("to=2024-05-03", {"april", "may"}),
        ("from=2024-05-03&to=2024-05-03", {"may"}),
        ("place=Lazio, Italy", {"may"}),
        ("unnamed=1", {"june"}),
        ("favourites=1", {"april"}),
        ("favourites=1&unnamed=1", set()),
        ("to=9999-12-31", {"april", "may", "june"}),
    ],
)
def test_photos_are_found_by_time_place_favourites_and_faces_without_a_name(alice, query, found):
    photos = {
        "april": make_photo(alice, taken_at=datetime(2024, 4, 30, 23, 59, 59, tzinfo=UTC), is_favourite=True),
        "may": make_photo(
            alice, taken_at=datetime(2024, 5, 3, 23, 59, 59, 999999, tzinfo=UTC), place="Rome, Lazio, Italy"
        ),
        "june": make_photo(alice, taken_at=datetime(2024, 6, 1, tzinfo=UTC), place="Rome, Georgia, United States"),
    }
    make_face(photos["june"])

    assert set(PhotoSearch.from_query(alice, QueryDict(query)).photos(alice)) == {photos[name] for name in found}


def test_an_album_is_a_term(alice):
    album, photo, other = make_album(alice), make_photo(alice), make_photo(alice)
    album.photos.add(photo)
    make_album(alice, "Another").photos.add(photo, other)

    assert list(PhotoSearch.from_query(alice, QueryDict(f"album={album.pk}")).photos(alice)) == [photo]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, ""),
        ({"mode": "any", "who": ("ann", "bob")}, "Ann or Bob"),
        ({"mode": "only", "who": ("ann", "bob")}, "only Ann and Bob"),
        ({"who": ("ann",), "but": ("mila",)}, "Ann without Mila"),
        ({"count": "2", "place": "Rome"}, "Rome, two faces"),
        ({"who": ("ann",), "is_favourite": True}, "Ann, favourites"),
        ({"is_favourite": True}, "Favourites"),
        ({"who": ("ann",), "since": date(2024, 1, 1), "until": date(2024, 12, 31)}, "Ann, 2024"),
    ],
)
def test_a_search_is_said_in_words(library, terms, said):
    people, _ = library
    terms["people"] = tuple(people[name] for name in terms.pop("who", ()))
    terms["without"] = tuple(people[name] for name in terms.pop("but", ()))

    assert sentence(PhotoSearch(**terms)) == said


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("2024-01-01", "2024-12-31", "2024"),
        ("2024-02-01", "2024-02-29", "February 2024"),
        ("2023-02-01", "2023-02-28", "February 2023"),
        ("2024-05-03", "2024-05-03", "3 May 2024"),
        ("2024-05-03", "2024-06-05", "3 May 2024 to 5 June 2024"),
        ("2024-05-03", "", "since 3 May 2024"),
        ("", "2024-05-03", "until 3 May 2024"),
    ],
)
def test_a_period_is_said_as_shortly_as_it_can_be(since, until, said):
    assert period(date.fromisoformat(since) if since else None, date.fromisoformat(until) if until else None) == said


def test_what_is_typed_offers_people_albums_times_and_places(alice, library):
    make_album(alice, "Rómulo's birthday")
    for place in ("Rome, Lazio, Italy", "Tivoli, Lazio, Italy", "Vienna, Vienna, Austria"):
        make_photo(alice, place=place)

    def offered(text: str) -> list[tuple[str, str]]:
        return [(offer.kind, offer.words) for offer in offers(alice, PhotoSearch(), text)]

    assert offered("ÁN") == [("Person", "Ann")]
    assert offered("rom") == [("Album", "Rómulo's birthday"), ("Place", "Rome, Lazio, Italy")]
    assert offered("ital") == [("Place", "Italy")]
    assert offered("2024") == [("Time", "2024")]
    assert offered("ju 2024") == [("Time", "June 2024"), ("Time", "July 2024")]
    assert ("Filter", "two faces") in offered("two")
    assert offered("xyz") == []
    assert offered("") == []


def test_an_offer_adds_to_the_search(alice, library):
    people, photos = library
    search = PhotoSearch(people=(people["ann"],))

    [offer] = offers(alice, search, "bob")

    assert set(PhotoSearch.from_query(alice, QueryDict(offer.url.partition("?")[2])).photos(alice)) == {
        photos["ann bob"],
        photos["ann bob mila"],
    }
    assert offers(alice, search, "ann") == []


def test_nothing_of_others_is_offered(bob, library):
    make_album(library[0]["ann"].owner, "Summer")
    make_photo(library[0]["ann"].owner, place="Rome, Lazio, Italy")

    assert [offers(bob, PhotoSearch(), text) for text in ("ann", "summer", "rome")] == [[], [], []]


def test_a_search_is_kept_and_dropped_again(alice, signed_in, library):
    people, _ = library
    query = PhotoSearch(people=(people["ann"],)).query()

    signed_in.post(reverse("people:save-search"), {"query": query, "title": "  Just Ann "})
    signed_in.post(reverse("people:save-search"), {"query": query, "title": "Ann alone"})  # its title is changed

    assert [(one.title, one.query) for one in SavedSearch.objects.owned_by(alice)] == [("Ann alone", query)]
    assert "Ann alone" in signed_in.get(reverse("people:search")).content.decode()

    signed_in.post(reverse("people:drop-search"), {"query": query})

    assert not SavedSearch.objects.exists()


def test_a_kept_search_for_somebody_who_is_gone_can_still_be_dropped(alice, signed_in, library):
    people, _ = library
    query = PhotoSearch(people=(people["ann"],)).query()
    signed_in.post(reverse("people:save-search"), {"query": query, "title": "Ann"})
    answers.merge(people["ann"], people["bob"], actor=alice)

    page = signed_in.get(f"{reverse('people:search')}?{query}").content.decode()
    assert f'name="query" value="{query}"' in page
    signed_in.post(reverse("people:drop-search"), {"query": query})

    assert not SavedSearch.objects.exists()


def test_a_search_for_nothing_or_for_others_people_is_not_kept(bob, client, library):
    client.force_login(bob)

    client.post(reverse("people:save-search"), {"query": f"p={library[0]['ann'].pk}", "title": "Ann"})
    client.post(reverse("people:save-search"), {"query": "", "title": "Nothing"})

    assert not SavedSearch.objects.exists()


def test_the_page_asks_as_much_for_many_as_for_few(signed_in, alice, library, django_assert_max_num_queries):
    people, _ = library
    for number in range(20):
        make_face(make_photo(alice), person=make_person(alice, f"Person {number}"))
        make_album(alice, f"Album {number}")
    query = f"{PhotoSearch(people=tuple(people.values()), mode='any').query()}&q=person"

    with django_assert_max_num_queries(22):
        signed_in.get(f"{reverse('people:search')}?{query}")


def test_favourites_are_offered_shown_as_a_chip_and_taken_off(signed_in, alice, library):
    favourite = make_photo(alice, is_favourite=True)
    offered = signed_in.get(reverse("people:search-offers"), {"q": "favou"}).content.decode()
    assert "/search/?favourites=1" in offered

    page = signed_in.get(reverse("people:search"), {"favourites": "1"})

    html = page.content.decode()
    assert page.context["photo_count"] == 1
    assert f"/photos/{favourite.pk}/" in html
    assert [chip.words for chip in page.context["chips"]] == ["Favourites"]
    assert page.context["chips"][0].remove_url == "/search/?"
    assert re.search(r'<input[^>]*name="favourites"[^>]*checked', html)


def test_a_kept_search_follows_people_who_are_merged_and_comes_back_with_an_undo(signed_in, alice):
    ann, anna, bea = (make_known(alice, name) for name in ("Ann", "Anna", "Bea"))
    address = f"/search/?p={anna.pk}&without={bea.pk}"

    def found() -> tuple[list[str], list[str]]:
        search = signed_in.get(address).context["search"]
        return [person.name for person in search.people], [person.name for person in search.without]

    first = answers.merge(anna, ann, actor=alice)
    assert found() == (["Ann"], ["Bea"])
    second = answers.merge(ann, bea, actor=alice)
    assert found() == (["Bea"], ["Bea"])
    for merge in (second, first):
        ledger.undo(merge, actor=alice)

    assert found() == (["Anna"], ["Bea"])


def test_a_search_for_two_people_who_are_one_now_names_them_once(signed_in, alice):
    ann, anna = make_known(alice, "Ann"), make_known(alice, "Anna")
    answers.merge(anna, ann, actor=alice)

    page = signed_in.get("/search/", {"p": [ann.pk, anna.pk]})

    assert [person.name for person in page.context["search"].people] == ["Ann"]
    assert page.context["photo_count"] == 2


def test_nobody_follows_a_merge_of_somebody_elses_people(signed_in, alice, bob):
    theirs, other = make_known(bob, "Ann"), make_known(bob, "Anna")
    answers.merge(theirs, other, actor=bob)

    assert signed_in.get("/search/", {"p": theirs.pk}).context["search"].people == ()
