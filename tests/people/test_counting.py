"""What pages count and choose by indexes of their own says what is there."""

import pytest
from django.urls import reverse

from people.models import Cluster, Person, Suggestion
from people.models.person import CLEAREST
from tests.factories import make_cluster, make_face, make_person, make_photo, unit


@pytest.fixture
def ann(alice):
    return make_person(alice, "Ann")


def test_photos_of_a_person_count_once_and_suggestions_do_not_multiply_them(signed_in, alice, ann):
    photo = make_photo(alice)
    named = [make_face(photo, person=ann), make_face(photo, person=ann), make_face(make_photo(alice), person=ann)]
    for _ in range(4):
        waiting = make_face(make_photo(alice))
        Suggestion.objects.create(face=waiting, person=ann, probability=0.9, distance=0.1, nearest=named[0])

    [shown] = signed_in.get(reverse("people:index")).context["people"]

    assert (shown.photo_count, shown.to_check) == (2, 4)


def test_only_faces_that_wait_count_as_of_a_group(alice, ann):
    cluster, photo = make_cluster(alice), make_photo(alice)
    for place in (photo, photo, make_photo(alice)):
        make_face(place, cluster=cluster)
    make_face(make_photo(alice), cluster=cluster, is_ignored=True)

    [counted] = Cluster.objects.waiting()

    assert (counted.face_count, counted.photo_count) == (3, 2)


def test_a_face_whose_group_has_no_other_is_seen_once(signed_in, alice, ann):
    pair, alone = make_cluster(alice), make_cluster(alice)
    hidden = Cluster.objects.create(owner=alice, is_hidden=True)
    for cluster in (pair, pair, hidden, hidden):
        make_face(make_photo(alice), cluster=cluster)
    singles = [make_face(make_photo(alice), cluster=alone), make_face(make_photo(alice))]
    make_face(make_photo(alice), person=ann)

    page = signed_in.get(reverse("people:unnamed"), {"kind": "singles"})

    assert set(page.context["items"]) == set(singles)
    assert signed_in.get(reverse("people:count-singles")).content == b"2"


def test_people_are_like_a_face_by_the_nearest_of_their_clearest_faces(alice, ann):
    bea, carl = make_person(alice, "Bea"), make_person(alice, "Carl")
    make_person(alice, "Nobody")
    make_face(make_photo(alice), person=bea, likeness=unit(0, towards=1, by=0.6))
    make_face(make_photo(alice), person=ann, likeness=unit(0, towards=1, by=0.3))
    make_face(make_photo(alice), person=ann, likeness=unit(5))
    for _ in range(CLEAREST):
        make_face(make_photo(alice), person=carl, likeness=unit(7), quality=0.9)
    make_face(make_photo(alice), person=carl, likeness=unit(0), quality=0.3)
    probe = make_face(make_photo(alice), likeness=unit(0))

    found = Person.objects.most_like(probe)

    assert [person.name for person in found] == ["Ann", "Bea", "Carl", "Nobody"]
    assert [person.distance for person in found] == [
        pytest.approx(0.042, abs=1e-3),
        pytest.approx(0.143, abs=1e-3),
        pytest.approx(1),
        None,
    ]


def test_the_best_faces_of_a_group_make_its_picture(signed_in, alice):
    cluster = make_cluster(alice)
    faces = [make_face(make_photo(alice), cluster=cluster, quality=quality) for quality in (0.5, 0.9, 0.7, 0.6)]

    [group] = signed_in.get(reverse("people:index")).context["groups"]

    assert group.mosaic == [faces[1], faces[2], faces[3]]
