"""How unknown faces are grouped, and that a group keeps its number."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from people import answers, ledger, tasks
from people.grouping import CannotGroup, group_owner, regroup_from_scratch, whole_library
from people.models import Cluster, Decision, Face, Library, Upkeep
from people.tasks import group_faces
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, unit


def make_alike(owner, axis: int, count: int, **fields) -> list[Face]:
    """Faces of one person: nearly along the same axis, each in a photo of its own."""
    return [make_face(make_photo(owner), likeness=unit(axis, towards=100 + n, by=0.2), **fields) for n in range(count)]


def groups() -> set[frozenset[int]]:
    return {frozenset(c.faces.values_list("pk", flat=True)) for c in Cluster.objects.all()}


def pks(faces: list[Face]) -> frozenset[int]:
    return frozenset(face.pk for face in faces)


def test_faces_alike_are_grouped_and_a_single_one_is_not(alice):
    some, others = make_alike(alice, 1, 3), make_alike(alice, 2, 2)
    make_alike(alice, 3, 1)

    group_owner(alice.pk)

    assert groups() == {pks(some), pks(others)}


def test_a_group_keeps_its_number_when_it_grows(alice):
    make_alike(alice, 1, 3)
    group_owner(alice.pk)
    [number] = Cluster.objects.values_list("pk", flat=True)

    make_alike(alice, 2, 4)
    make_face(make_photo(alice), likeness=unit(1))
    group_owner(alice.pk)

    assert Cluster.objects.get(pk=number).faces.count() == 4
    assert Cluster.objects.count() == 2


def test_grouping_twice_changes_nothing(alice):
    make_alike(alice, 1, 3)
    make_alike(alice, 2, 3)
    group_owner(alice.pk)
    before = dict(Face.objects.values_list("pk", "cluster"))

    group_owner(alice.pk)

    assert dict(Face.objects.values_list("pk", "cluster")) == before


def test_confirmed_and_ignored_faces_are_left_alone(alice):
    faces = make_alike(alice, 1, 5)
    ann = make_person(alice)
    answers.confirm(ann, [faces[0].pk], actor=alice)
    answers.ignore(alice, [faces[1].pk], actor=alice)

    group_owner(alice.pk)

    assert groups() == {pks(faces[2:])}
    assert Face.objects.get(pk=faces[0].pk).person == ann


def test_two_faces_of_one_photo_are_never_in_one_group(alice):
    others = make_alike(alice, 1, 3)
    photo = make_photo(alice)
    twin = make_face(photo, likeness=unit(1))
    make_face(photo, likeness=unit(1, towards=90, by=0.4))

    group_owner(alice.pk)

    assert groups() == {pks([*others, twin])}


def test_poor_faces_do_not_make_a_group(alice):
    make_alike(alice, 1, 3, quality=0.0)

    group_owner(alice.pk)

    assert groups() == set()


def test_groups_of_owners_are_apart(alice, bob):
    make_alike(alice, 1, 2)
    make_alike(bob, 1, 2)

    group_owner(alice.pk)
    group_owner(bob.pk)

    assert Cluster.objects.filter(owner=alice).count() == 1
    assert Cluster.objects.filter(owner=bob).count() == 1


def test_a_group_nobody_is_left_in_is_dropped(alice):
    faces = make_alike(alice, 1, 2)
    group_owner(alice.pk)
    answers.confirm(make_person(alice), [face.pk for face in faces], actor=alice)

    group_owner(alice.pk)

    assert Cluster.objects.count() == 0


def test_photos_are_done_once_their_faces_are_grouped(alice):
    photo = make_photo(alice, stage=Photo.Stage.GROUPING)

    assert group_faces(alice.pk) is True
    assert group_faces(alice.pk) is False

    photo.refresh_from_db()
    assert photo.stage == Photo.Stage.DONE


def test_a_library_without_faces_is_grouped_without_complaint(alice):
    assert group_owner(alice.pk) is True


def test_faces_that_get_free_are_grouped_again_without_new_photos(alice):
    faces = make_alike(alice, 1, 3)
    ann = make_person(alice)
    answers.confirm(ann, [face.pk for face in faces], actor=alice)
    assert group_faces(alice.pk) is False

    answers.remove_name(ann, [face.pk for face in faces], actor=alice)

    assert group_faces(alice.pk) is True
    assert groups() == {pks(faces)}
    assert group_faces(alice.pk) is False


def test_an_answer_given_while_groups_are_made_stays(alice, monkeypatch):
    faces = make_alike(alice, 1, 3)
    ann = make_person(alice)
    compute = whole_library.regroup

    def answer_meanwhile(*args, **kwargs):
        answers.confirm(ann, [faces[0].pk], actor=alice)
        return compute(*args, **kwargs)

    monkeypatch.setattr(whole_library, "regroup", answer_meanwhile)
    group_owner(alice.pk)

    assert Face.objects.get(pk=faces[0].pk).person == ann
    assert groups() == {pks(faces[1:])}


# Groups that stay


def clusters() -> dict[int, int | None]:
    return dict(Face.objects.values_list("pk", "cluster_id"))


def test_a_photo_changes_the_group_of_no_face_it_does_not_touch(alice):
    for axis in range(1, 6):
        make_alike(alice, axis, 3)
    group_owner(alice.pk)
    # Groups as no run from nothing would make them.
    Face.objects.filter(cluster=Cluster.objects.first()).update(cluster=Cluster.objects.last())
    before = clusters()

    new = make_face(make_photo(alice), likeness=unit(3))
    group_owner(alice.pk)

    after = clusters()
    assert after.pop(new.pk) is not None
    assert after == before


def test_a_face_that_was_looked_at_and_found_no_group_is_not_placed_again_and_again(alice):
    [face] = make_alike(alice, 1, 1)
    group_owner(alice.pk)

    face.refresh_from_db()
    assert face.grouped_by == "facenet-casia"


def test_a_face_that_got_free_is_placed_again(alice):
    faces = make_alike(alice, 1, 2)
    answers.ignore(alice, [faces[0].pk], actor=alice)
    group_owner(alice.pk)

    answers.show_again(alice, [faces[0].pk], actor=alice)
    group_owner(alice.pk)

    assert groups() == {pks(faces)}


def test_faces_of_a_new_model_are_all_placed_again_and_keep_their_numbers(alice):
    faces = make_alike(alice, 1, 3)
    group_owner(alice.pk)
    before = clusters()
    Face.objects.update(grouped_by="another")

    group_owner(alice.pk)

    assert clusters() == before
    assert set(Face.objects.values_list("grouped_by", flat=True)) == {"facenet-casia"}
    assert len(faces) == len(before)


def test_a_hidden_group_is_still_hidden_after_its_faces_were_named_and_are_free_again(alice):
    faces = make_alike(alice, 1, 2)
    group_owner(alice.pk)
    Cluster.objects.update(is_hidden=True)
    named = answers.confirm(make_person(alice), pks(faces), actor=alice)
    Upkeep.objects.want(alice.pk, groups=True)
    group_owner(alice.pk)

    ledger.undo(named, actor=alice)
    group_owner(alice.pk)

    assert [c.is_hidden for c in Cluster.objects.all()] == [True]
    assert groups() == {pks(faces)}


def test_a_group_that_is_hidden_again_while_its_faces_are_named_comes_back_hidden(alice):
    faces = make_alike(alice, 1, 2)
    group_owner(alice.pk)
    hidden = ledger.hide(alice, [], list(Cluster.objects.all()), actor=alice)
    shown = ledger.undo(hidden, actor=alice).decision
    named = answers.confirm(make_person(alice), pks(faces), actor=alice)
    Upkeep.objects.want(alice.pk, groups=True)
    group_owner(alice.pk)

    ledger.undo(shown, actor=alice)
    ledger.undo(named, actor=alice)
    group_owner(alice.pk)

    assert [c.is_hidden for c in Cluster.objects.all()] == [True]
    assert groups() == {pks(faces)}


@pytest.fixture
def hidden_beside_shown(alice):
    """Two groups of three, one of them hidden, that two faces between them would make one."""
    some, others = (make_alike(alice, 1, 3), make_alike(alice, 1, 3))
    hidden, shown = Cluster.objects.create(owner=alice, is_hidden=True), Cluster.objects.create(owner=alice)
    Face.objects.filter(pk__in=pks(some)).update(cluster=hidden, grouped_by="facenet-casia")
    Face.objects.filter(pk__in=pks(others)).update(cluster=shown, grouped_by="facenet-casia")
    return hidden, shown, make_alike(alice, 1, 2)


def test_what_is_hidden_stays_hidden_and_hides_nothing_else(alice, hidden_beside_shown):
    hidden, shown, new = hidden_beside_shown
    before = {cluster: pks(cluster.faces.all()) for cluster in (hidden, shown)}

    group_owner(alice.pk)

    assert groups() == {before[hidden], before[shown] | pks(new)}
    assert {c.pk for c in Cluster.objects.filter(is_hidden=False)} == {shown.pk}
    hidden.is_hidden = False
    hidden.save()
    make_alike(alice, 1, 1)
    group_owner(alice.pk)
    assert [c.faces.count() for c in Cluster.objects.all()] == [9]


def test_new_faces_may_join_a_hidden_group(alice, hidden_beside_shown):
    hidden, shown, new = hidden_beside_shown
    shown.faces.all().delete()

    group_owner(alice.pk)

    assert hidden.faces.count() == 3 + len(new)


def test_two_groups_said_to_be_one_become_one_though_one_is_hidden(alice, hidden_beside_shown):
    hidden, shown, _ = hidden_beside_shown
    answers.same(alice, pks(hidden.faces.all()), pks(shown.faces.all()), actor=alice)

    group_owner(alice.pk)

    assert hidden.faces.count() >= 6


def test_all_groups_made_anew_leave_hidden_ones_alone(alice, hidden_beside_shown):
    hidden, _, _ = hidden_beside_shown
    before = pks(hidden.faces.all())

    regroup_from_scratch(alice.pk)

    assert pks(hidden.faces.all()) == before
    assert [c.faces.count() for c in Cluster.objects.filter(is_hidden=False)] == [5]


def test_a_group_that_is_hidden_while_groups_are_made_is_looked_at_again(alice, hidden_beside_shown, monkeypatch):
    hidden, shown, new = hidden_beside_shown
    Cluster.objects.update(is_hidden=False)
    real = whole_library.regroup

    def hide_meanwhile(*args, **kwargs):
        Cluster.objects.filter(pk=hidden.pk).update(is_hidden=True)
        return real(*args, **kwargs)

    monkeypatch.setattr(whole_library, "regroup", hide_meanwhile)
    group_owner(alice.pk)

    assert hidden.faces.count() == 3
    assert shown.faces.count() == 3 + len(new)


def test_more_faces_take_no_more_queries(alice):
    group_owner(alice.pk)
    counted = []
    for axis, count in ((1, 2), (2, 25)):
        make_alike(alice, axis, count)
        with CaptureQueriesContext(connection) as queries:
            group_owner(alice.pk)
        counted.append(len(queries))

    assert counted[0] == counted[1]


# What users said


def test_two_groups_said_to_be_one_are_one_and_can_be_parted_again(alice):
    some, others = make_alike(alice, 1, 2), make_alike(alice, 2, 3)
    group_owner(alice.pk)

    answers.same(alice, pks(some), pks(others), actor=alice)
    group_owner(alice.pk)
    assert groups() == {pks([*some, *others])}

    answers.different(alice, pks(some), pks(others), actor=alice)
    group_owner(alice.pk)
    assert groups() == {pks(some), pks(others)}


def test_a_photo_with_a_mirror_shows_somebody_twice(alice):
    photo = make_photo(alice)
    twins = [make_face(photo, likeness=unit(1)), make_face(photo, likeness=unit(1, towards=9, by=0.1))]
    group_owner(alice.pk)
    assert groups() == set()

    answers.repeat(photo, actor=alice)
    group_owner(alice.pk)

    assert groups() == {pks(twins)}


def test_what_was_said_and_taken_back_counts_no_more(alice):
    some, others = make_alike(alice, 1, 2), make_alike(alice, 1, 3)
    group_owner(alice.pk)
    said = answers.different(alice, pks(some), pks(others), actor=alice)
    group_owner(alice.pk)
    assert groups() == {pks(some), pks(others)}

    ledger.undo(said, actor=alice)
    group_owner(alice.pk)

    assert groups() == {pks([*some, *others])}


# The ledger


def test_a_run_is_a_decision_that_can_be_undone_and_is_not_done_again(alice):
    faces = make_alike(alice, 1, 3)
    group_owner(alice.pk)
    made = Decision.objects.get()
    assert (made.verb, made.actor, made.changes.count()) == (Decision.Verb.REGROUP, None, 3)

    ledger.undo(made, actor=alice)
    group_owner(alice.pk)

    assert groups() == set()
    assert pks(faces) == ledger.held_faces(alice.pk)


def test_a_run_that_moves_nothing_is_no_decision(alice):
    make_alike(alice, 1, 3)
    group_owner(alice.pk)

    group_owner(alice.pk)

    assert Decision.objects.count() == 1


def test_all_groups_are_thrown_away_and_made_again_in_one_decision_that_can_be_undone(alice):
    alike = [make_alike(alice, axis, 3) for axis in range(1, 5)]
    apart = make_alike(alice, 9, 2)
    ann = make_person(alice)
    named = make_alike(alice, 1, 1)[0]
    answers.confirm(ann, [named.pk], actor=alice)
    group_owner(alice.pk)
    answers.different(alice, [apart[0].pk], [apart[1].pk], actor=alice)
    odd = Cluster.objects.create(owner=alice)
    ledger.regroup(alice.pk, dict.fromkeys(Face.objects.untagged().values_list("pk", flat=True), odd.pk))
    before = clusters()

    decision = regroup_from_scratch(alice.pk)

    assert groups() == {pks(faces) for faces in alike}
    assert Face.objects.get(pk=named.pk).person == ann
    ledger.undo(decision, actor=alice)
    assert clusters() == before


def test_the_command_groups_all_again(alice, capsys):
    faces = make_alike(alice, 1, 3)
    Face.objects.update(cluster=Cluster.objects.create(owner=alice))
    make_face(make_photo(alice), likeness=unit(50), cluster=Cluster.objects.get())

    call_command("regroup", user="alice")

    assert "1 faces are in another group now" in capsys.readouterr().out
    assert groups() == {pks(faces)}


def test_the_command_wants_a_user_there_is(db):
    with pytest.raises(CommandError, match="no user called"):
        call_command("regroup", user="nobody")


# The library's centre


def make_strangers(owner, count: int, *, start: int = 0) -> list[Face]:
    """Each of their own, but for a direction all share."""
    looks = np.zeros((count, 128), dtype=np.float32)
    looks[np.arange(count), 1 + (start + np.arange(count)) % 127] = 1 if start < 127 else -1
    looks[:, 0] = 0.3
    return [make_face(make_photo(owner), likeness=look / np.linalg.norm(look)) for look in looks]


def test_the_centre_is_taken_away_from_a_hundred_groups_on_and_anew_when_they_have_doubled(alice):
    make_strangers(alice, 99)
    group_owner(alice.pk)
    assert not Library.objects.exists()

    make_strangers(alice, 11, start=99)
    group_owner(alice.pk)
    library = Library.objects.get(owner=alice)
    assert (library.centre_model, library.centre_groups) == ("facenet-casia", 110)
    assert np.asarray(library.centre)[0] == pytest.approx(0.3 / np.hypot(1, 0.3), abs=1e-3)

    make_strangers(alice, 20, start=127)
    group_owner(alice.pk)
    assert Library.objects.get(owner=alice).centre_groups == 110

    make_strangers(alice, 90, start=147)
    group_owner(alice.pk)
    assert Library.objects.get(owner=alice).centre_groups == 220


# Failures


def test_grouping_that_fails_is_tried_again_ever_later(alice, monkeypatch):
    make_photo(alice, stage=Photo.Stage.GROUPING)
    compute = whole_library.regroup
    monkeypatch.setattr(whole_library, "regroup", fail)
    pauses = []
    for _ in range(12):
        Upkeep.objects.update(retry_at=None)
        with pytest.raises(MemoryError):
            group_faces(alice.pk)
        assert group_faces(alice.pk) is False
        upkeep = Upkeep.objects.get()
        pauses.append(round((upkeep.retry_at - timezone.now()).total_seconds() / 60))

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    monkeypatch.setattr(whole_library, "regroup", compute)
    Upkeep.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    assert group_faces(alice.pk) is True
    upkeep = Upkeep.objects.get()
    assert (upkeep.failures, upkeep.retry_at) == (0, None)


def fail(*args, **kwargs):
    raise MemoryError


def test_beat_sends_no_message_for_an_owner_whose_grouping_is_put_off(alice, bob, monkeypatch):
    for owner in (alice, bob):
        make_photo(owner, stage=Photo.Stage.GROUPING)
    for _ in range(2):  # once it may be ended by anything
        Upkeep.objects.start_grouping(bob.pk)
    sent = []
    monkeypatch.setattr(tasks, "send_wakeup", lambda task, *args: sent.append((task, *args)))

    tasks.wake_workers()

    assert (group_faces, alice.pk) in sent
    assert (group_faces, bob.pk) not in sent


def test_answers_that_always_come_first_put_grouping_off(alice, monkeypatch):
    faces = make_alike(alice, 1, 3)
    compute = whole_library.regroup

    def say_something_meanwhile(*args, **kwargs):
        Upkeep.objects.want(alice.pk, groups=True)
        return compute(*args, **kwargs)

    monkeypatch.setattr(whole_library, "regroup", say_something_meanwhile)
    with pytest.raises(CannotGroup):
        group_owner(alice.pk)

    assert groups() == set()
    assert Upkeep.objects.put_off().count() == 1
    assert len(faces) == Face.objects.filter(grouped_by="").count()


def test_progress_is_reported(alice):
    make_alike(alice, 1, 3)
    shares = []

    group_owner(alice.pk, report=shares.append)

    assert shares[-1] == 1
