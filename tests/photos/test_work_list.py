"""The work list in PostgreSQL: what is claimed, by whom, how often, and what comes back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from photos.models import Batch, BatchFile, Photo
from photos.models.photo import GAVE_UP, MAX_ATTEMPTS
from tests.factories import make_batch, make_photo, make_user

pytestmark = pytest.mark.django_db

Stage = Photo.Stage
LONG_AGO = timedelta(minutes=1)


def lease_ran_out() -> None:
    Photo.objects.exclude(lease_until=None).update(lease_until=timezone.now() - LONG_AGO)


def test_a_claimed_photo_is_in_one_pair_of_hands(alice):
    make_photo(alice, stage=Stage.DERIVATIVES)

    first = Photo.objects.claim(Stage.DERIVATIVES, limit=10)
    second = Photo.objects.claim(Stage.DERIVATIVES, limit=10)

    assert len(first) == 1
    assert second == []


def test_the_attempt_is_noted_before_the_work_starts(alice):
    photo = make_photo(alice, stage=Stage.DERIVATIVES)

    Photo.objects.claim(Stage.DERIVATIVES, limit=1)

    photo.refresh_from_db()
    assert photo.attempts == 1
    assert photo.lease_until > timezone.now()


def test_a_photo_whose_worker_died_comes_back_alone(alice):
    for _ in range(3):
        make_photo(alice, stage=Stage.FACES)
    assert len(Photo.objects.claim(Stage.FACES, limit=8)) == 3
    lease_ran_out()

    again = Photo.objects.claim(Stage.FACES, limit=8)

    assert len(again) == 1


def test_new_photos_do_not_wait_behind_a_troublesome_one(alice):
    make_photo(alice, stage=Stage.FACES, attempts=1)
    new = make_photo(alice, stage=Stage.FACES)

    assert Photo.objects.claim(Stage.FACES, limit=8) == [new]


def test_a_photo_is_given_up_after_three_attempts(alice):
    photo = make_photo(alice, stage=Stage.FACES)
    for _ in range(MAX_ATTEMPTS):
        assert Photo.objects.claim(Stage.FACES, limit=8) == [photo]
        lease_ran_out()

    assert Photo.objects.claim(Stage.FACES, limit=8) == []
    photo.refresh_from_db()
    assert photo.failure == GAVE_UP


def test_a_retried_photo_gets_all_its_attempts_again(alice):
    photo = make_photo(alice, stage=Stage.FACES, attempts=3, failure=GAVE_UP)

    assert Photo.objects.owned_by(alice).retry() == 1
    assert Photo.objects.claim(Stage.FACES, limit=8) == [photo]


def test_a_retry_is_for_failed_photos_alone_and_they_are_due_at_once(alice):
    soon = timezone.now() + timedelta(minutes=3)
    failed = make_photo(alice, stage=Stage.FACES, attempts=2, failure="broken", lease_until=soon)
    held = make_photo(alice, stage=Stage.FACES, attempts=2, lease_until=soon)

    assert Photo.objects.all().retry() == 1

    assert list(Photo.objects.due(Stage.FACES)) == [failed]
    held.refresh_from_db()
    assert (held.attempts, held.lease_until) == (2, soon)


def test_who_is_given_up_is_in_nobodys_hands_and_only_who_used_all_attempts_is(alice):
    make_photo(alice, stage=Stage.FACES, attempts=MAX_ATTEMPTS, lease_until=timezone.now())
    make_photo(alice, stage=Stage.FACES, attempts=MAX_ATTEMPTS - 1)

    assert Photo.objects.all().give_up() == 1

    assert Photo.objects.failed().get().lease_until is None
    assert Photo.objects.filter(failure="").count() == 1


def test_a_photo_that_is_handed_back_loses_no_attempt_and_one_that_is_postponed_does(alice):
    make_photo(alice, stage=Stage.FACES)
    for act, attempts in ((Photo.hand_back, 0), (lambda photo: photo.postpone(timedelta(minutes=1)), 1)):
        [photo] = Photo.objects.claim(Stage.FACES, limit=1)
        act(photo)
        photo.refresh_from_db()
        assert (photo.attempts, photo.held_by) == (attempts, "")

    assert not Photo.objects.due(Stage.FACES).exists()
    lease_ran_out()
    assert Photo.objects.due(Stage.FACES).exists()


def test_a_photo_that_went_on_is_due_for_the_next_stage_and_nothing_else_can_be_said_of_it(alice):
    make_photo(alice, stage=Stage.FACES)
    [photo] = Photo.objects.claim(Stage.FACES, limit=1)
    [claimed] = Photo.objects.all()

    photo.advance(Stage.GROUPING)
    claimed.hand_back()
    claimed.postpone(timedelta(minutes=1))

    assert claimed.locked_in_our_hands() is None
    due = Photo.objects.due(Stage.GROUPING).get()
    assert (due.attempts, due.lease_until) == (0, None)


def test_a_photo_that_failed_says_why_in_what_there_is_room_for_and_is_nobodys(alice):
    make_photo(alice, stage=Stage.FACES)
    [photo] = Photo.objects.claim(Stage.FACES, limit=1)
    [claimed] = Photo.objects.all()

    photo.fail("Why. " * 100)

    photo.refresh_from_db()
    assert (photo.failure, photo.lease_until) == ("Why. " * 40, None)
    assert photo.locked_in_our_hands() is None
    assert claimed.locked_in_our_hands() is None


@pytest.mark.parametrize(
    ("state", "going_on"),
    [
        (Batch.State.RUNNING, {Stage.DERIVATIVES, Stage.FACES, Stage.GROUPING}),
        (Batch.State.PAUSED, {Stage.GROUPING}),
        (Batch.State.CANCELLED, {Stage.DERIVATIVES, Stage.GROUPING}),
    ],
)
def test_of_a_batch_that_is_held_what_is_found_is_still_grouped_and_what_it_only_has_too_goes_on(
    alice, state, going_on
):
    batch = make_batch(alice, state=state)
    for stage in (Stage.DERIVATIVES, Stage.FACES, Stage.GROUPING):
        brought, there = (make_photo(alice, stage=stage) for _ in range(2))
        for photo, outcome in ((brought, BatchFile.Outcome.STORED), (there, BatchFile.Outcome.DUPLICATE)):
            BatchFile.objects.create(batch=batch, name=photo.name, outcome=outcome, photo=photo)

        assert set(Photo.objects.due(stage)) == ({brought, there} if stage in going_on else {there})


def test_faces_wait_for_their_owners_consent():
    owner = make_user(face_analysis=User.FaceAnalysis.OFF)
    photo = make_photo(owner, stage=Stage.FACES)
    assert Photo.objects.claim(Stage.FACES, limit=8) == []

    User.objects.update(face_analysis=User.FaceAnalysis.ON)

    assert Photo.objects.claim(Stage.FACES, limit=8) == [photo]


def test_thumbnails_need_no_consent():
    photo = make_photo(make_user(face_analysis=User.FaceAnalysis.OFF), stage=Stage.DERIVATIVES)

    assert Photo.objects.claim(Stage.DERIVATIVES, limit=8) == [photo]


def test_results_of_a_lost_lease_are_not_written(alice):
    make_photo(alice, stage=Stage.FACES)
    [slow] = Photo.objects.claim(Stage.FACES, limit=1)
    lease_ran_out()
    [fast] = Photo.objects.claim(Stage.FACES, limit=1)

    assert slow.locked_in_our_hands() is None
    assert fast.locked_in_our_hands() == fast


def test_a_deleted_photo_is_nobodys(alice):
    make_photo(alice, stage=Stage.FACES)
    [photo] = Photo.objects.claim(Stage.FACES, limit=1)
    Photo.objects.all().delete()

    assert photo.locked_in_our_hands() is None


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_share_the_work():
    owner = make_user()
    for _ in range(24):
        make_photo(owner, stage=Stage.FACES)

    def claim(number: int) -> list[int]:
        try:
            return [photo.pk for photo in Photo.objects.claim(Stage.FACES, limit=4)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        claims = [pk for pks in pool.map(claim, range(6)) for pk in pks]

    assert len(claims) == len(set(claims))
    assert Photo.objects.exclude(lease_until=None).count() == len(claims)
