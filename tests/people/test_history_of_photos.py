"""The history page lists acts on photos beside the decisions about faces, in one time order, with Undo."""

import re
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from people import answers, chronicle
from people.history import Filters
from photos import acts
from photos.models import Act, Album, Photo
from tests.factories import make_album, make_face, make_person, make_photo, make_user

URL = "/history/"


@pytest.fixture
def photos(alice) -> list[Photo]:
    return [make_photo(alice) for _ in range(4)]


def of(*photos: Photo):
    return Photo.objects.filter(pk__in=[photo.pk for photo in photos])


def listed(client, **query) -> list[str]:
    page = client.get(URL, query).content.decode()
    return [re.sub(r"<[^>]+>", "", text) for text in re.findall(r'class="what">\s*<span>(.*?)</span>', page)]


def test_acts_on_photos_stand_between_the_decisions_of_their_time(signed_in, alice, photos):
    face = make_face(photos[0])
    acts.mark(alice, of(photos[0]), is_favourite=True)
    answers.confirm(make_person(alice), [face.pk], actor=alice)
    acts.move_to_trash(alice, of(*photos[1:3]))
    answers.ignore(alice, [make_face(photos[3]).pk], actor=alice)

    assert listed(signed_in) == [
        "1 face set aside",
        "2 photos moved to the trash",
        "1 face confirmed as Ann",
        "1 photo is a favourite",
    ]


def test_u_in_review_takes_back_what_was_done_last_an_answer_or_an_act_on_photos(signed_in, alice, photos):
    ann = make_person(alice)
    acts.mark(alice, of(photos[0]), is_favourite=True)
    answers.confirm(ann, [make_face(photos[0]).pk], actor=alice)
    acts.move_to_trash(alice, of(photos[1]))
    told = []
    for _ in range(4):
        page = signed_in.post(reverse("people:undo-last"), {"next": "/history/"}, follow=True).content.decode()
        told.append(re.search(r"Undone: [^<]*\.|Undone\.|There is nothing to undo\.", page)[0])

    assert told == [
        "Undone: 1 photo moved to the trash.",
        "Undone.",
        "Undone: 1 photo is a favourite.",
        "There is nothing to undo.",
    ]
    assert not ann.faces.exists()
    assert Photo.objects.filter(is_favourite=False).count() == 4


def test_u_passes_over_an_act_that_cannot_be_taken_back_any_more(signed_in, alice, photos):
    acts.mark(alice, of(photos[0]), is_favourite=True)
    acts.move_to_trash(alice, of(photos[1]))
    Photo.everywhere.filter(pk=photos[1].pk).delete()

    signed_in.post(reverse("people:undo-last"))

    assert not Photo.objects.get(pk=photos[0].pk).is_favourite


def test_every_kind_of_act_is_told(signed_in, alice, photos):
    acts.move_to_trash(alice, of(photos[0]))
    acts.restore(alice, Photo.everywhere.filter(pk=photos[0].pk))
    acts.mark(alice, of(photos[0]), is_favourite=True)
    acts.mark(alice, of(photos[0]), is_favourite=False)
    acts.set_date(alice, of(photos[0]), date(2020, 2, 3))
    acts.add_to_album(alice, of(*photos), "Hills")
    album = Album.objects.get()
    acts.remove_from_album(alice, album, of(photos[3]))
    acts.choose_cover(album, photos[1])
    acts.rename_album(album, "Mountains")
    acts.delete_album(album)

    assert listed(signed_in, kind="photos") == [
        "Album Mountains deleted. Its photos stay",
        "The album is called Mountains now",
        "Hills has a new cover",
        "1 photo removed from Hills",
        "4 photos added to Hills",
        "1 photo has a new date",
        "1 photo is no favourite now",
        "1 photo is a favourite",
        "1 photo put back",
        "1 photo moved to the trash",
    ]


def test_filters_choose_among_acts_too(signed_in, alice, photos):
    ann = make_person(alice)
    answers.confirm(ann, [make_face(photos[0]).pk], actor=alice)
    acts.mark(alice, of(photos[0]), is_favourite=True)
    trashed = acts.move_to_trash(alice, of(photos[1]))
    acts.undo(trashed)
    Act.objects.filter(pk=trashed.pk).update(made_at=datetime(2024, 5, 3, tzinfo=UTC))

    assert listed(signed_in, kind="photos", since="2024-05-04") == ["1 photo is a favourite"]
    assert listed(signed_in, kind="photos", until="2024-05-03") == ["1 photo moved to the trash"]
    assert listed(signed_in, kind="undone") == ["1 photo moved to the trash"]
    assert listed(signed_in, kind="names") == ["1 face confirmed as Ann"]
    assert listed(signed_in, person=ann.pk) == ["1 face confirmed as Ann"]
    assert listed(signed_in, by="kith") == []
    assert listed(signed_in, by=str(make_user(username="carl").pk)) == []
    assert len(listed(signed_in, by="you")) == 3


