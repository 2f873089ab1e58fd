"""Faces kept in a worker's memory: whatever happens to them meanwhile, groups are those of a look at all faces."""

from threading import Barrier

import numpy as np
import pytest
from django.db import connection, transaction

from people import answers, erasing, kept_library, ledger
from people.grouping import arrivals, group_owner, regroup_from_scratch, whole_library
from people.models import Cluster, Decision, Face, FaceWrite, Library, Upkeep
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, make_user, unit
from tests.people.test_grouping import groups, make_alike, pks
from tests.people.test_grouping_at_once import fields_of, side_by_side

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_libraries_are_kept(monkeypatch):
    monkeypatch.setattr(kept_library, "FEWEST", 1)
    monkeypatch.setattr(kept_library, "MOST_CHANGES", 100)
    monkeypatch.setattr(arrivals, "FEW", 2)
    kept_library.forget_all()
    yield
    kept_library.forget_all()


@pytest.fixture
def looks(monkeypatch):
    """How often all faces were looked at."""
    counted = []
    look = whole_library.regroup
    monkeypatch.setattr(whole_library, "regroup", lambda *args, **kwargs: counted.append(1) or look(*args, **kwargs))
    return counted


@pytest.fixture
def owner():
    """Of a library that was grouped and is kept."""
    owner = make_user(username="ada")
    make_alike(owner, 50, 3)
    make_alike(owner, 60, 1)
    group_owner(owner.pk)
    return owner


def test_new_faces_are_placed_without_a_look_at_all(owner, looks):
    some = make_alike(owner, 1, 3)
    group_owner(owner.pk)
    late = make_alike(owner, 1, 2) + make_alike(owner, 60, 1)
    group_owner(owner.pk)

    assert not looks
    assert pks([*some, *late[:2]]) in groups()
    assert len(groups()) == 3
    assert not Face.objects.exclude(grouped_by="facenet-casia").exists()


def test_a_group_keeps_its_number_and_one_nobody_is_left_in_is_dropped(owner, looks):
    faces = make_alike(owner, 1, 3)
    group_owner(owner.pk)
    number = Face.objects.get(pk=faces[0].pk).cluster_id
    make_alike(owner, 1, 3)
    group_owner(owner.pk)
    assert Cluster.objects.get(pk=number).faces.count() == 6

    answers.confirm(make_person(owner), pks(Face.objects.filter(cluster=number)), actor=owner)
    make_alike(owner, 2, 2)
    group_owner(owner.pk)

    assert not Cluster.objects.filter(pk=number).exists()
    assert not looks


def test_when_all_that_changed_is_named_nothing_is_left_to_place(owner, looks):
    faces = make_alike(owner, 1, 3)
    group_owner(owner.pk)
    person = make_person(owner)
    answers.confirm(person, pks(faces), actor=owner)

    group_owner(owner.pk)

    assert person.faces.count() == 3
    assert not Face.objects.filter(pk__in=pks(faces)).exclude(cluster=None).exists()
    assert not looks


def test_named_ignored_and_deleted_faces_take_no_part(owner, looks):
    named, ignored, deleted, erased = (make_alike(owner, axis, 3) for axis in range(1, 5))
    group_owner(owner.pk)
    answers.confirm(make_person(owner), pks(named), actor=owner)
    answers.ignore(owner, pks(ignored), actor=owner)
    Photo.objects.filter(faces__in=deleted).delete()
    Face.objects.filter(pk__in=pks(erased)).delete()

    new = [make_alike(owner, axis, 2) for axis in range(1, 5)]
    group_owner(owner.pk)

    assert {pks(faces) for faces in new} < groups()
    assert not looks


def test_names_taken_back_and_groups_undone_are_seen(owner, looks):
    faces = make_alike(owner, 1, 3)
    group_owner(owner.pk)
    regroup = Decision.objects.latest("pk")
    named = answers.confirm(make_person(owner), [faces[0].pk], actor=owner)
    make_alike(owner, 2, 2)
    group_owner(owner.pk)
    ledger.undo(named, actor=owner)
    ledger.undo(regroup, actor=owner)
    new = make_alike(owner, 1, 2)
    group_owner(owner.pk)

    # Who was put back into no group is held there.
    assert pks(new) in groups()
    assert not Face.objects.filter(pk__in=pks(faces[1:]), cluster__isnull=False).exists()
    assert not looks


@pytest.mark.parametrize("way", ["by Django", "by SQL"])
def test_a_face_that_was_embedded_again_is_compared_as_it_looks_now(owner, looks, way):
    [face] = make_alike(owner, 1, 1)
    group_owner(owner.pk)
    if way == "by Django":
        Face.objects.filter(pk=face.pk).update(projection=unit(2))
    else:
        with connection.cursor() as cursor:
            text = str(unit(2).tolist())
            cursor.execute("UPDATE people_face SET projection = %s::halfvec WHERE id = %s", [text, face.pk])

    like_then, like_now = make_alike(owner, 1, 1), make_alike(owner, 2, 1)
    group_owner(owner.pk)

    assert pks([face, *like_now]) in groups()
    assert like_then[0].pk not in set().union(*groups())
    assert not looks


