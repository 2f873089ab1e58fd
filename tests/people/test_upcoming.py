"""The question made ready before the one on screen is answered: right whatever the answer is."""

import pytest
from django.db.models import Q

from people import answers
from people.models import Face, Question
from people.ranking import rank_questions
from people.review import next_card
from people.tiles import TILES
from people.upcoming import Shown, card_after, still_right
from tests.factories import make_face, make_group, make_known, make_photo, make_suggestion, unit

Kind = Question.Kind


@pytest.fixture
def ann(alice):
    return make_known(alice, "Ann", likeness=unit(1))


def suggest(person, count: int, *, group=None) -> list[Face]:
    owner = person.owner
    faces = [make_face(make_photo(owner), likeness=unit(1)) for _ in range(count)] if group is None else group
    for face in faces:
        make_suggestion(face, person)
    return faces


def asked_now(owner) -> Shown:
    rank_questions(owner.pk)
    return Shown.of(next_card(owner))


def test_the_next_best_question_follows(alice):
    groups = [make_group(alice, size) for size in (6, 5, 4)]
    shown = asked_now(alice)

    card = card_after(alice, shown)

    assert shown.key == f"g{groups[0].pk}-"
    assert card.question.cluster == groups[1]


def test_it_has_no_face_in_common_with_the_one_on_screen(alice, ann):
    """A no to Ann makes these faces of the group wait for its question again: it would count them."""
    group = make_group(alice, 6, likeness=unit(9))
    suggest(ann, 3, group=list(group.faces.order_by("pk")[:3]))
    other = make_group(alice, 2)
    rank_questions(alice.pk)
    shown = Shown.of(next_card(alice, within=Q(person=ann, kind=Kind.PERSON)))

    assert card_after(alice, shown, within=~Q(cluster=other)).question.cluster == group
    whole = Shown(shown.key, shown.faces, [face.pk for face in group.faces.all()])
    assert card_after(alice, whole).question.cluster == other


def test_about_the_same_person_it_is_the_next_screen(alice, ann):
    suggest(ann, TILES + 3)
    shown = asked_now(alice)

    card = card_after(alice, shown)

    assert card.question.person == ann
    assert len(card.asked) == 3
    assert {face.pk for face in card.asked_faces}.isdisjoint(shown.counted)


def test_two_people_who_are_compared_are_not_asked_about_otherwise(alice):
    ann, anna = (make_known(alice, name, likeness=unit(1), faces=2) for name in ("Ann", "Anna"))
    suggest(ann, 2)
    suggest(anna, 2)
    group = make_group(alice, 2)
    rank_questions(alice.pk)
    same = Question.objects.get(kind=Kind.SAME)
    about_two = Shown.of(next_card(alice, only=[same.key]))
    about_ann = Shown.of(next_card(alice, only=[f"p{ann.pk}-"]))

    assert card_after(alice, about_two).question.cluster == group
    assert card_after(alice, about_ann, within=Q(kind=Kind.SAME)) is None
    assert card_after(alice, about_ann, within=Q(person=anna, kind=Kind.PERSON)) is not None


def test_skipped_questions_do_not_follow(alice):
    first, second = make_group(alice, 6), make_group(alice, 5)
    shown = asked_now(alice)

    assert card_after(alice, shown, skipped=[f"g{second.pk}-"]) is None
    assert shown.key == f"g{first.pk}-"


@pytest.mark.parametrize("many", [1, 9])
def test_making_it_ready_takes_the_same_queries_in_any_library(alice, many, django_assert_max_num_queries):
    for _ in range(2 + many):
        make_group(alice, 4)
    shown = asked_now(alice)

    with django_assert_max_num_queries(9):
        card_after(alice, shown)


# ---------- Whether a card that is shown is still right


def test_a_card_is_right_until_one_of_its_faces_is_answered_for(alice, ann):
    group = make_group(alice, 5, likeness=unit(1))
    suggest(ann, 5, group=list(group.faces.all()))
    suggest(ann, 2)
    shown = asked_now(alice)
    assert still_right(alice, shown)

    answers.ignore(alice, [group.faces.first().pk], actor=alice)

    assert not still_right(alice, shown)


def test_a_group_that_grew_is_still_asked_about_as_it_was_shown(alice):
    group = make_group(alice, 5)
    shown = asked_now(alice)

    make_face(make_photo(alice), cluster=group)

    assert still_right(alice, shown)


def test_a_card_about_somebody_hidden_is_wrong(alice, ann):
    suggest(ann, 2)
    shown = asked_now(alice)
    ann.is_hidden = True
    ann.save()

    assert not still_right(alice, shown)


def test_two_who_were_merged_are_compared_no_more(alice):
    ann, anna = (make_known(alice, name, likeness=unit(1), faces=2) for name in ("Ann", "Anna"))
    shown = asked_now(alice)
    assert still_right(alice, shown)

    answers.merge(anna, ann, actor=alice)

    assert not still_right(alice, shown)


@pytest.mark.parametrize("key", ["", "x", "p1", "p0-", "g99999-", "p99999-", "g1-2"])
def test_nonsense_is_no_card(alice, key):
    assert not still_right(alice, Shown(key, [1], [1]))


def test_a_card_of_another_owner_is_wrong(alice, bob):
    make_group(alice, 3)

    assert not still_right(bob, asked_now(alice))
