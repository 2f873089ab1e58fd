"""What happens to a library while its faces are being grouped, on real connections side by side."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Barrier, Thread

import pytest
from django.db import connection

from people import answers, erasing, ledger
from people.grouping import CannotGroup, group_owner, regroup_from_scratch, whole_library
from people.locks import Job, one_at_a_time
from people.models import Cluster, Decision, Face, Upkeep
from photos.models import Photo
from tests.factories import make_person, make_photo, make_user, unit
from tests.people.test_grouping import groups, make_alike, pks

pytestmark = pytest.mark.django_db(transaction=True)

WAIT = 30


@pytest.fixture
def owner():
    return make_user(username="ada")


@contextmanager
def side_by_side(*acts: Callable[[], object]) -> Iterator[list[object]]:
    """Runs acts in threads of their own while the block runs; then what each returned, or raised."""
    results: list[object] = [None] * len(acts)

    def run(number: int) -> None:
        try:
            results[number] = acts[number]()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=[number]) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    yield results
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()


@pytest.fixture
def paused(monkeypatch):
    """Groups an owner in a thread, which waits with its snapshot taken until the block is over."""
    compute = whole_library.regroup

    @contextmanager
    def pause(owner) -> Iterator[list[object]]:
        taken, done = Barrier(2), Barrier(2)
        waits = [True]

        def wait_once(*args, **kwargs):
            if waits and waits.pop():
                taken.wait(WAIT)
                done.wait(WAIT)
            return compute(*args, **kwargs)

        monkeypatch.setattr(whole_library, "regroup", wait_once)
        with side_by_side(lambda: group_owner(owner.pk)) as results:
            taken.wait(WAIT)
            yield results
            done.wait(WAIT)

    return pause


def test_two_runs_at_once_for_one_owner_are_one_run(owner):
    locked, finish = Barrier(2), Barrier(2)

    def hold_lock() -> None:
        with one_at_a_time(Job.GROUPING, owner.pk) as is_ours:
            assert is_ours
            locked.wait(WAIT)
            finish.wait(WAIT)

    with side_by_side(hold_lock) as results:
        locked.wait(WAIT)
        meanwhile = group_owner(owner.pk)
        with pytest.raises(CannotGroup):
            regroup_from_scratch(owner.pk)
        finish.wait(WAIT)

    assert results == [None]
    assert [meanwhile, group_owner(owner.pk)] == [False, True]


def test_many_runs_that_start_at_once_group_every_face_once(owner):
    some, others = make_alike(owner, 1, 4), make_alike(owner, 2, 3)
    start = Barrier(4)

    def run() -> bool:
        start.wait(WAIT)
        return group_owner(owner.pk)

    with side_by_side(*[run] * 4) as results:
        pass

    assert set(results) <= {True, False}
    assert True in results
    assert groups() == {pks(some), pks(others)}
    assert Decision.objects.count() == 1


def test_people_merged_during_a_run_stay_merged(owner, paused):
    faces, alike = make_alike(owner, 1, 4), make_alike(owner, 2, 2)
    ann, anna = make_person(owner, "Ann"), make_person(owner, "Anna")
    answers.confirm(ann, [faces[0].pk], actor=owner)

    with paused(owner) as results:
        answers.confirm(anna, [faces[1].pk], actor=owner)
        answers.merge(anna, ann, actor=owner)

    assert results == [True]
    assert set(Face.objects.filter(person=ann).values_list("pk", flat=True)) == pks(faces[:2])
    assert groups() == {pks(faces[2:]), pks(alike)}


def test_photos_deleted_during_a_run_are_gone_and_the_rest_is_grouped(owner, paused):
    faces, others = make_alike(owner, 1, 4), make_alike(owner, 2, 2)
    Photo.objects.filter(owner=owner).update(stage=Photo.Stage.GROUPING)

    with paused(owner) as results:
        Photo.objects.filter(faces__in=[faces[0], *others]).delete()

    assert results == [True]
    assert groups() == {pks(faces[1:])}
    assert set(Photo.objects.values_list("stage", flat=True)) == {Photo.Stage.DONE}


def test_all_face_data_deleted_during_a_run_stays_deleted(owner, paused):
    make_alike(owner, 1, 4)
    group_owner(owner.pk)
    make_alike(owner, 1, 2)

    with paused(owner) as results:
        erasing.delete_face_data(owner)

    assert results == [True]
    assert (Face.objects.count(), Cluster.objects.count(), Decision.objects.count()) == (0, 0, 0)


def test_a_person_forgotten_during_a_run_stays_forgotten(owner, paused):
    faces = make_alike(owner, 1, 4)
    ann = make_person(owner)

    with paused(owner) as results:
        answers.confirm(ann, [faces[0].pk], actor=owner)
        erasing.forget_person(ann)

    assert results == [True]
    assert groups() == {pks(faces[1:])}


def test_a_regroup_undone_during_a_run_stays_undone(owner, paused):
    faces = make_alike(owner, 1, 3)
    group_owner(owner.pk)
    new = make_alike(owner, 1, 1)[0]
    other = make_alike(owner, 1, 1)[0]

    with paused(owner) as results:
        ledger.undo(Decision.objects.get(), actor=owner)

    assert results == [True]
    # The new faces are a group; those put back are in none, and stay there.
    assert groups() == {pks([new, other])}
    assert Face.objects.filter(pk__in=pks(faces), cluster=None).count() == 3


def test_a_name_undone_during_a_run_is_seen_by_it(owner, paused):
    faces = make_alike(owner, 1, 3)
    named = answers.confirm(make_person(owner), [faces[0].pk], actor=owner)

    with paused(owner) as results:
        ledger.undo(named, actor=owner)

    assert results == [True]
    assert groups() == {pks(faces)}


def test_different_people_said_during_a_run_are_in_different_groups_after_it(owner, paused):
    some, others = make_alike(owner, 1, 2), make_alike(owner, 1, 2)

    with paused(owner) as results:
        answers.different(owner, pks(some), pks(others), actor=owner)

    assert results == [True]
    assert groups() == {pks(some), pks(others)}


def test_answers_and_runs_in_turn_never_end_in_a_deadlock(owner):
    """Names come and go while groups are made: every run and every answer ends, and no face is in two places."""
    faces = make_alike(owner, 1, 12)
    ann = make_person(owner)
    rounds = 8

    def name_and_free() -> None:
        for number in range(rounds):
            chosen = [face.pk for face in faces[number : number + 4]]
            answers.confirm(ann, chosen, actor=owner)
            answers.remove_name(ann, chosen, actor=owner)

    def group() -> None:
        for _ in range(rounds):
            with suppress(CannotGroup):
                group_owner(owner.pk)

    with side_by_side(name_and_free, group) as results:
        pass
    Upkeep.objects.update(retry_at=None)
    group_owner(owner.pk)

    assert results == [None, None]
    assert groups() == {pks(faces)}
    assert not Face.objects.filter(grouped_by="").exists()


def test_photos_that_arrive_during_a_run_wait_for_the_next(owner, paused):
    faces = make_alike(owner, 1, 2)

    with paused(owner):
        late = make_photo(owner, stage=Photo.Stage.GROUPING)
        new = late.faces.create(**fields_of(faces[0]), projection=unit(1))

    late.refresh_from_db()
    assert late.stage == Photo.Stage.GROUPING
    group_owner(owner.pk)
    assert groups() == {pks([*faces, new])}


def fields_of(face: Face) -> dict:
    names = ("left", "top", "width", "height", "landmarks", "detection_score", "quality", "embedding", "model", "crop")
    return {name: getattr(face, name) for name in names}
