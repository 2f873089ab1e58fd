"""What users said about who is one and who is two, as grouping and naming read it."""

import pytest

from people import answers, constraints, ledger
from people.models import Decision, Face
from tests.factories import make_cluster, make_face, make_person, make_photo


@pytest.fixture
def faces(alice) -> list[int]:
    """Six faces, each in a photo of its own."""
    return [make_face(make_photo(alice)).pk for _ in range(6)]


def apart(owner) -> set[tuple[int, int]]:
    return {
        tuple(pair)
        for pair in constraints.Constraints.of(owner.pk).apart(Face.objects.values_list("pk", flat=True)).tolist()
    }


def together(owner) -> set[tuple[int, int]]:
    return {
        tuple(pair)
        for pair in constraints.Constraints.of(owner.pk).together(Face.objects.values_list("pk", flat=True)).tolist()
    }


def test_nothing_said_is_no_constraint(alice, faces):
    assert constraints.Constraints.of(alice.pk).apart(faces).shape == (0, 2)
    assert constraints.Constraints.of(alice.pk).together(faces).shape == (0, 2)
    assert constraints.ruled_out(alice.pk) == set()


def test_two_groups_said_to_be_two_people_are_apart_face_by_face(alice, faces):
    a, b, c, d, *_ = faces

    answers.different(alice, [a, b], [c, d], actor=alice)

    assert apart(alice) == {(a, c), (a, d), (b, c), (b, d)}
    assert together(alice) == set()


def test_two_groups_said_to_be_one_person_are_together(alice, faces):
    a, b, c, *_ = faces

    answers.same(alice, [a, b], [c], actor=alice)

    assert together(alice) == {(a, b), (b, c)}
    assert apart(alice) == set()


def test_only_faces_asked_about_come_back(alice, faces):
    a, b, c, d, e, _ = faces
    answers.same(alice, [a, b], [c], actor=alice)
    answers.different(alice, [d], [e], actor=alice)

    assert constraints.Constraints.of(alice.pk).together([a, c, d]).tolist() == [[a, c]]
    assert constraints.Constraints.of(alice.pk).apart([a, c, d]).tolist() == []


@pytest.mark.parametrize("last", ["same", "different"])
def test_of_two_things_said_about_the_same_faces_the_later_counts(alice, faces, last):
    a, b, c, d, *_ = faces
    first = "different" if last == "same" else "same"
    getattr(answers, first)(alice, [a, b], [c, d], actor=alice)
    getattr(answers, last)(alice, [a, b], [c, d], actor=alice)

    if last == "same":
        assert (together(alice), apart(alice)) == ({(a, b), (b, c), (c, d)}, set())
    else:
        assert (together(alice), apart(alice)) == (set(), {(a, c), (a, d), (b, c), (b, d)})


def test_a_later_word_about_two_faces_leaves_what_was_said_of_the_others(alice, faces):
    a, b, c, d, *_ = faces
    answers.same(alice, [a, b], [c, d], actor=alice)

    answers.different(alice, [a], [c], actor=alice)

    assert (a, c) in apart(alice)
    assert {frozenset(pair) for pair in together(alice)} in [
        {frozenset({a, b}), frozenset({b, d})},
        {frozenset({b, c}), frozenset({c, d})},
    ]


def test_who_is_one_with_a_face_is_apart_from_whom_that_is_apart_from(alice, faces):
    a, b, c, *_ = faces
    answers.different(alice, [a], [b], actor=alice)

    answers.same(alice, [b], [c], actor=alice)

    assert apart(alice) == {(a, b), (a, c)}


def test_taking_it_back_takes_the_constraint_back(alice, faces):
    a, b, *_ = faces
    decision = answers.different(alice, [a], [b], actor=alice)
    ledger.undo(decision, actor=alice)

    assert apart(alice) == set()


