"""What becomes of a file that arrived."""

import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from photos import decoding
from photos.intake import NotStored, clean_name, start_batch, take_in
from photos.models import Album, BatchFile, Photo
from photos.storage import DurableStorage
from photos.uploading import incoming_folder
from tests.factories import make_user
from tests.pictures import drawing, encoded

Outcome = BatchFile.Outcome


def raising(error: Exception):
    def fail(*args, **kwargs):
        raise error

    return fail


def test_a_photo_is_stored_with_its_bytes_unchanged(alice, arriving):
    content = encoded(drawing())
    batch = start_batch(alice, title="", expected=1)

    file = take_in(batch, arriving(content), name="IMG_1.jpg")

    photo = file.photo
    assert file.outcome == Outcome.STORED
    assert Path(photo.original.path).read_bytes() == content
    assert photo.sha256 == hashlib.sha256(content).hexdigest()
    assert (photo.width, photo.height, photo.media_type) == (640, 480, "image/jpeg")
    assert photo.stage == Photo.Stage.DERIVATIVES


def test_nothing_is_left_in_the_incoming_folder(alice, arriving):
    batch = start_batch(alice, title="", expected=3)

    for content, name in ((None, "good.jpg"), (None, "again.jpg"), (b"no picture", "bad.jpg")):
        take_in(batch, arriving(content), name=name)

    assert list(incoming_folder().iterdir()) == []


def test_known_content_is_a_duplicate_and_still_joins_the_album(alice, arriving):
    first = take_in(start_batch(alice, title="", expected=1), arriving(), name="a.jpg")
    batch = start_batch(alice, title="Summer", expected=1)

    again = take_in(batch, arriving(), name="b.jpg")

    assert again.outcome == Outcome.DUPLICATE
    assert again.photo == first.photo
    assert list(Album.objects.get(title="Summer").photos.all()) == [first.photo]


def test_a_file_sent_again_because_the_answer_got_lost_is_no_duplicate(alice, arriving):
    batch = start_batch(alice, title="", expected=1)
    take_in(batch, arriving(), name="a.jpg")

    again = take_in(batch, arriving(), name="a.jpg")

    assert again.outcome == Outcome.STORED
    assert batch.files.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_file_sent_again_while_the_first_request_still_runs_is_no_duplicate(arriving, monkeypatch):
    batch = start_batch(make_user(), title="", expected=1)
    first, resent = arriving(), arriving()
    inspect = decoding.inspect

    def inspect_while_it_is_sent_again(*args, **kwargs):
        monkeypatch.setattr(decoding, "inspect", inspect)
        take_in(batch, resent, name="a.jpg")
        return inspect(*args, **kwargs)

    monkeypatch.setattr(decoding, "inspect", inspect_while_it_is_sent_again)

    assert take_in(batch, first, name="a.jpg").outcome == Outcome.STORED
    assert (batch.progress().stored, batch.progress().duplicates) == (1, 0)


def test_two_files_of_one_name_are_two(alice, arriving):
    batch = start_batch(alice, title="", expected=2)

    for seed in (1, 2):
        take_in(batch, arriving(encoded(drawing(seed=seed))), name="IMG_1.jpg")

    assert (batch.progress().uploaded, batch.progress().stored) == (2, 2)


def test_a_rejection_stays_when_a_good_file_of_that_name_follows(alice, arriving):
    batch = start_batch(alice, title="", expected=2)

    take_in(batch, arriving(b"no picture"), name="IMG_1.jpg")
    take_in(batch, arriving(), name="IMG_1.jpg")

    assert (batch.progress().rejected, batch.progress().stored) == (1, 1)


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "the disk has a problem")]
)
def test_a_file_the_disk_refuses_is_named_and_can_be_sent_again(alice, arriving, monkeypatch, number, reason):
    batch = start_batch(alice, title="", expected=1)
    with monkeypatch.context() as patched:
        patched.setattr(DurableStorage, "_save", raising(OSError(number, "No.")))
        with pytest.raises(NotStored, match=f"a.jpg could not be stored: {reason}."):
            take_in(batch, arriving(), name="a.jpg")

    assert list(incoming_folder().iterdir()) == []
    assert take_in(batch, arriving(), name="a.jpg").outcome == Outcome.STORED


def test_a_decoding_process_that_does_not_start_is_not_put_on_the_disk(alice, arriving, monkeypatch):
    monkeypatch.setattr(decoding, "inspect", raising(OSError("The decoding process does not start.")))

    with pytest.raises(NotStored, match="could not be looked at"):
        take_in(start_batch(alice, title="", expected=1), arriving(), name="a.jpg")


def test_the_same_photo_belongs_to_each_owner_apart(alice, bob, arriving):
    of_alice = take_in(start_batch(alice, title="", expected=1), arriving(), name="a.jpg")
    of_bob = take_in(start_batch(bob, title="", expected=1), arriving(), name="a.jpg")

    assert of_bob.outcome == Outcome.STORED
    assert of_bob.photo != of_alice.photo


@pytest.mark.django_db(transaction=True)
def test_the_same_photo_sent_many_times_at_once_is_stored_once(arriving, tmp_path):
    batch = start_batch(make_user(), title="", expected=6)
    incoming = [arriving() for _ in range(6)]

    def take(number: int) -> str:
        try:
            return take_in(batch, incoming[number], name=f"{number}.jpg").outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(take, range(6)))

    assert sorted(outcomes) == [Outcome.DUPLICATE] * 5 + [Outcome.STORED]
    assert Photo.objects.count() == 1


def test_a_file_over_the_size_limit_is_left_out(alice, arriving, settings):
    settings.KITH_MAX_FILE_BYTES = 1000
    batch = start_batch(alice, title="", expected=1)

    file = take_in(batch, arriving(), name="huge.jpg")

    assert file.outcome == Outcome.REJECTED
    assert file.reason.startswith("is larger than")
    assert Photo.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../x.jpg", "../../x.jpg"),
        ("a\0b\nc.jpg", "abc.jpg"),
        ("Zo\u0065\u0301.jpg", "Zo\u00e9.jpg"),
        ("\ud800.jpg", "?.jpg"),
        ("  .jpg ", ".jpg"),
        ("a\u202egpj.exe.jpg", "agpj.exe.jpg"),
        ("\u2067b\u2069.jpg", "b.jpg"),
    ],
)
def test_names_are_text_that_can_be_stored_and_shown(name, cleaned):
    assert clean_name(name) == cleaned


def test_a_name_that_tries_to_be_a_path_stays_a_name(alice, arriving):
    batch = start_batch(alice, title="", expected=1)

    photo = take_in(batch, arriving(), name="../../etc/passwd.jpg").photo

    assert photo.name == "passwd.jpg"
    assert photo.original.name.startswith(f"originals/{alice.pk}/")
