"""A lease holds as long as the database session of whoever took it, by the database's clock."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from photos.models import Archive, Photo
from tests.factories import make_batch, make_photo, make_user

Stage = Photo.Stage
PATIENCE = 20  # seconds; a session counts as gone once it would be a second old


def claim_elsewhere(pool, limit=8):
    return pool.submit(lambda: Photo.objects.claim(Stage.FACES, limit=limit)).result()


@pytest.mark.django_db(transaction=True)
def test_photos_of_a_worker_that_died_are_due_at_once_and_those_of_one_that_lives_are_not():
    make_photo(make_user(), stage=Stage.FACES)
    with ThreadPoolExecutor(1) as worker:
        [claimed] = claim_elsewhere(worker)
        time.sleep(1.1)
        assert not Photo.objects.due(Stage.FACES).exists()

        worker.submit(lambda: connection.close()).result()
        end = time.monotonic() + PATIENCE
        while not Photo.objects.due(Stage.FACES).exists() and time.monotonic() < end:
            time.sleep(0.05)

    [again] = Photo.objects.claim(Stage.FACES, limit=8)
    assert (again.pk, again.attempts) == (claimed.pk, 2)


@pytest.mark.django_db
def test_whose_session_is_gone_holds_nothing(alice):
    photo = make_photo(alice, stage=Stage.FACES)
    archive = Archive.objects.create(batch=make_batch(alice), name="a.zip", sha256="0" * 64)
    Photo.objects.claim(Stage.FACES, limit=1)
    Archive.objects.claim()
    assert Archive.objects.claim() is None

    for rows in (Photo.objects, Archive.objects):
        rows.update(held_by="1@1000000000.5")

    assert list(Photo.objects.due(Stage.FACES)) == [photo]
    assert list(Archive.objects.due()) == [archive]


@pytest.mark.django_db
def test_a_session_too_young_to_be_on_the_list_is_not_taken_for_gone(alice):
    make_photo(alice, stage=Stage.FACES)
    Photo.objects.claim(Stage.FACES, limit=1)

    Photo.objects.update(held_by=f"1@{time.time() + 5}")

    assert not Photo.objects.due(Stage.FACES).exists()


@pytest.mark.django_db
def test_a_pause_ends_with_its_time_and_with_no_session(alice):
    make_photo(alice, stage=Stage.FACES)
    [photo] = Photo.objects.claim(Stage.FACES, limit=1)

    photo.hand_back(pause=timedelta(seconds=60))

    assert Photo.objects.get().held_by == ""
    assert not Photo.objects.due(Stage.FACES).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("days", [-1, 1])
def test_the_clock_of_a_worker_does_not_count(alice, days, monkeypatch):
    make_photo(alice, stage=Stage.FACES)
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=days))

    [photo] = Photo.objects.claim(Stage.FACES, limit=1)

    assert Photo.objects.claim(Stage.FACES, limit=1) == []
    assert photo.locked_in_our_hands() == photo
    photo.hand_back(pause=timedelta(seconds=60))
    assert not Photo.objects.due(Stage.FACES).exists()


@pytest.mark.django_db
def test_a_database_whose_clock_was_set_back_waits_for_no_lease_of_tomorrow(alice):
    photo = make_photo(alice, stage=Stage.FACES, attempts=1)
    tomorrow = timezone.now() + timedelta(days=1)
    Photo.objects.update(lease_until=tomorrow)

    assert list(Photo.objects.due(Stage.FACES)) == [photo]
