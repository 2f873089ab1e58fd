"""What is worth asking, in which order, and that no question breaks what users said."""

from itertools import combinations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from people import answers, ledger, likeness, ranking
from people.constraints import Constraints
from people.grouping import group_owner
from people.likeness import groups_alike, people_alike
from people.models import Face, Question
from people.questions import ask_again
from people.ranking import rank_questions
from people.review import forecast, next_card
from people.tiles import TILES, Tile, best_screen
from tests.factories import make_cluster, make_face, make_group, make_known, make_photo, make_suggestion, unit

Kind = Question.Kind

tiles = st.lists(
    st.builds(
        Tile,
        person=st.just(1),
        key=st.integers(1, 10**6),
        faces=st.integers(1, 30),
        probability=st.floats(0.0, 1.0, allow_subnormal=False),
    ),
    max_size=7,
    unique_by=lambda tile: tile.key,
)


def asked() -> list[str]:
    """The keys of all questions, the best first."""
    return [question.key for question in Question.objects.best_first()]


def pks(faces) -> set[int]:
    return {face.pk for face in faces}


# ---------- The tiles of one screen


def worth(some: tuple[Tile, ...]) -> float:
    return sum(tile.settled for tile in some) / (1 + sum(tile.unticked for tile in some))


@given(tiles)
def test_no_other_choice_of_tiles_settles_more_faces_per_click(tiles):
    best = max((worth(some) for count in range(len(tiles) + 1) for some in combinations(tiles, count)), default=0)

    screen = best_screen(tiles)

    assert screen.worth == pytest.approx(best, abs=1e-3)
    assert worth(tuple(screen.tiles)) == pytest.approx(screen.worth)


@given(st.integers(0, 40))
def test_a_screen_holds_no_more_than_fits(count):
    screen = best_screen(Tile(person=1, key=number, faces=1, probability=1.0) for number in range(count))

    assert len(screen.tiles) == min(count, TILES)
    assert screen.answers == 1


def test_a_doubtful_face_is_left_out_where_it_costs_more_clicks_than_it_settles():
    sure = [Tile(person=1, key=number, faces=10, probability=0.99) for number in range(3)]
    doubtful = Tile(person=1, key=9, faces=1, probability=0.3)

    assert best_screen([*sure, doubtful]).tiles == sure


# ---------- Worth


def test_questions_are_ordered_by_faces_settled_per_click(alice):
    ann, bea = make_known(alice, "Ann", likeness=unit(1)), make_known(alice, "Bea", likeness=unit(2))
    small, large = make_group(alice, 3), make_group(alice, 9)
    for person, axis, probability in ((ann, 1, 0.95), (bea, 2, 0.5)):
        for _ in range(6):
            make_suggestion(make_face(make_photo(alice), likeness=unit(axis)), person, probability)

    rank_questions(alice.pk)

    # 9 faces at one click; 6 of which 5.7 are expected to be hers; 3; 6 of which half must be unticked.
    assert asked() == [f"g{large.pk}-", f"p{ann.pk}-", f"g{small.pk}-", f"p{bea.pk}-"]


def test_a_group_as_one_tile_is_worth_all_its_faces(alice):
    ann = make_known(alice, likeness=unit(1))
    group = make_group(alice, 7, likeness=unit(1))
    for face in group.faces.all():
        make_suggestion(face, ann, 0.9)

    rank_questions(alice.pk)

    [question] = Question.objects.all()
    assert question.key == f"p{ann.pk}-"
    assert question.faces == 7
    assert question.worth == pytest.approx(7 * 0.9 / (1 + 0.1))
    assert question.answers == pytest.approx(1.1)


def test_a_person_with_more_than_a_screen_costs_more_answers(alice):
    ann = make_known(alice, likeness=unit(1))
    for _ in range(2 * TILES):
        make_suggestion(make_face(make_photo(alice), likeness=unit(1)), ann, 0.9)

    rank_questions(alice.pk)

    [question] = Question.objects.all()
    one_screen = 1 + TILES * 0.1
    assert question.answers == pytest.approx(2 * one_screen)
    assert question.faces == 2 * TILES


def test_those_are_needed_that_bring_95_in_a_hundred_their_name(alice):
    make_known(alice, faces=50)
    groups = [make_group(alice, size) for size in (30, 10, 3, 2)]

    rank_questions(alice.pk)

    needed = set(Question.objects.filter(is_needed=True).values_list("cluster", flat=True))
    assert needed == {groups[0].pk, groups[1].pk}


# ---------- Writing


