"""The library map: drawn by the worker, shown by the page."""

from datetime import timedelta

import pytest
from django.urls import reverse

from people import tasks
from people.mapping import draw_map
from people.models import LibraryMap, Upkeep
from people.views import library_map as page
from tests.factories import make_face, make_group, make_known, make_person, unit


@pytest.fixture
def library(alice, bob):
    ann = make_known(alice, "Ann", likeness=unit(0), faces=6)
    bea = make_known(alice, "Bea", likeness=unit(1), faces=2)
    group = make_group(alice, 3, likeness=unit(2))
    make_known(bob, "Nobody of Alice's")
    return ann, bea, group


def test_the_map_holds_people_and_groups_the_largest_first(alice, library):
    ann, bea, group = library

    assert draw_map(alice.pk)

    circles = LibraryMap.objects.get(owner=alice).circles
    assert [(c["kind"], c["pk"]) for c in circles] == [("person", ann.pk), ("group", group.pk), ("person", bea.pk)]
    assert circles[0]["r"] >= circles[1]["r"] >= circles[2]["r"] > 0


def test_each_circle_is_a_link_with_a_name_one_can_read(alice, signed_in, library):
    ann, _, group = library
    draw_map(alice.pk)

    text = signed_in.get(reverse("people:map")).content.decode()

    assert f'href="{ann.get_absolute_url()}"' in text
    assert 'aria-label="Ann, 6 photos"' in text
    assert f'href="{group.get_absolute_url()}"' in text
    assert 'aria-label="Unnamed group, 3 photos"' in text


def test_who_is_hidden_merged_or_named_since_is_not_shown(alice, signed_in, library):
    _, bea, group = library
    draw_map(alice.pk)
    bea.is_hidden = True
    bea.save()
    group.faces.update(cluster=None)

    text = signed_in.get(reverse("people:map")).content.decode()

    assert "Ann" in text
    assert "Bea" not in text
    assert "Unnamed group" not in text


def test_a_library_nobody_has_drawn_says_that_it_is_being_drawn(alice, signed_in, library, monkeypatch):
    sent = []
    monkeypatch.setattr(page, "send_wakeup", lambda task, *args: sent.append((task, *args)))

    text = signed_in.get(reverse("people:map")).content.decode()

    assert "The map is being drawn" in text
    assert sent == [(tasks.draw_map, alice.pk)]


def test_it_is_drawn_again_when_answers_came_and_it_is_old(alice, signed_in, library, monkeypatch):
    sent = []
    monkeypatch.setattr(page, "send_wakeup", lambda task, *args: sent.append(task))
    draw_map(alice.pk)
    Upkeep.objects.want(alice.pk, groups=False)

    signed_in.get(reverse("people:map"))
    assert sent == []  # a moment ago

    LibraryMap.objects.update(drawn_at=LibraryMap.objects.get().drawn_at - timedelta(hours=1))
    signed_in.get(reverse("people:map"))
    assert sent == [tasks.draw_map]


def test_a_library_without_faces_has_an_empty_map(alice, signed_in):
    draw_map(alice.pk)

    assert "Nobody to draw yet" in signed_in.get(reverse("people:map")).content.decode()


def test_the_page_asks_as_much_for_many_as_for_few(alice, signed_in, library, django_assert_max_num_queries):
    for number in range(30):
        make_face(person=make_person(alice, f"Person {number}"), photo=None, likeness=unit(number))
    draw_map(alice.pk)

    with django_assert_max_num_queries(14):
        signed_in.get(reverse("people:map"))


def test_deleting_face_data_deletes_the_map(alice, library):
    from people.erasing import delete_face_data

    draw_map(alice.pk)
    delete_face_data(alice)

    assert not LibraryMap.objects.exists()
