"""Which question comes next, and how many are left."""

import pytest

from people import answers
from people.models import Suggestion
from people.review import FACES_ASKED, count_questions, likely_people, next_question, reference_faces
from people.suggestions import refresh_suggestions
from tests.factories import make_cluster, make_face, make_person, make_photo, unit


@pytest.fixture
def ann(alice):
    person = make_person(alice)
    make_face(make_photo(alice), person=person, likeness=unit(1))
    return person


def make_suggestions(owner, person, count: int) -> None:
    source = person.faces.first()
    for _ in range(count):
        face = make_face(make_photo(owner), likeness=unit(1))
        Suggestion.objects.create(face=face, person=person, probability=0.9, distance=0.1, nearest=source)


def make_group(owner, count: int, **fields):
    cluster = make_cluster(owner)
    for _ in range(count):
        make_face(make_photo(owner), cluster=cluster, **fields)
    return cluster


def test_nothing_to_ask_in_an_empty_library(alice):
    assert next_question(alice) is None
    assert count_questions(alice) == 0


def test_the_question_that_settles_most_faces_comes_first(alice, ann):
    make_suggestions(alice, ann, 3)
    group = make_group(alice, 5)

    question = next_question(alice)

    assert question.cluster == group
    assert question.settles == 5


def test_suggested_faces_are_asked_about_beside_confirmed_ones(alice, ann):
    make_suggestions(alice, ann, 3)

    question = next_question(alice)

    assert question.person == ann
    assert len(question.faces) == 3
    assert question.references == list(ann.faces.all())


def test_a_screenful_is_asked_at_once(alice, ann):
    make_suggestions(alice, ann, FACES_ASKED + 1)

    assert len(next_question(alice).faces) == FACES_ASKED
    assert count_questions(alice) == 2


def test_skipped_questions_wait(alice, ann):
    make_suggestions(alice, ann, 2)
    first = next_question(alice)

    assert next_question(alice, skipped=[first.key]) is None


def test_a_face_is_asked_about_once_as_somebodys_and_not_again_as_a_groups(alice, ann):
    group = make_group(alice, 2)
    for face in group.faces.all():
        Suggestion.objects.create(face=face, person=ann, probability=0.9, distance=0.1, nearest=ann.faces.first())

    assert count_questions(alice) == 1
    assert next_question(alice).person == ann


def test_hidden_groups_and_people_are_not_asked_about(alice, ann):
    make_suggestions(alice, ann, 2)
    group = make_group(alice, 3)
    group.is_hidden = True
    group.save()
    ann.is_hidden = True
    ann.save()

    assert next_question(alice) is None


def test_people_who_look_alike_are_offered_as_other_answers(alice, ann):
    bea = make_person(alice, "Bea")
    make_face(make_photo(alice), person=bea, likeness=unit(1, towards=5, by=0.5))
    make_suggestions(alice, ann, 1)

    assert next_question(alice).others == [bea]


def test_questions_of_another_owner_are_not_seen(alice, bob, ann):
    make_suggestions(alice, ann, 3)
    make_group(alice, 3)

    assert next_question(bob) is None
    assert count_questions(bob) == 0


def test_answering_settles_the_question(alice):
    faces = [make_face(make_photo(alice), likeness=unit(1)) for _ in range(3)]
    ann = make_person(alice)
    answers.confirm(ann, [faces[0].pk], actor=alice)
    refresh_suggestions(alice.pk)
    question = next_question(alice)

    answers.confirm(question.person, [face.pk for face in question.faces], actor=alice)
    refresh_suggestions(alice.pk)

    assert count_questions(alice) == 0


def test_references_span_the_years(alice):
    from datetime import UTC, datetime

    ann = make_person(alice)
    for year in range(2000, 2024):
        make_face(make_photo(alice, taken_at=datetime(year, 1, 1, tzinfo=UTC)), person=ann)

    years = [face.photo.taken_at.year for face in reference_faces(ann)]

    assert years == sorted(years)
    assert len(years) == 4
    assert years[0] < 2006
    assert years[-1] >= 2018


@pytest.mark.parametrize("groups", [1, 8])
def test_asking_costs_the_same_number_of_queries_in_any_library(alice, groups, django_assert_max_num_queries):
    for _ in range(groups):
        make_group(alice, 2)

    with django_assert_max_num_queries(7):
        next_question(alice)


def test_a_person_with_many_faces_does_not_hide_the_others(alice):
    """A nearest-neighbour index would stop after Ann's faces and offer nobody else."""
    ann, bea = make_person(alice), make_person(alice, "Bea")
    for _ in range(60):
        make_face(make_photo(alice), person=ann, likeness=unit(1))
    make_face(make_photo(alice), person=bea, likeness=unit(1, towards=5, by=0.5))
    probe = make_face(make_photo(alice), likeness=unit(1))

    assert likely_people(alice, [probe], but_not=ann) == [bea]
    assert likely_people(alice, [probe]) == [ann, bea]


def test_somebody_who_looks_nothing_alike_is_not_offered(alice):
    make_face(make_photo(alice), person=make_person(alice), likeness=unit(1))

    assert likely_people(alice, [make_face(make_photo(alice), likeness=unit(2))]) == []


def test_one_person_can_be_asked_about_first(alice, ann):
    make_suggestions(alice, ann, 1)
    make_group(alice, 5)

    assert next_question(alice, about=ann.pk).person == ann