def test_saying_the_same_twice_is_one_decision(alice, faces):
    a, b, c, *_ = faces

    assert answers.different(alice, [a, b], [c], actor=alice) is not None
    assert answers.different(alice, [a, b], [c], actor=alice) is None
    assert answers.different(alice, [c], [b, a], actor=alice) is None
    assert answers.same(alice, [a, b], [c], actor=alice) is not None
    assert answers.different(alice, [a, b], [c], actor=alice) is not None


def test_who_is_confirmed_on_one_side_is_ruled_out_on_the_other(alice, faces):
    a, b, c, *_ = faces
    ann = make_person(alice)
    answers.different(alice, [a, b], [c], actor=alice)

    answers.confirm(ann, [a], actor=alice)

    assert constraints.ruled_out(alice.pk) == {(c, ann.pk)}


def test_who_is_confirmed_on_both_sides_is_ruled_out_on_neither(alice, faces):
    a, b, c, d, *_ = faces
    ann = make_person(alice)
    answers.different(alice, [a, b], [c, d], actor=alice)

    answers.confirm(ann, [a, c], actor=alice)

    assert constraints.ruled_out(alice.pk) == set()
    assert apart(alice) == {(b, d)}


def test_a_no_about_a_face_counts_for_those_it_is_one_with(alice, faces):
    a, b, *_ = faces
    ann = make_person(alice)
    answers.same(alice, [a], [b], actor=alice)

    answers.reject(ann, [a], actor=alice)

    assert constraints.ruled_out(alice.pk) == {(a, ann.pk), (b, ann.pk)}


def test_a_no_stands_above_what_was_said_of_groups(alice, faces):
    a, b, c, *_ = faces
    ann = make_person(alice)
    answers.confirm(ann, [a], actor=alice)
    answers.reject(ann, [b], actor=alice)

    answers.same(alice, [a], [b, c], actor=alice)

    assert constraints.pulled(alice.pk) == {c: ann.pk}
    assert (b, ann.pk) in constraints.ruled_out(alice.pk)
    assert apart(alice) == {(a, b), (b, c)}


def test_what_was_said_to_be_one_with_somebodys_faces_follows_a_merge(alice, faces):
    a, b, c, d, *_ = faces
    ann, annie = make_person(alice), make_person(alice, "Annie")
    answers.same(alice, [a, c], [b], actor=alice)
    answers.confirm(annie, [a], actor=alice)
    answers.confirm(ann, [d], actor=alice)
    assert constraints.pulled(alice.pk) == {b: annie.pk, c: annie.pk}

    answers.merge(annie, ann, actor=alice)

    assert constraints.pulled(alice.pk) == {b: ann.pk, c: ann.pk}


def test_a_name_given_after_a_no_is_not_ruled_out(alice, faces):
    ann = make_person(alice)
    answers.reject(ann, faces[:2], actor=alice)

    answers.confirm(ann, faces[:1], actor=alice)

    assert constraints.ruled_out(alice.pk) == {(faces[1], ann.pk)}


def test_a_no_holds_for_whom_the_person_was_merged_into_also_when_said_later(alice, faces):
    ann, annie = make_person(alice), make_person(alice, "Annie")
    answers.confirm(annie, faces[:1], actor=alice)
    answers.confirm(ann, faces[1:2], actor=alice)
    answers.merge(annie, ann, actor=alice)

    answers.reject(annie, faces[2:3], actor=alice)

    assert constraints.ruled_out(alice.pk) == {(faces[2], annie.pk), (faces[2], ann.pk)}


def test_two_people_said_to_be_two_are_not_asked_about_until_they_are_merged(alice, faces):
    ann, eve = make_person(alice), make_person(alice, "Eve")
    answers.confirm(ann, faces[:2], actor=alice)
    answers.confirm(eve, faces[2:3], actor=alice)
    decision = answers.different_people(ann, eve, actor=alice)
    assert answers.different_people(eve, ann, actor=alice) is None
    assert constraints.people_apart(alice.pk) == {(ann.pk, eve.pk)}

    merged = answers.merge(eve, ann, actor=alice)
    assert constraints.people_apart(alice.pk) == set()
    ledger.undo(merged, actor=alice)
    assert constraints.people_apart(alice.pk) == {(ann.pk, eve.pk)}
    ledger.undo(decision, actor=alice)
    assert constraints.people_apart(alice.pk) == set()