def test_what_is_hidden_does_not_count_towards_the_aim(alice):
    ann = make_known(alice)
    for face in make_group(alice, 50).faces.all():
        make_suggestion(face, ann)
    hidden, asked_about = make_group(alice, 50), make_group(alice, 5)
    hidden.is_hidden = ann.is_hidden = True
    hidden.save()
    ann.save()

    rank_questions(alice.pk)

    assert [question.cluster for question in Question.objects.filter(is_needed=True)] == [asked_about]
    assert not forecast(alice).is_reached


def test_ranking_again_writes_nothing_that_did_not_change(alice):
    make_group(alice, 3)
    grown = make_group(alice, 4)
    gone = make_group(alice, 5)
    rank_questions(alice.pk)
    before = {question.cluster_id: question.pk for question in Question.objects.all()}

    make_face(make_photo(alice), cluster=grown, likeness=grown.faces.first().projection)
    gone.faces.update(is_ignored=True)
    rank_questions(alice.pk)

    after = {question.cluster_id: question.pk for question in Question.objects.all()}
    assert after == {cluster: pk for cluster, pk in before.items() if cluster != gone.pk}
    assert Question.objects.get(cluster=grown).faces == 5


def test_an_unchanged_library_costs_no_writes(alice):
    make_group(alice, 3)
    rank_questions(alice.pk)

    with CaptureQueriesContext(connection) as queries:
        rank_questions(alice.pk)

    written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert written == []


def test_questions_of_other_libraries_stay(alice, bob):
    make_group(bob, 3)
    rank_questions(bob.pk)

    rank_questions(alice.pk)

    assert Question.objects.filter(owner=bob).count() == 1


def test_a_group_that_goes_while_questions_are_ranked_is_not_asked_about(alice, monkeypatch):
    group, other = make_group(alice, 3), make_group(alice, 4)
    rank = ranking.groups_alike

    def delete_meanwhile(*args):
        other.faces.update(cluster=None)
        other.delete()
        return rank(*args)

    monkeypatch.setattr(ranking, "groups_alike", delete_meanwhile)
    rank_questions(alice.pk)

    assert asked() == [f"g{group.pk}-"]


# ---------- Same person?


@pytest.fixture
def two_people(alice):
    """Ann and Anna, who look alike."""
    return make_known(alice, "Ann", likeness=unit(1), faces=3), make_known(alice, "Anna", likeness=unit(1), faces=2)


@pytest.fixture
def two_groups(alice):
    return make_group(alice, 4, likeness=unit(1)), make_group(alice, 3, likeness=unit(1))


def alike(owner) -> list[tuple[int, int]]:
    said = Constraints.of(owner.pk)
    return [(pair.one, pair.other) for pair in [*people_alike(owner.pk, said), *groups_alike(owner.pk, said)]]


def test_two_people_alike_are_asked_about_the_one_of_more_faces_first(alice, two_people):
    ann, anna = two_people
    rank_questions(alice.pk)

    assert asked() == [f"p{ann.pk}-{anna.pk}"]


def test_two_people_who_look_different_are_not_asked_about(alice):
    make_known(alice, "Ann", likeness=unit(1), faces=2)
    make_known(alice, "Bea", likeness=unit(2), faces=2)

    assert alike(alice) == []


def test_two_people_said_to_be_two_are_never_asked_about_again(alice, two_people):
    ann, anna = two_people
    answers.different_people(ann, anna, actor=alice)

    assert alike(alice) == []


def test_the_same_follows_from_what_was_said_about_their_faces(alice, two_people):
    ann, anna = two_people
    answers.different(alice, [ann.faces.first().pk], [anna.faces.first().pk], actor=alice)

    assert alike(alice) == []


def test_two_people_who_are_in_one_photo_are_never_asked_about(alice, two_people):
    ann, anna = two_people
    make_face(ann.faces.first().photo, person=anna, likeness=unit(1))

    assert alike(alice) == []


def test_a_no_about_two_people_that_was_undone_is_asked_again(alice, two_people):
    ann, anna = two_people
    decision = answers.different_people(ann, anna, actor=alice)
    ledger.undo(decision, actor=alice)

    assert alike(alice) == [(ann.pk, anna.pk)]


def test_two_groups_alike_are_asked_about(alice, two_groups):
    one, other = two_groups

    assert alike(alice) == [(one.pk, other.pk)]


def test_two_groups_said_to_be_one_are_not_asked_about_before_grouping_came_by(alice, two_groups):
    one, other = two_groups
    answers.same(alice, pks(one.faces.all()), pks(other.faces.all()), actor=alice)

    assert alike(alice) == []


def test_groups_that_share_a_photo_are_never_asked_about(alice, two_groups):
    one, other = two_groups
    make_face(one.faces.first().photo, cluster=other, likeness=unit(1))

    assert alike(alice) == []


