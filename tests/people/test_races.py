"""Acts that meet: whatever two threads do to the same faces at once, the ledger says what the faces say.

Grouping that meets answers is in test_grouping.
"""

import random
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from threading import Barrier, Thread

import pytest
from django.db import connection, transaction

from accounts.models import User
from people import answers, constraints, ledger
from people.erasing import forget_person
from people.ledger import acts_on
from people.models import Change, Decision, Face, Person, Suggestion
from people.suggestions import refresh_suggestions
from people.tracks import FaceState, state_in_force
from photos.models import Photo
from tests.factories import make_cluster, make_face, make_person, make_photo, make_user, unit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

ROUNDS = 50
FACES = 3  # of a round: enough that a half of an act would show


@pytest.fixture
def alice() -> User:
    return make_user(username="alice")


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that start together; return what each returned. What one raises is raised here."""
    start = Barrier(len(acts))
    results: list[object] = [None] * len(acts)
    errors: list[BaseException] = []

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            start.wait(10)
            results[place] = act()
        except BaseException as error:  # of a thread: nobody else would hear of it
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if errors:
        raise errors[0]
    return results


def faces_of_a_round(owner: User, **fields) -> list[Face]:
    """Faces as make_face makes them, without files: those would take most of the time."""
    given = {"landmarks": [0.5] * 10, "detection_score": 1, "quality": 0.8, "embedding": [1] + [0] * 511}
    box = {"left": 0.4, "top": 0.3, "width": 0.1, "height": 0.2}
    given |= box | {"projection": unit(0), "model": "facenet-casia", "crop": "crops/none.webp"} | fields
    return Face.objects.bulk_create(Face(photo=make_photo(owner), **given) for _ in range(FACES))


def names(faces: Iterable[Face]) -> set[str]:
    """Who the faces are, as they are stored now; "" is nobody."""
    stored = Face.objects.filter(pk__in=[face.pk for face in faces]).select_related("person")
    return {face.person.name if face.person else "" for face in stored}


def assert_ledger_holds() -> None:
    """Each face is what its decisions in force add up to, and each change begins where the one before it ended."""
    faces = list(Face.objects.without_vectors())
    for face, acts in zip(faces, acts_on(faces).values(), strict=True):
        state = FaceState.of(face)
        assert not acts or state_in_force(acts, state).says_the_same_as(state)
        for earlier, later in pairwise(acts):
            assert FaceState(**earlier.after).says_the_same_as(FaceState(**later.before))
    assert not Face.objects.filter(person__isnull=False, cluster__isnull=False).exists()
    assert not Suggestion.objects.exclude(face__person=None).exists()
    assert not Decision.objects.filter(changes=None).exclude(verb=Decision.Verb.UNDO).exists()


def test_of_two_names_at_once_one_wins_for_all_faces(alice):
    ann, bob = make_person(alice, "Ann"), make_person(alice, "Bob")
    winners = set()
    for _ in range(ROUNDS):
        faces = faces_of_a_round(alice, cluster=make_cluster(alice))
        pks = [face.pk for face in faces]

        at_once(
            lambda pks=pks: answers.confirm(ann, pks, actor=alice),
            # The other way round: whoever locks faces in the order they were asked for waits for ever.
            lambda pks=pks: answers.confirm(bob, pks[::-1], actor=alice),
        )

        assert len(names(faces)) == 1
        winners |= names(faces)
    assert winners <= {"Ann", "Bob"}
    assert_ledger_holds()


def test_the_same_answer_twice_at_once_is_one_decision(alice):
    ann = make_person(alice, "Ann")
    for number in range(1, ROUNDS + 1):
        pks = [face.pk for face in faces_of_a_round(alice)]

        at_once(*[lambda pks=pks: answers.confirm(ann, pks, actor=alice)] * 2)

        assert Decision.objects.count() == number
    assert_ledger_holds()


def test_yes_and_no_at_once_leave_a_name_nobody_rules_out(alice):
    ann = make_person(alice, "Ann")
    for _ in range(ROUNDS):
        faces = faces_of_a_round(alice)
        pks = [face.pk for face in faces]

        at_once(
            lambda pks=pks: answers.confirm(ann, pks, actor=alice),
            lambda pks=pks: answers.reject(ann, pks, actor=alice),
        )

        # After a no, a yes is a change of mind; after a yes, a no comes from a page that is out of date.
        assert names(faces) == {"Ann"}
    assert constraints.ruled_out(alice.pk) == set()
    assert_ledger_holds()


def test_a_merge_moves_every_face_there_was_while_new_ones_are_named(alice):
    bob = make_person(alice, "Bob")
    for _ in range(ROUNDS):
        ann = make_person(alice, "Ann")
        hers, fresh = faces_of_a_round(alice), faces_of_a_round(alice)
        answers.confirm(ann, [face.pk for face in hers], actor=alice)

        at_once(
            lambda ann=ann: answers.merge(ann, bob, actor=alice),
            lambda ann=ann, fresh=fresh: answers.confirm(ann, [face.pk for face in fresh], actor=alice),
        )

        assert names(hers) == {"Bob"}
        assert names(fresh) in ({"Ann"}, {"Bob"})
    assert_ledger_holds()


def test_two_merges_into_each_other_lose_no_face(alice):
    for _ in range(ROUNDS):
        ann, bob = make_person(alice, "Ann"), make_person(alice, "Bob")
        faces = {person: faces_of_a_round(alice) for person in (ann, bob)}
        for person, theirs in faces.items():
            answers.confirm(person, [face.pk for face in theirs], actor=alice)

        at_once(
            lambda ann=ann, bob=bob: answers.merge(ann, bob, actor=alice),
            lambda ann=ann, bob=bob: answers.merge(bob, ann, actor=alice),
        )

        for theirs in faces.values():
            assert names(theirs) in ({"Ann"}, {"Bob"})
    assert_ledger_holds()


def test_an_undo_never_takes_away_a_name_that_was_given_meanwhile(alice):
    ann, bob = make_person(alice, "Ann"), make_person(alice, "Bob")
    for _ in range(ROUNDS):
        faces = faces_of_a_round(alice, cluster=make_cluster(alice))
        pks = [face.pk for face in faces]
        decision = answers.confirm(ann, pks, actor=alice)

        at_once(
            lambda decision=decision: ledger.undo(decision, actor=alice),
            lambda pks=pks: answers.confirm(bob, pks, actor=alice),
        )

        assert names(faces) == {"Bob"}
    assert_ledger_holds()


def test_two_undos_at_once_are_one(alice):
    ann = make_person(alice, "Ann")
    for _ in range(ROUNDS):
        faces = faces_of_a_round(alice)
        decision = answers.confirm(ann, [face.pk for face in faces], actor=alice)

        undone = at_once(*[lambda decision=decision: ledger.undo(decision, actor=alice)] * 2)

        assert sorted(each.restored for each in undone) == [0, FACES]
        assert names(faces) == {""}
    assert_ledger_holds()


def test_a_photo_that_is_deleted_takes_its_face_out_of_an_act_whole(alice):
    ann = make_person(alice, "Ann")
    for _ in range(ROUNDS):
        faces = faces_of_a_round(alice)
        pks = [face.pk for face in faces]
        photo = faces[1].photo_id

        at_once(
            lambda pks=pks: answers.confirm(ann, pks, actor=alice),
            lambda photo=photo: Photo.objects.get(pk=photo).delete(),
        )

        assert not Face.objects.filter(pk=pks[1]).exists()
        assert names(faces) == {"Ann"}
    assert not Change.objects.filter(face__isnull=False).exclude(face__in=Face.objects.values("pk")).exists()
    assert_ledger_holds()


def test_a_person_who_is_forgotten_is_gone_also_from_answers_at_the_time(alice):
    for _ in range(ROUNDS):
        ann, bob = make_person(alice, "Ann"), make_person(alice, "Bob")
        hers, others = faces_of_a_round(alice), faces_of_a_round(alice)
        answers.confirm(ann, [face.pk for face in hers], actor=alice)

        at_once(
            lambda ann=ann: forget_person(ann),
            lambda bob=bob, all_=hers + others: answers.confirm(bob, [face.pk for face in all_], actor=alice),
        )

        assert names(others) == {"Bob"}
        assert not Person.objects.filter(pk=ann.pk).exists()
        assert not Change.objects.filter(after__person=ann.pk).exists()
    assert_ledger_holds()


def test_suggestions_wait_for_an_act_on_the_faces_they_refer_to_without_holding_others_it_needs(alice, models_dir):
    known = make_face(make_photo(alice), likeness=unit(1))
    waiting = make_face(make_photo(alice), likeness=unit(1))
    answers.confirm(make_person(alice), [known.pk], actor=alice)

    with transaction.atomic():  # an act that has come to the first of its faces
        Face.objects.select_for_update(of=("self",)).get(pk=known.pk)
        suggesting = Thread(target=lambda: (refresh_suggestions(alice.pk), connection.close()))
        suggesting.start()
        _wait_until_one_waits_for_a_lock()
        rest = Face.objects.filter(pk=waiting.pk).select_for_update(of=("self",), nowait=True)
        assert [face.pk for face in rest] == [waiting.pk]
    suggesting.join(30)

    assert Suggestion.objects.get().face == waiting


def _wait_until_one_waits_for_a_lock() -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits for a lock")


def test_suggestions_made_while_answers_come_in_contradict_none_of_them(alice, models_dir):
    people = [make_person(alice, name) for name in ("Ann", "Bob")]
    for axis, person in enumerate(people):
        face = make_face(make_photo(alice), likeness=unit(axis))
        answers.confirm(person, [face.pk], actor=alice)
    chance = random.Random(4)
    for _ in range(ROUNDS):
        axis = chance.randrange(2)
        faces = faces_of_a_round(alice, projection=unit(axis, towards=9, by=0.1))
        refresh_suggestions(alice.pk)
        yes, no = [face.pk for face in faces[:2]], [face.pk for face in faces[2:]]

        at_once(
            lambda: refresh_suggestions(alice.pk),
            lambda axis=axis, yes=yes: answers.confirm(people[axis], yes, actor=alice),
            lambda axis=axis, no=no: answers.reject(people[axis], no, actor=alice),
        )

        pairs = set(Suggestion.objects.filter(face__in=yes + no).values_list("face", "person"))
        assert not pairs & constraints.ruled_out(alice.pk)
        assert not Suggestion.objects.exclude(face__person=None).exists()
    assert_ledger_holds()