def test_groups_that_got_two_names_are_two_people_whatever_was_said_before(alice, faces):
    a, b, c, d, *_ = faces
    answers.same(alice, [a, b], [c, d], actor=alice)

    answers.confirm(make_person(alice), [a], actor=alice)
    answers.confirm(make_person(alice, "Eve"), [c], actor=alice)

    assert constraints.people_apart(alice.pk) == set()
    assert len(set(constraints.pulled(alice.pk).values())) == 1


def test_two_faces_of_a_photo_are_not_together_unless_somebody_is_in_it_twice(alice, faces):
    photo = make_photo(alice)
    first, second = make_face(photo).pk, make_face(photo, left=0.7).pk
    answers.same(alice, [first], [faces[0]], actor=alice)
    answers.same(alice, [second], [faces[0]], actor=alice)
    assert len(together(alice)) == 1

    decision = answers.repeat(photo, actor=alice)

    assert constraints.repeat_photos(alice.pk) == {photo.pk}
    assert len(together(alice)) == 2
    assert answers.repeat(photo, actor=alice) is None
    ledger.undo(decision, actor=alice)
    assert constraints.repeat_photos(alice.pk) == set()


def test_constraints_of_owners_are_apart(alice, bob, faces):
    answers.different(alice, faces[:1], faces[1:2], actor=alice)

    assert constraints.Constraints.of(bob.pk).apart(faces).tolist() == []
    assert answers.same(bob, faces[:1], faces[1:2], actor=bob) is None


def test_many_statements_take_as_many_queries_as_few(alice, faces, django_assert_num_queries):
    def read():
        with django_assert_num_queries(6):
            constraints.ruled_out(alice.pk)

    answers.different(alice, faces[:1], faces[1:2], actor=alice)
    read()
    for n in range(6):
        answers.different(alice, faces[:n], faces[n:], actor=alice)
        answers.reject(make_person(alice), [faces[n]], actor=alice)
    read()


def test_faces_of_an_undone_regroup_are_held_until_that_is_undone(alice, faces):
    old, new = make_cluster(alice), make_cluster(alice)
    Face.objects.update(cluster=old)
    decision = ledger.regroup(alice.pk, dict.fromkeys(faces[:3], new.pk))
    assert decision.verb == Decision.Verb.REGROUP
    assert ledger.held_faces(alice.pk) == set()

    undone = ledger.undo(decision, actor=alice).decision

    assert ledger.held_faces(alice.pk) == set(faces[:3])
    assert ledger.regroup(alice.pk, dict.fromkeys(faces[:3], new.pk)) is None
    ledger.undo(undone, actor=alice)
    assert ledger.held_faces(alice.pk) == set()
    assert set(new.faces.values_list("pk", flat=True)) == set(faces[:3])


def test_a_held_face_gives_way_to_what_a_user_said(alice, faces):
    old, new = make_cluster(alice), make_cluster(alice)
    Face.objects.update(cluster=old)
    decision = ledger.regroup(alice.pk, dict.fromkeys(faces[:3], new.pk))
    ledger.undo(decision, actor=alice)

    answers.different(alice, faces[:1], faces[5:], actor=alice)
    assert ledger.held_faces(alice.pk) == set(faces[1:3])

    other = ledger.regroup(alice.pk, {faces[4]: new.pk})
    answers.same(alice, faces[1:2], faces[4:5], actor=alice)
    assert ledger.held_faces(alice.pk) == {faces[2]}
    assert other.changes.count() == 1