def test_hidden_groups_small_ones_and_those_asked_about_as_somebodys_are_not_compared(alice, two_groups):
    one, other = two_groups
    make_group(alice, 2, likeness=unit(1))
    ann = make_known(alice)
    for face in other.faces.all():
        make_suggestion(face, ann)
    assert alike(alice) == []

    Face.objects.filter(cluster=other).update(cluster=make_cluster(alice))
    ann.suggestions.all().delete()
    one.is_hidden = True
    one.save()

    assert alike(alice) == []


def test_yes_about_two_people_merges_the_smaller_into_the_larger(alice, two_people):
    ann, anna = two_people
    rank_questions(alice.pk)

    answers.of_two(Question.objects.get(), is_same=True, actor=alice)
    rank_questions(alice.pk)

    assert (ann.faces.count(), anna.faces.count()) == (5, 0)
    assert asked() == []


def test_yes_about_two_groups_makes_them_one(alice, two_groups):
    one, other = two_groups
    rank_questions(alice.pk)
    together = pks(Face.objects.filter(cluster__in=[one, other]))

    answers.of_two(Question.objects.get(kind=Kind.SAME), is_same=True, actor=alice)
    group_owner(alice.pk)
    rank_questions(alice.pk)

    clusters = set(Face.objects.filter(pk__in=together).values_list("cluster", flat=True))
    assert len(clusters) == 1
    assert asked() == [f"g{clusters.pop()}-"]


def test_no_about_two_groups_is_kept_through_every_regrouping(alice, two_groups):
    sides = [pks(group.faces.all()) for group in two_groups]
    rank_questions(alice.pk)

    answers.of_two(Question.objects.get(kind=Kind.SAME), is_same=False, actor=alice)
    for _ in range(2):
        make_face(make_photo(alice), likeness=unit(1))
        Face.objects.update(cluster=None)
        group_owner(alice.pk)
        rank_questions(alice.pk)

    clusters = [set(Face.objects.filter(pk__in=side).values_list("cluster", flat=True)) for side in sides]
    assert clusters[0].isdisjoint(clusters[1])
    assert not Question.objects.filter(kind=Kind.SAME).exists()


# ---------- What an undo brings back


def test_an_undone_name_is_asked_about_at_once(alice):
    group = make_group(alice, 3)
    rank_questions(alice.pk)
    decision = answers.confirm(make_known(alice), pks(group.faces.all()), actor=alice)
    rank_questions(alice.pk)
    assert asked() == []

    undone = ledger.undo(decision, actor=alice)

    assert ask_again(undone.decision) == [f"g{group.pk}-"]
    assert next_card(alice).question.cluster == group
    assert next_card(alice).question.is_needed


def test_asking_again_twice_asks_once(alice):
    group = make_group(alice, 3)
    undone = ledger.undo(answers.ignore(alice, pks(group.faces.all()), actor=alice), actor=alice)

    for _ in range(2):
        ask_again(undone.decision)

    assert asked() == [f"g{group.pk}-"]


def test_an_undone_merge_asks_at_once_whether_they_are_two(alice, two_people):
    ann, anna = two_people
    undone = ledger.undo(answers.merge(anna, ann, actor=alice), actor=alice)

    assert ask_again(undone.decision) == [f"p{ann.pk}-{anna.pk}"]
    assert next_card(alice).question.other_person == anna


def test_an_undone_no_about_two_groups_is_asked_again_at_once(alice, two_groups):
    rank_questions(alice.pk)
    [key] = Question.objects.filter(kind=Kind.SAME)
    decision = answers.of_two(key, is_same=False, actor=alice)
    rank_questions(alice.pk)

    undone = ledger.undo(decision, actor=alice)

    assert ask_again(undone.decision) == [key.key]


def test_a_no_that_was_undone_done_again_and_undone_is_asked_again_at_once(alice, two_people):
    ann, anna = two_people
    decision = answers.different_people(ann, anna, actor=alice)
    keys = []
    for _ in range(3):
        decision = ledger.undo(decision, actor=alice).decision
        keys.append(ask_again(decision))

    assert keys == [[f"p{ann.pk}-{anna.pk}"], [], [f"p{ann.pk}-{anna.pk}"]]


def test_an_answer_given_again_asks_nothing(alice):
    group = make_group(alice, 3)
    decision = answers.confirm(make_known(alice), pks(group.faces.all()), actor=alice)
    undone = ledger.undo(decision, actor=alice)

    again = ledger.undo(undone.decision, actor=alice)

    assert ask_again(again.decision) == []


def test_two_groups_so_large_that_a_no_would_be_too_much_to_keep_are_not_compared(alice, two_groups, monkeypatch):
    said = Constraints.of(alice.pk)
    assert len(groups_alike(alice.pk, said)) == 1

    monkeypatch.setattr(likeness, "MOST_KEPT_APART", 8)

    assert groups_alike(alice.pk, said) == []
