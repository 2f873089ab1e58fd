"""How probable it is that a group gets a name: learnt from what became of others."""

import pytest

from people import answers, ledger
from people.acquaintance import Acquaintance
from people.models import Cluster, Question
from people.ranking import rank_questions
from people.review import forecast
from tests.factories import make_group, make_known, make_user


def pks(cluster) -> list[int]:
    return list(cluster.faces.values_list("pk", flat=True))


def set_aside(owner, sizes) -> list:
    return [answers.ignore(owner, pks(make_group(owner, size)), actor=owner) for size in sizes]


def chance(owner, faces: int) -> float:
    return Acquaintance.of(owner.pk).chance(faces)


def test_before_the_first_answer_the_larger_group_is_the_likelier(alice):
    assert chance(alice, 2) == pytest.approx(2 / 3)
    assert chance(alice, 9) == pytest.approx(9 / 10)


def test_groups_that_are_set_aside_make_those_of_their_size_less_likely(alice):
    set_aside(alice, [3] * 6)

    assert chance(alice, 3) < 0.25
    assert chance(alice, 30) > 0.7


def test_names_make_them_likelier(alice):
    before = chance(alice, 3)
    for number in range(6):
        answers.confirm(make_known(alice, f"Ann {number}"), pks(make_group(alice, 3)), actor=alice)

    assert before < chance(alice, 3) < 1


def test_a_hidden_group_counts_as_set_aside_while_it_is_hidden(alice):
    before = chance(alice, 4)
    make_group(alice, 4)
    Cluster.objects.update(is_hidden=True)
    assert chance(alice, 4) < before

    Cluster.objects.update(is_hidden=False)
    assert chance(alice, 4) == before


def test_what_was_undone_or_said_of_single_faces_or_by_others_says_nothing(alice, bob):
    before = chance(alice, 3)
    for decision in set_aside(alice, [3, 3]):
        ledger.undo(decision, actor=alice)
    set_aside(bob, [3] * 3)
    group = make_group(alice, 5)
    answers.ignore(alice, pks(group)[:1], actor=alice)

    assert chance(alice, 3) == before


def test_the_forecast_follows(alice):
    """Of many groups of three nobody was named: few answers are left until all have a name who will get one."""
    make_known(alice, faces=50)
    for size in [20, *[3] * 12]:
        make_group(alice, size)
    rank_questions(alice.pk)
    before = forecast(alice).answers

    set_aside(alice, [3] * 12)
    rank_questions(alice.pk)

    assert forecast(alice).answers < before / 2
    assert Question.objects.get(faces=20).is_needed


def test_reading_what_became_of_groups_takes_as_many_queries_for_any_number(alice, django_assert_num_queries):
    for sizes in ([3], [3] * 5):
        set_aside(make_user(), sizes)
        set_aside(alice, sizes)
        with django_assert_num_queries(3):
            Acquaintance.of(alice.pk)
