"""What becomes of a file that arrived."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from photos.intake import clean_name, start_batch, take_in
from photos.models import Album, BatchFile, Photo
from photos.uploading import incoming_folder
from tests.pictures import drawing, encoded

Outcome = BatchFile.Outcome


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


def test_the_same_photo_belongs_to_each_owner_apart(alice, bob, arriving):
    of_alice = take_in(start_batch(alice, title="", expected=1), arriving(), name="a.jpg")
    of_bob = take_in(start_batch(bob, title="", expected=1), arriving(), name="a.jpg")

    assert of_bob.outcome == Outcome.STORED
    assert of_bob.photo != of_alice.photo


@pytest.mark.django_db(transaction=True)
def test_the_same_photo_sent_many_times_at_once_is_stored_once(arriving, tmp_path):
    from tests.factories import make_user

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
    ],
)
def test_names_are_text_that_can_be_stored_and_shown(name, cleaned):
    assert clean_name(name) == cleaned


def test_a_name_that_tries_to_be_a_path_stays_a_name(alice, arriving):
    batch = start_batch(alice, title="", expected=1)

    photo = take_in(batch, arriving(), name="../../etc/passwd.jpg").photo

    assert photo.name == "passwd.jpg"
    assert photo.original.name.startswith(f"originals/{alice.pk}/")
