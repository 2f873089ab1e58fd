"""Thumbnails and metadata of stored photos."""

import errno
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from photos.derivatives import make_derivatives
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.pictures import drawing, encoded


@pytest.fixture
def stored(alice, arriving) -> Photo:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:08:01 23:30:00"
    content = encoded(drawing(3000, 2000), exif=exif)
    return take_in(start_batch(alice, title="", expected=1), arriving(content), name="a.jpg").photo


def test_a_photo_gets_thumbnails_and_the_cameras_date(stored):
    assert make_due_derivatives() == 1

    stored.refresh_from_db()
    with Image.open(stored.small.path) as small, Image.open(stored.large.path) as large:
        assert max(small.size) == 720
        assert max(large.size) == 2048
    assert stored.stage == Photo.Stage.FACES
    assert stored.taken_at == datetime(2019, 8, 1, 23, 30, tzinfo=UTC)
    assert stored.taken_at_source == Photo.DateSource.CAMERA
    assert stored.perceptual_hash is not None


def test_a_message_delivered_twice_changes_nothing(stored):
    make_due_derivatives()
    stored.refresh_from_db()

    assert make_due_derivatives() == 0
    assert Photo.objects.get(pk=stored.pk).small == stored.small


def test_a_twin_worker_that_is_late_writes_nothing(stored):
    [late] = Photo.objects.claim(Photo.Stage.DERIVATIVES, limit=1)
    Photo.objects.update(lease_until=None)
    make_due_derivatives()

    assert make_derivatives(late) is False
    assert Photo.objects.get().stage == Photo.Stage.FACES


def test_a_photo_whose_original_vanished_says_so(stored):
    Path(stored.original.path).unlink()

    make_due_derivatives()

    stored.refresh_from_db()
    assert "missing" in stored.failure


def test_an_original_that_rotted_fails_alone(stored, arriving):
    batch = stored.batch_files.get().batch
    take_in(batch, arriving(encoded(drawing(seed=1))), name="b.jpg")
    Path(stored.original.path).write_bytes(b"rotten")

    assert make_due_derivatives() == 1

    stored.refresh_from_db()
    assert stored.failure == "Its original cannot be decoded any more."
    assert stored.state_text == "Failed"


@pytest.mark.parametrize("broken", ["photos.derivatives.incoming_folder", "photos.storage.DurableStorage._save"])
def test_a_full_disk_hands_photos_back_and_fails_none(stored, monkeypatch, broken):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(broken, full)
        assert make_due_derivatives() == 0

    stored.refresh_from_db()
    assert (stored.failure, stored.attempts, stored.lease_until) == ("", 0, None)
    assert make_due_derivatives() == 1


def test_a_disk_that_fills_up_between_two_photos_keeps_the_first(stored, arriving, monkeypatch):
    batch = stored.batch_files.get().batch
    take_in(batch, arriving(encoded(drawing(seed=1))), name="b.jpg")
    made = []

    def make(photo):
        if made:
            raise OSError(errno.ENOSPC, "No space left on device")
        made.append(photo)
        return make_derivatives(photo)

    monkeypatch.setattr("photos.tasks.make_derivatives", make)

    assert make_due_derivatives() == 1
    assert Photo.objects.at_stage(Photo.Stage.FACES).get() == stored
    assert Photo.objects.due(Photo.Stage.DERIVATIVES).get().attempts == 0


def test_a_full_disk_does_not_make_the_worker_spin(stored, monkeypatch):
    wakeups = []
    monkeypatch.setattr("photos.tasks.wake_derivatives", lambda: wakeups.append(1))
    monkeypatch.setattr("photos.derivatives.incoming_folder", lambda: Path("/nowhere"))

    make_due_derivatives()

    assert wakeups == []
