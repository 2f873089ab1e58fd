"""Sending photos over HTTP."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from photos.models import Album, Batch, BatchFile, Photo
from photos.uploading import incoming_folder
from tests.factories import make_batch, make_photo
from tests.pictures import drawing, encoded


def sent(content: bytes, name: str = "IMG_1.jpg") -> SimpleUploadedFile:
    """A file as the test client sends it."""
    return SimpleUploadedFile(name, content)


@pytest.fixture
def batch(alice) -> Batch:
    return make_batch(alice)


def send(client, batch: Batch, content: bytes, name: str = "IMG_1.jpg"):
    url = reverse("photos:batch-file", args=[batch.pk])
    return client.post(url, {"file": sent(content, name.rsplit("/")[-1]), "name": name})


def test_opening_a_batch_makes_its_album(signed_in, alice):
    response = signed_in.post(reverse("photos:batches"), {"title": "Rome", "expected": 3})

    assert response.status_code == 201
    batch = Batch.objects.get(pk=response.json()["id"])
    assert (batch.expected, batch.album.title, batch.owner) == (3, "Rome", alice)
    assert response.json()["upload_url"] == reverse("photos:batch-file", args=[batch.pk])


def test_a_folder_sent_again_goes_on_in_the_same_album(signed_in):
    for _ in range(2):
        signed_in.post(reverse("photos:batches"), {"title": "Rome", "expected": 3})

    assert Album.objects.count() == 1
    assert Batch.objects.count() == 2


def test_a_photo_is_answered_with_its_address(signed_in, batch):
    response = send(signed_in, batch, encoded(drawing()))

    photo = Photo.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "outcome": "stored",
        "name": "IMG_1.jpg",
        "photo": photo.pk,
        "url": photo.get_absolute_url(),
    }


def test_a_duplicate_says_so_and_leads_to_the_photo(signed_in, batch):
    send(signed_in, batch, encoded(drawing()))

    response = send(signed_in, batch, encoded(drawing()), "copy.jpg")

    assert response.status_code == 200
    assert response.json()["message"] == "copy.jpg is already in your library."
    assert response.json()["photo"] == Photo.objects.get().pk


def test_a_bad_file_is_named_with_its_reason_and_the_others_go_on(signed_in, batch):
    bad = send(signed_in, batch, b"Dear diary", "Rome/diary.jpg")
    good = send(signed_in, batch, encoded(drawing()))

    assert bad.status_code == 422
    assert bad.json()["message"] == "Rome/diary.jpg is not a photo Kith can read and was left out."
    assert good.status_code == 201
    assert list(incoming_folder().iterdir()) == []


def test_a_file_over_the_limit_is_413(signed_in, batch, settings):
    settings.KITH_MAX_FILE_BYTES = 1000

    response = send(signed_in, batch, encoded(drawing()))

    assert response.status_code == 413
    assert "is larger than" in response.json()["message"]


def test_a_request_without_a_file_is_told_so(signed_in, batch):
    response = signed_in.post(reverse("photos:batch-file", args=[batch.pk]), {"name": "a.jpg"})

    assert response.status_code == 400


def test_without_javascript_a_form_sends_everything_at_once(signed_in):
    files = [sent(encoded(drawing(seed=1)), "a.jpg"), sent(encoded(drawing(seed=2)), "a.jpg"), sent(b"x", "b.jpg")]

    response = signed_in.post(reverse("photos:upload"), {"files": files, "album": "Rome"})

    batch = Batch.objects.get()
    assert response.url == batch.get_absolute_url()
    assert Album.objects.get().photos.count() == 2
    assert batch.files.filter(outcome=BatchFile.Outcome.REJECTED).count() == 1


def test_the_card_counts_every_stage(signed_in, alice):
    batch = make_batch(alice, expected=7)
    stages = [Photo.Stage.DERIVATIVES, Photo.Stage.FACES, Photo.Stage.GROUPING, Photo.Stage.DONE]
    for number, stage in enumerate(stages):
        small = "" if stage == Photo.Stage.DERIVATIVES else "small.webp"
        photo = make_photo(alice, stage=stage, small=small)
        batch.record(f"{number}.jpg", BatchFile.Outcome.STORED, photo=photo, reason="")
    batch.record("bad.jpg", BatchFile.Outcome.REJECTED, photo=None, reason="is damaged")
    batch.record("twin.jpg", BatchFile.Outcome.DUPLICATE, photo=photo, reason="")

    progress = batch.progress()

    assert (progress.total, progress.kept, progress.uploaded) == (7, 5, 6)
    assert (progress.thumbnails, progress.faces, progress.grouped) == (3, 2, 1)
    assert (progress.duplicates, progress.rejected, progress.is_done) == (1, 1, False)
    assert signed_in.get(reverse("photos:batch-card", args=[batch.pk])).status_code == 200


def test_a_batch_is_done_when_the_last_photo_is_grouped_or_failed(alice):
    batch = make_batch(alice, expected=2)
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=make_photo(alice), reason="")
    failed = make_photo(alice, stage=Photo.Stage.FACES, failure="Too odd.")
    batch.record("b.jpg", BatchFile.Outcome.STORED, photo=failed, reason="")

    assert batch.progress().is_done


def test_a_batch_whose_browser_was_closed_is_done_with_what_arrived(alice):
    from datetime import timedelta

    from django.utils import timezone

    batch = make_batch(alice, expected=100)
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=make_photo(alice), reason="")
    assert not batch.progress().is_done

    batch.files.update(arrived_at=timezone.now() - timedelta(hours=1))

    assert batch.progress().is_done


def test_the_card_tells_the_page_when_there_are_new_thumbnails(signed_in, alice):
    batch = make_batch(alice)
    photo = make_photo(alice, small="s.webp", stage=Photo.Stage.FACES)
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=photo, reason="")
    url = reverse("photos:batch-card", args=[batch.pk])

    assert signed_in.get(url, {"thumbnails": "0"})["HX-Trigger"] == "photos-changed"
    assert "HX-Trigger" not in signed_in.get(url, {"thumbnails": "1"})


def test_failed_photos_can_be_tried_again(signed_in, alice):
    batch = make_batch(alice)
    photo = make_photo(alice, stage=Photo.Stage.FACES, attempts=3, failure="Too odd.")
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=photo, reason="")

    signed_in.post(reverse("photos:batch-retry", args=[batch.pk]))

    photo.refresh_from_db()
    assert (photo.failure, photo.attempts) == ("", 0)


def test_an_upload_is_accepted_while_the_broker_is_away(signed_in, batch, monkeypatch):
    from kombu.exceptions import OperationalError

    def refuse(*args, **kwargs):
        raise OperationalError("no broker")

    monkeypatch.setattr("celery.app.task.Task.apply_async", refuse)

    assert send(signed_in, batch, encoded(drawing())).status_code == 201
    assert Photo.objects.due(Photo.Stage.DERIVATIVES).count() == 1