def test_what_a_transaction_wrote_that_ends_after_a_run_is_read_by_the_next(owner, looks):
    face = make_face(make_photo(owner), likeness=unit(1))
    written, grouped = Barrier(2), Barrier(2)

    def write_slowly() -> None:
        with transaction.atomic():
            make_photo(owner).faces.create(**fields_of(face), projection=unit(1))
            written.wait(30)
            grouped.wait(30)

    with side_by_side(write_slowly) as results:
        written.wait(30)
        group_owner(owner.pk)
        make_alike(owner, 2, 2)
        group_owner(owner.pk)
        grouped.wait(30)
    group_owner(owner.pk)

    assert results == [None]
    assert pks([face, Face.objects.exclude(pk=face.pk).get(projection=unit(1))]) in groups()
    assert not looks


def test_different_people_and_mirrors_are_kept_to(owner, looks):
    some, others = make_alike(owner, 1, 2), make_alike(owner, 1, 2)
    photo = make_photo(owner)
    twins = [make_face(photo, likeness=unit(5)), make_face(photo, likeness=unit(5, towards=9, by=0.1))]
    group_owner(owner.pk)
    answers.different(owner, pks(some), pks(others), actor=owner)
    said = answers.repeat(photo, actor=owner)
    group_owner(owner.pk)
    assert {pks(some), pks(others), pks(twins)} < groups()

    ledger.undo(said, actor=owner)
    answers.same(owner, pks(some), pks(make_alike(owner, 7, 1)), actor=owner)
    group_owner(owner.pk)

    assert pks(twins) not in groups()
    assert any(pks(some) < group for group in groups())
    assert not looks


def test_another_worker_may_have_grouped_meanwhile(owner, looks):
    ours = dict(kept_library._kept)
    faces = make_alike(owner, 1, 3)
    kept_library.forget_all()
    group_owner(owner.pk)  # as another process would
    assert len(looks) == 1
    kept_library._kept.update(ours)

    late = make_alike(owner, 1, 1)
    group_owner(owner.pk)

    assert pks([*faces, *late]) in groups()
    assert len(looks) == 1


def test_another_model_or_centre_makes_it_look_at_all(owner, looks):
    Library.objects.create(owner=owner, centre=unit(9) * 0.1, centre_model="facenet-casia", centre_groups=10**6)
    make_alike(owner, 1, 2)
    group_owner(owner.pk)
    assert len(looks) == 1
    make_alike(owner, 2, 2)
    group_owner(owner.pk)
    assert len(looks) == 1

    Library.objects.update(centre=unit(8) * 0.1)
    make_alike(owner, 3, 2)
    group_owner(owner.pk)

    assert len(looks) == 2
    assert len(groups()) == 4


def test_tables_that_were_emptied_or_a_day_without_a_run_make_it_look_at_all(owner, looks, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE people_facewrite")
    group_owner(owner.pk)
    assert len(looks) == 1

    monkeypatch.setattr(kept_library, "GOOD_FOR", -1)
    group_owner(owner.pk)
    assert len(looks) == 2


def test_what_an_open_transaction_sees_is_not_kept(owner):
    kept_library.forget_all()
    with transaction.atomic():
        group_owner(owner.pk)

    assert not kept_library._kept


def test_no_more_is_kept_than_there_is_room_for(owner, monkeypatch):
    bob = make_user(username="bob")
    monkeypatch.setattr(kept_library, "MOST", 5)
    make_alike(bob, 1, 3)
    group_owner(bob.pk)
    assert list(kept_library._kept) == [bob.pk]

    monkeypatch.setattr(kept_library, "MOST", 2)
    kept_library.forget_all()
    group_owner(bob.pk)
    assert not kept_library._kept


def test_a_library_that_grows_gets_its_centre_in_time(owner, looks):
    looks_of = np.eye(128, dtype=np.float32)[1:121]
    for look in looks_of:
        make_face(make_photo(owner), likeness=look)
    group_owner(owner.pk)

    assert Library.objects.get(owner=owner).centre_model == "facenet-casia"
    assert looks


def test_groups_undone_or_all_made_anew_and_all_faces_deleted(owner, looks):
    make_alike(owner, 1, 3)
    group_owner(owner.pk)
    Face.objects.filter(cluster__isnull=False).update(cluster=Cluster.objects.first())
    regroup_from_scratch(owner.pk)
    late = make_alike(owner, 1, 1)
    group_owner(owner.pk)
    assert any(pks(late) < group for group in groups())

    erasing.delete_face_data(owner)
    new = make_alike(owner, 1, 2)
    group_owner(owner.pk)

    assert groups() == {pks(new)}


def test_old_notes_are_forgotten(owner):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_facewrite SET at = at - interval '3 days'")
    Upkeep.objects.want(owner.pk, groups=True)
    group_owner(owner.pk)

    assert not FaceWrite.objects.exists()


def test_a_hidden_group_grows_by_new_faces_and_takes_in_nothing_that_is_shown(owner, looks):
    hidden = make_alike(owner, 1, 3)
    group_owner(owner.pk)
    make_alike(owner, 2, 1)
    group_owner(owner.pk)
    number = Face.objects.get(pk=hidden[0].pk).cluster_id
    Cluster.objects.filter(pk=number).update(is_hidden=True)

    late = make_alike(owner, 1, 2)
    group_owner(owner.pk)

    assert pks([*hidden, *late]) in groups()
    assert not looks
