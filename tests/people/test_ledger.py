"""The ledger: every act is one decision, every decision can be taken back."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from people import answers, ledger
from people.erasing import forget_person
from people.models import Change, Cluster, Decision, Face, Suggestion, Upkeep
from people.tracks import FaceState
from tests.factories import make_cluster, make_face, make_person, make_photo, make_suggestion


@pytest.fixture
def photos(alice):
    return [make_photo(alice) for _ in range(4)]


def test_confirming_names_faces_and_takes_them_out_of_their_group(alice, photos):
    cluster = make_cluster(alice)
    faces = [make_face(photo, cluster=cluster) for photo in photos]
    ann = make_person(alice)

    answers.confirm(ann, [face.pk for face in faces], actor=alice)

    for face in Face.objects.all():
        assert (face.person, face.tagged_by, face.cluster) == (ann, Face.TaggedBy.USER, None)


def test_a_decision_notes_photo_and_box_of_each_face(alice, photos):
    face = make_face(photos[0])

    decision = answers.confirm(make_person(alice), [face.pk], actor=alice)

    change = decision.changes.get()
    assert change.photo_sha256 == photos[0].sha256
    assert change.box == [0.4, 0.3, 0.1, 0.2]
    assert change.before["person"] is None
    assert change.after["person"] == decision.person.pk


def test_undo_puts_every_face_back_into_its_group(alice, photos):
    cluster = make_cluster(alice)
    faces = [make_face(photo, cluster=cluster) for photo in photos]
    decision = answers.confirm(make_person(alice), [face.pk for face in faces], actor=alice)

    undone = ledger.undo(decision, actor=alice)

    assert undone.restored == 4
    assert {FaceState.of(face) for face in Face.objects.all()} == {FaceState(cluster=cluster.pk)}


def test_an_answer_takes_back_the_suggestions_it_answers_and_no_others(alice, photos):
    ann, bob = make_person(alice, "Ann"), make_person(alice, "Bob")
    cluster = make_cluster(alice)
    for person in (ann, bob):
        make_face(make_photo(alice), person=person)
    refused, beside, other = (make_face(photo, cluster=cluster) for photo in photos[:3])
    alone = make_face(photos[3])
    for face, person in ((refused, ann), (beside, ann), (other, bob), (alone, ann)):
        make_suggestion(face, person)

    answers.reject(ann, [refused.pk], actor=alice)
    assert set(Suggestion.objects.values_list("face", "person")) == {(other.pk, bob.pk), (alone.pk, ann.pk)}

    answers.confirm(bob, [alone.pk], actor=alice)
    assert Suggestion.objects.get().face == other


def test_suggestions_are_wanted_after_every_act_and_groups_where_faces_wait_anew_or_something_was_said_of_them(
    alice, photos
):
    ann = make_person(alice)
    one, other, named = (make_face(photo).pk for photo in photos[:3])

    def wanted() -> tuple[int, int]:
        upkeep = Upkeep.objects.get(pk=alice.pk)
        return upkeep.suggestions_wanted, upkeep.groups_wanted

    acts = [answers.confirm(ann, [named], actor=alice), answers.reject(ann, [one], actor=alice)]
    assert wanted() == (2, 0)
    acts.append(answers.remove_name(ann, [named], actor=alice))
    assert wanted() == (3, 1)
    acts.append(answers.same(alice, [one], [other], actor=alice))
    assert wanted() == (4, 2)
    ledger.undo_all(acts, actor=alice)  # the name comes off again at last
    assert wanted() == (8, 4)


def test_faces_that_were_said_to_be_one_person_are_placed_again_once_that_is_taken_back(alice, photos):
    one, other, stranger = (make_face(photo, grouped_by="this model") for photo in photos[:3])
    said = answers.same(alice, [one.pk], [other.pk], actor=alice)

    ledger.undo(said, actor=alice)

    placed = dict(Face.objects.values_list("pk", "grouped_by"))
    assert placed == {one.pk: Face.PLACE_AGAIN, other.pk: Face.PLACE_AGAIN, stranger.pk: "this model"}


def test_undo_brings_back_a_group_that_was_dropped_meanwhile(alice, photos):
    cluster = make_cluster(alice)
    face = make_face(photos[0], cluster=cluster)
    decision = answers.confirm(make_person(alice), [face.pk], actor=alice)
    Cluster.objects.all().delete()

    ledger.undo(decision, actor=alice)

    face.refresh_from_db()
    assert face.cluster_id == cluster.pk


def test_undo_twice_does_nothing_more(alice, photos):
    face = make_face(photos[0])
    decision = answers.confirm(make_person(alice), [face.pk], actor=alice)
    ledger.undo(decision, actor=alice)

    again = ledger.undo(decision, actor=alice)

    assert again.decision is None
    assert Decision.objects.count() == 2


def test_an_undo_can_be_undone(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    decision = answers.confirm(ann, [face.pk], actor=alice)
    reversal = ledger.undo(decision, actor=alice).decision

    ledger.undo(reversal, actor=alice)

    face.refresh_from_db()
    decision.refresh_from_db()
    assert face.person == ann
    assert decision.is_in_force


def test_undo_leaves_faces_alone_that_were_changed_since_and_names_them(alice, photos):
    faces = [make_face(photo) for photo in photos[:2]]
    bob = make_person(alice, "Bob")
    decision = answers.confirm(make_person(alice), [face.pk for face in faces], actor=alice)
    answers.confirm(bob, [faces[0].pk], actor=alice)

    undone = ledger.undo(decision, actor=alice)

    assert (undone.restored, undone.stale) == (1, [faces[0]])
    assert Face.objects.get(pk=faces[0].pk).person == bob
    assert Face.objects.get(pk=faces[1].pk).person is None


def test_unticked_faces_are_ruled_out_by_the_same_decision(alice, photos):
    ticked, unticked = make_face(photos[0]), make_face(photos[1])
    ann = make_person(alice)

    decision = answers.confirm(ann, [ticked.pk], but_not=[unticked.pk], actor=alice)

    assert answers.rejected_pairs(alice.pk) == {(unticked.pk, ann.pk)}
    ledger.undo(decision, actor=alice)
    assert answers.rejected_pairs(alice.pk) == set()


def test_taking_a_name_off_rules_it_out(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    answers.confirm(ann, [face.pk], actor=alice)

    answers.remove_name(ann, [face.pk], actor=alice)

    face.refresh_from_db()
    assert face.person is None
    assert answers.rejected_pairs(alice.pk) == {(face.pk, ann.pk)}


def test_a_merge_can_be_undone_in_one_go(alice, photos):
    ann, annie = make_person(alice), make_person(alice, "Annie")
    hers = [make_face(photo, person=annie) for photo in photos]
    make_face(make_photo(alice), person=ann)

    decision = answers.merge(annie, ann, actor=alice)
    assert ann.faces.count() == 5
    ledger.undo(decision, actor=alice)

    assert set(annie.faces.all()) == set(hers)
    assert ann.faces.count() == 1


def test_faces_of_somebody_else_are_not_touched(alice, bob):
    of_bob = make_face(make_photo(bob))

    decision = answers.confirm(make_person(alice), [of_bob.pk], actor=alice)

    of_bob.refresh_from_db()
    assert decision is None
    assert of_bob.person is None
    assert Change.objects.count() == 0


def test_an_ignored_face_can_be_asked_about_again(alice, photos):
    face = make_face(photos[0], cluster=make_cluster(alice))
    answers.ignore(alice, [face.pk], actor=alice)
    face.refresh_from_db()
    assert (face.is_ignored, face.cluster) == (True, None)

    answers.show_again(alice, [face.pk], actor=alice)

    face.refresh_from_db()
    assert not face.is_ignored


def test_a_second_click_is_no_second_decision(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    answers.confirm(ann, [face.pk], actor=alice)
    other = make_face(photos[1])
    answers.reject(ann, [other.pk], actor=alice)

    assert answers.confirm(ann, [face.pk], actor=alice) is None
    assert answers.reject(ann, [other.pk], actor=alice) is None
    assert Decision.objects.count() == 2


def test_undo_never_brings_back_an_answer_that_was_undone(alice, photos):
    face = make_face(photos[0])
    first = answers.confirm(make_person(alice), [face.pk], actor=alice)
    second = answers.confirm(make_person(alice, "Bob"), [face.pk], actor=alice)
    ledger.undo(first, actor=alice)

    ledger.undo(second, actor=alice)

    face.refresh_from_db()
    assert face.person is None


def test_undoing_a_no_leaves_the_face_where_grouping_put_it(alice, photos):
    face = make_face(photos[0], cluster=make_cluster(alice))
    decision = answers.reject(make_person(alice), [face.pk], actor=alice)
    now_in = make_cluster(alice)
    Face.objects.filter(pk=face.pk).update(cluster=now_in)

    undone = ledger.undo(decision, actor=alice)

    face.refresh_from_db()
    assert face.cluster == now_in
    assert undone.stale == []
    assert answers.rejected_pairs(alice.pk) == set()


def test_a_no_also_holds_for_whom_the_person_was_merged_into(alice, photos):
    ann, anne = make_person(alice), make_person(alice, "Anne")
    make_face(photos[1], person=anne)
    face = make_face(photos[0])
    answers.reject(anne, [face.pk], actor=alice)

    merged = answers.merge(anne, ann, actor=alice)

    assert answers.rejected_pairs(alice.pk) == {(face.pk, anne.pk), (face.pk, ann.pk)}
    ledger.undo(merged, actor=alice)
    assert answers.rejected_pairs(alice.pk) == {(face.pk, anne.pk)}


def test_a_stale_page_does_not_strip_a_name(alice, photos):
    face = make_face(photos[0])
    ann, bob = make_person(alice), make_person(alice, "Bob")
    answers.confirm(ann, [face.pk], actor=alice)

    assert answers.show_again(alice, [face.pk], actor=alice) is None
    assert answers.remove_name(bob, [face.pk], actor=alice) is None
    assert answers.reject(ann, [face.pk], actor=alice) is None

    face.refresh_from_db()
    assert face.person == ann


@pytest.mark.parametrize("act", ["move", "ignore", "merge"])
def test_what_was_decided_before_a_person_was_forgotten_can_be_undone(alice, photos, act):
    ann, bob = make_person(alice), make_person(alice, "Bob")
    face, kept = make_face(photos[0]), make_face(photos[1])
    answers.confirm(ann, [face.pk, kept.pk], actor=alice)
    if act == "move":
        decision = answers.confirm(bob, [face.pk], actor=alice)
    elif act == "ignore":
        decision = answers.ignore(alice, [face.pk], actor=alice)
    else:
        decision = answers.merge(ann, bob, actor=alice)
    forget_person(ann)

    ledger.undo(decision, actor=alice)

    face.refresh_from_db()
    assert (face.person, face.is_ignored) == (None, False)


def test_undo_of_a_redo_of_an_undo_is_an_undo(alice, photos):
    face = make_face(photos[0])
    decision = answers.confirm(make_person(alice), [face.pk], actor=alice)
    undone = ledger.undo(decision, actor=alice).decision
    redone = ledger.undo(undone, actor=alice).decision

    ledger.undo(redone, actor=alice)

    face.refresh_from_db()
    decision.refresh_from_db()
    assert face.person is None
    assert not decision.is_in_force


@pytest.mark.parametrize("act", ["confirm", "merge", "undo", "undo of the undo"])
def test_many_faces_take_as_many_queries_as_few(alice, act):
    def queries(count):
        cluster = make_cluster(alice)
        faces = [make_face(make_photo(alice), cluster=cluster) for _ in range(count)]
        ann, into = make_person(alice), make_person(alice)
        pks = [face.pk for face in faces]
        if act == "confirm":
            with CaptureQueriesContext(connection) as queries:
                answers.confirm(ann, pks, but_not=[make_face(make_photo(alice)).pk], actor=alice)
            return len(queries)
        answers.confirm(ann, pks, actor=alice)
        Cluster.objects.filter(pk=cluster.pk).delete()
        if act == "merge":
            with CaptureQueriesContext(connection) as queries:
                answers.merge(ann, into, actor=alice)
            return len(queries)
        decision = answers.merge(ann, into, actor=alice)
        undone = ledger.undo(decision, actor=alice) if act == "undo of the undo" else None
        with CaptureQueriesContext(connection) as queries:
            ledger.undo(undone.decision if undone else decision, actor=alice)
        return len(queries)

    queries(1)  # the first act of an owner also makes a row to note what is out of date
    assert queries(40) == queries(4)


def test_a_merge_of_500_faces_is_undone_within_two_seconds(alice):
    photo = make_photo(alice)
    ann, into = make_person(alice), make_person(alice)
    faces = [make_face(photo).pk for _ in range(500)]
    answers.confirm(ann, faces, actor=alice)
    seconds = []

    for _ in range(3):  # other programs may take a second of one of them
        decision = answers.merge(ann, into, actor=alice)
        started = time.monotonic()
        undone = ledger.undo(decision, actor=alice)
        seconds.append(time.monotonic() - started)
        assert undone.restored == 500
        assert set(Face.objects.values_list("person", flat=True)) == {ann.pk}

    assert min(seconds) < 2


def test_a_regroup_of_5000_faces_is_undone_in_as_many_queries_as_one_of_five(alice):
    photo = make_photo(alice)
    model = make_face(photo)
    Face.objects.bulk_create([_copy(model, n) for n in range(5000)])
    with connection.cursor() as cursor:  # as PostgreSQL does by itself, within a minute
        cursor.execute("ANALYZE people_face")
    faces = list(Face.objects.values_list("pk", flat=True))

    def queries(some: list[int]) -> tuple[int, float]:
        old, new = make_cluster(alice), make_cluster(alice)
        ledger.regroup(alice.pk, dict.fromkeys(some, old.pk))
        with CaptureQueriesContext(connection) as regrouping:
            decision = ledger.regroup(alice.pk, dict.fromkeys(some, new.pk))
        Cluster.objects.filter(pk=old.pk).delete()
        started = time.monotonic()
        with CaptureQueriesContext(connection) as undoing:
            undone = ledger.undo(decision, actor=alice)
        took = time.monotonic() - started
        assert undone.restored == len(some)
        assert Face.objects.filter(cluster=old.pk).count() == len(some)
        ledger.undo(undone.decision, actor=alice)
        return len(regrouping) + len(undoing), took

    queries(faces[:1])  # the first act of an owner also makes a row to note what is out of date
    few, _ = queries(faces[1:6])
    many, took = queries(faces[6:])
    assert many == few
    assert took < 60  # seconds, on a machine that has much else to do


def _copy(face: Face, number: int) -> Face:
    fields = {field.attname: getattr(face, field.attname) for field in Face._meta.concrete_fields}
    return Face(**fields | {"id": None, "crop": f"crops/{number}.webp"})


def test_undoing_a_name_leaves_the_face_in_the_group_grouping_would_have_it_in(alice, photos):
    face = make_face(photos[0], cluster=make_cluster(alice))
    first, second = make_cluster(alice), make_cluster(alice)
    ledger.regroup(alice.pk, {face.pk: first.pk})
    decision = answers.confirm(make_person(alice), [face.pk], actor=alice)
    assert ledger.regroup(alice.pk, {face.pk: second.pk}) is None

    ledger.undo(decision, actor=alice)

    face.refresh_from_db()
    assert face.cluster == first


def test_a_regroup_undone_while_a_face_has_a_name_counts_once_it_has_none(alice, photos):
    old, new = make_cluster(alice), make_cluster(alice)
    face = make_face(photos[0], cluster=old)
    regroup = ledger.regroup(alice.pk, {face.pk: new.pk})
    decision = answers.confirm(make_person(alice), [face.pk], actor=alice)
    ledger.undo(regroup, actor=alice)

    ledger.undo(decision, actor=alice)

    face.refresh_from_db()
    assert face.cluster == old


def test_a_face_taken_off_a_person_is_held_no_more(alice, photos):
    old, new = make_cluster(alice), make_cluster(alice)
    face = make_face(photos[0], cluster=old)
    ledger.undo(ledger.regroup(alice.pk, {face.pk: new.pk}), actor=alice)
    ann = make_person(alice)
    answers.confirm(ann, [face.pk], actor=alice)
    answers.remove_name(ann, [face.pk], actor=alice)

    assert ledger.held_faces(alice.pk) == set()


def test_the_machine_names_only_faces_that_wait_and_may_be_the_person(alice, photos):
    faces = [make_face(photo).pk for photo in photos]
    ann, bob = make_person(alice), make_person(alice, "Bob")
    answers.confirm(bob, faces[:1], actor=alice)
    answers.reject(ann, faces[1:2], actor=alice)
    answers.ignore(alice, faces[2:3], actor=alice)

    decision = answers.tag(ann, faces)

    assert (decision.actor, decision.verb) == (None, Decision.Verb.TAG)
    named = Face.objects.get(person=ann)
    assert (named.pk, named.tagged_by) == (faces[3], Face.TaggedBy.MACHINE)


def test_a_name_the_machine_gave_is_not_given_again_once_taken_back(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    decision = answers.tag(ann, [face.pk])

    undone = ledger.undo(decision, actor=alice)

    assert answers.tag(ann, [face.pk]) is None
    assert answers.tag(make_person(alice, "Bob"), [face.pk]) is not None
    assert undone.restored == 1


def test_confirming_what_the_machine_named_makes_it_the_users(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    answers.tag(ann, [face.pk])

    answers.confirm(ann, [face.pk], actor=alice)

    assert Face.objects.get(pk=face.pk).is_confirmed


@pytest.mark.parametrize("no", ["reject", "untick"])
def test_a_no_takes_off_the_name_the_machine_gave_but_not_the_users(alice, photos, no):
    by_machine, by_user, other = (make_face(photo).pk for photo in photos[:3])
    ann = make_person(alice)
    answers.tag(ann, [by_machine])
    answers.confirm(ann, [by_user], actor=alice)

    if no == "reject":
        answers.reject(ann, [by_machine, by_user], actor=alice)
    else:
        answers.confirm(ann, [other], but_not=[by_machine, by_user], actor=alice)

    assert Face.objects.get(pk=by_machine).person is None
    assert Face.objects.get(pk=by_user).person == ann
    assert ledger.rejected_pairs(alice.pk) == {(by_machine, ann.pk)}


def test_a_no_said_again_takes_off_what_the_machine_named_meanwhile(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    undone = ledger.undo(answers.reject(ann, [face.pk], actor=alice), actor=alice).decision
    answers.tag(ann, [face.pk])

    ledger.undo(undone, actor=alice)

    assert Face.objects.get(pk=face.pk).person is None


def test_a_name_given_again_stands_above_what_the_machine_named_meanwhile(alice, photos):
    face = make_face(photos[0])
    ann = make_person(alice)
    undone = ledger.undo(answers.confirm(ann, [face.pk], actor=alice), actor=alice).decision
    answers.tag(make_person(alice, "Bob"), [face.pk])

    ledger.undo(undone, actor=alice)

    assert Face.objects.get(pk=face.pk).person == ann


def test_a_merge_keeps_what_the_machine_named_the_machines_and_never_against_a_no(alice, photos):
    faces = [make_face(photo).pk for photo in photos[:3]]
    ann, annie = make_person(alice), make_person(alice, "Annie")
    answers.confirm(annie, faces[:1], actor=alice)
    answers.reject(ann, faces[1:2], actor=alice)
    answers.tag(annie, faces[1:])

    merged = answers.merge(annie, ann, actor=alice)

    rows = {face.pk: (face.person, face.tagged_by) for face in Face.objects.all()}
    assert rows == {faces[0]: (ann, "user"), faces[1]: (None, ""), faces[2]: (ann, "machine")}
    assert (merged.person, merged.other) == (ann, annie)
    ledger.undo(merged, actor=alice)
    assert annie.faces.count() == 3