def test_an_act_is_undone_from_the_list(signed_in, alice, photos):
    act = acts.move_to_trash(alice, of(photos[0]))
    page = signed_in.get(URL).content.decode()
    assert "Undo: 1 photo moved to the trash" in page

    answer = signed_in.post(reverse("photos:undo-act", args=[act.pk]), {"next": URL}, follow=True).content.decode()

    assert Photo.objects.filter(pk=photos[0].pk).exists()
    assert "Undone: 1 photo moved to the trash." in answer
    assert "Undo: 1 photo moved to the trash" not in answer
    assert f'id="act-{act.pk}" class="undone"' in answer


def test_an_album_that_is_still_there_is_linked(signed_in, alice, photos):
    album = make_album(alice, "Hills")
    acts.add_to_album(alice, of(photos[0]), "Hills")

    assert f'href="{album.get_absolute_url()}">1 photo added to Hills' in signed_in.get(URL).content.decode()


def test_acts_of_somebody_else_are_not_listed(signed_in, bob):
    acts.mark(bob, of(make_photo(bob)), is_favourite=True)

    assert listed(signed_in) == []


def mixed(alice, photos, count: int) -> list[tuple[str, int]]:
    """As many rows, by turns two acts and a decision; as (kind, key), the latest first."""
    rows: list[tuple[str, int]] = []
    for number in range(count):
        if number % 3:
            album = f"Hills {number} of {Act.objects.count()}"
            rows.append(("act", acts.add_to_album(alice, of(photos[0]), album).pk))
        else:
            rows.append(("decision", answers.ignore(alice, [make_face(photos[0]).pk], actor=alice).pk))
    return rows[::-1]


def test_pages_hold_every_row_once_in_both_directions(signed_in, alice, photos):
    rows = mixed(alice, photos, 2 * chronicle.PER_PAGE + 7)

    def ids(address: str) -> tuple[list[tuple[str, int]], str | None, str | None]:
        page = signed_in.get(address).content.decode()
        found = [(kind, int(pk)) for kind, pk in re.findall(r'<li id="(act|decision)-(\d+)"', page)]
        ways = {rel: URL + href for href, rel in re.findall(r'href="(\?[^"]+)" rel="(prev|next)"', page)}
        return found, ways.get("next"), ways.get("prev")

    first, on, none = ids(URL)
    second, further, back = ids(on)
    third, end, _ = ids(further)
    assert none is None
    assert end is None
    assert first + second + third == rows
    again, forth, back_to_first = ids(ids(further)[2])
    assert again == second
    assert ids(forth)[0] == third
    assert ids(back_to_first)[0] == first
    assert ids(back)[0] == first


def test_a_link_to_one_decision_begins_with_it(signed_in, alice, photos):
    rows = mixed(alice, photos, 70)
    kind, pk = rows[63]
    assert kind == "decision"

    page = signed_in.get(URL, {"at": pk}).content.decode()

    assert re.findall(r'<li id="(\w+-\d+)"', page) == [f"{kind}-{key}" for kind, key in rows[63:]]
    assert 'rel="prev"' in page


@pytest.mark.parametrize("query", [{"after": "x"}, {"before": "1-x"}, {"after": "1-2-3"}, {"before": "9" * 30 + "-1"}])
def test_a_place_nobody_can_read_is_the_top(signed_in, alice, photos, query):
    acts.mark(alice, of(photos[0]), is_favourite=True)

    assert listed(signed_in, **query) == ["1 photo is a favourite"]


def test_many_acts_take_as_many_queries_as_few(signed_in, alice, photos, django_assert_max_num_queries):
    mixed(alice, photos, 3)
    with CaptureQueriesContext(connection) as few:
        signed_in.get(URL)
    mixed(alice, photos, 60)

    with django_assert_max_num_queries(len(few)):
        signed_in.get(URL)


def test_the_photos_of_an_act_are_not_read_in_full(alice, photos):
    acts.mark(alice, of(*photos), is_favourite=True)

    row = chronicle.page_after(alice, Filters(), chronicle.Place()).acts[0]

    assert row.get_deferred_fields() >= {"photos", "before"}
    assert (row.photo_count, row.first_photos) == (4, [photo.pk for photo in photos[:3]])
