"""How unknown faces are grouped, and that a group keeps its number."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from people import answers, grouping
from people.grouping import group_owner
from people.locks import Job, one_at_a_time
from people.models import Cluster, Face
from people.tasks import group_faces
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, make_user, unit


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
    compute = grouping.group_faces

    def answer_meanwhile(*args, **kwargs):
        answers.confirm(ann, [faces[0].pk], actor=alice)
        return compute(*args, **kwargs)

    monkeypatch.setattr(grouping, "group_faces", answer_meanwhile)
    group_owner(alice.pk)

    assert Face.objects.get(pk=faces[0].pk).person == ann
    assert groups() == {pks(faces[1:])}


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_for_one_owner_are_one_run():
    owner = make_user()
    locked, finish = Barrier(2), Barrier(2)

    def hold_lock() -> None:
        with one_at_a_time(Job.GROUPING, owner.pk) as is_ours:
            assert is_ours
            locked.wait(10)
            finish.wait(10)
        connection.close()

    holder = Thread(target=hold_lock)
    holder.start()
    locked.wait(10)
    meanwhile = group_owner(owner.pk)
    finish.wait(10)
    holder.join()

    assert [meanwhile, group_owner(owner.pk)] == [False, True]
