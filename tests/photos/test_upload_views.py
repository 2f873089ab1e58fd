"""Sending photos over HTTP."""

import errno

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from photos.models import Album, Batch, BatchFile, Photo
from photos.storage import DurableStorage
from photos.uploading import IncomingFile, incoming_folder
from tests.factories import make_album, make_batch, make_face, make_photo
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


def test_the_same_file_twice_in_a_form_is_not_waited_for(signed_in):
    files = [sent(encoded(drawing()), "a.jpg"), sent(encoded(drawing()), "a.jpg")]

    signed_in.post(reverse("photos:upload"), {"files": files})

    assert (Batch.objects.get().expected, Batch.objects.get().progress().uploaded) == (1, 1)


def test_names_that_look_the_same_are_two_files_of_a_form(signed_in):
    files = [sent(encoded(drawing(seed=1)), "\u00e9.jpg"), sent(encoded(drawing(seed=2)), "e\u0301.jpg")]

    signed_in.post(reverse("photos:upload"), {"files": files})

    assert Batch.objects.get().progress().stored == 2


def test_more_files_than_a_form_may_send_is_said_in_a_sentence(signed_in, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3

    response = signed_in.post(reverse("photos:upload"), {"files": [sent(b"x", f"{n}.jpg") for n in range(5)]})

    assert response.status_code == 422
    assert "Choose up to 3." in response.content.decode()
    assert list(incoming_folder().iterdir()) == []


def test_one_file_the_disk_refuses_does_not_stop_the_form(signed_in, monkeypatch):
    save = DurableStorage._save

    def refuse_first(*args):
        monkeypatch.setattr(DurableStorage, "_save", save)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DurableStorage, "_save", refuse_first)
    files = [sent(encoded(drawing(seed=n)), f"{n}.jpg") for n in range(3)]

    signed_in.post(reverse("photos:upload"), {"files": files})

    assert Photo.objects.count() == 2
    assert BatchFile.objects.get(photo=None).reason == "could not be stored: the disk is full"
    assert list(incoming_folder().iterdir()) == []


class FullDisk:
    """An open file on a full disk."""

    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, chunk):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_fills_up_while_a_file_arrives_is_507_and_names_it(signed_in, batch, monkeypatch):
    opened = IncomingFile._opened
    monkeypatch.setattr(IncomingFile, "_opened", lambda incoming: FullDisk(opened(incoming)))

    response = send(signed_in, batch, encoded(drawing()), "Rome/IMG_1.jpg")

    assert response.status_code == 507
    assert response.json()["message"] == "Rome/IMG_1.jpg could not be stored: the disk is full."
    assert list(incoming_folder().iterdir()) == []


def test_a_media_folder_that_cannot_be_made_is_told_too(signed_in, batch, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file"

    response = send(signed_in, batch, encoded(drawing()))

    assert response.status_code == 500
    assert response.json()["message"] == "IMG_1.jpg could not be stored: the disk has a problem."


@pytest.mark.parametrize("address", ["/sign-in/", "/upload/", "/batches/1/files/", "/people/", "/nowhere/"])
def test_a_stranger_writes_nothing_to_the_disk(client, alice, monkeypatch, address):
    monkeypatch.setattr(IncomingFile, "_opened", lambda incoming: pytest.fail("a part was opened"))

    client.post(address, {"username": "x", "password": "y", "file": sent(b"x" * 100_000)})


def test_other_addresses_take_no_files_but_read_the_rest_of_the_form(signed_in, alice, monkeypatch):
    monkeypatch.setattr(IncomingFile, "_opened", lambda incoming: pytest.fail("a part was opened"))

    signed_in.post(reverse("photos:batches"), {"file": sent(b"x"), "title": "Rome", "expected": 3})

    assert Batch.objects.get().title == "Rome"


@pytest.mark.parametrize("url", ["/upload/", "/batches/{}/files/"])
def test_a_file_without_the_forms_token_is_refused(alice, batch, url):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = client.post(url.format(batch.pk), {"file": sent(encoded(drawing())), "files": sent(b"x")})

    assert response.status_code == 403
    assert Photo.objects.count() == 0
    assert list(incoming_folder().iterdir()) == []


def test_a_file_with_the_token_of_the_page_is_taken(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.get(reverse("photos:upload"))
    token = client.cookies["csrftoken"].value

    client.post(reverse("photos:upload"), {"csrfmiddlewaretoken": token, "files": sent(encoded(drawing()))})

    assert Photo.objects.count() == 1


def test_a_file_under_another_fields_name_leaves_nothing(signed_in, batch):
    signed_in.post(reverse("photos:batch-file", args=[batch.pk]), {"other": sent(b"x")})

    assert list(incoming_folder().iterdir()) == []


def test_somebody_elses_batch_leaves_nothing(signed_in, bob):
    assert send(signed_in, make_batch(bob), encoded(drawing())).status_code == 404
    assert list(incoming_folder().iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(signed_in, batch):
    start = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = start + encoded(drawing())[:2000]
    url = reverse("photos:batch-file", args=[batch.pk])

    response = signed_in.generic("POST", url, body, content_type="multipart/form-data; boundary=b")

    assert response.status_code == 400
    assert list(incoming_folder().iterdir()) == []


def test_an_error_in_a_view_leaves_nothing(signed_in, batch, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("photos.views.upload.take_in", fail)
    with pytest.raises(RuntimeError):
        send(signed_in, batch, encoded(drawing()))

    assert list(incoming_folder().iterdir()) == []


def test_a_photo_sent_under_two_names_is_shown_once(signed_in, batch):
    for name in ("a.jpg", "b.jpg"):
        send(signed_in, batch, encoded(drawing()), name)

    response = signed_in.get(batch.get_absolute_url())

    assert [photo.name for month in response.context["months"] for photo in month.photos] == ["a.jpg"]


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


def test_with_faces_off_a_failed_photo_does_not_stand_for_another(alice):
    alice.face_analysis = alice.FaceAnalysis.OFF
    alice.save()
    batch = make_batch(alice, expected=2)
    failed = make_photo(alice, stage=Photo.Stage.FACES, small="s.webp", failure="Too odd.")
    batch.record("a.jpg", BatchFile.Outcome.STORED, photo=failed, reason="")
    waiting = make_photo(alice, stage=Photo.Stage.DERIVATIVES)
    batch.record("b.jpg", BatchFile.Outcome.STORED, photo=waiting, reason="")
    assert not batch.progress().is_done

    waiting.small = "s.webp"
    waiting.advance(Photo.Stage.FACES)
    waiting.save()

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

    assert signed_in.get(url, {"thumbnails": "0", "faces": "0"})["HX-Trigger"] == "photos-changed"
    assert signed_in.get(url, {"thumbnails": "1", "faces": "2"})["HX-Trigger"] == "faces-changed"
    assert "HX-Trigger" not in signed_in.get(url, {"thumbnails": "1", "faces": "0"})


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


def test_a_paused_batch_is_not_worked_on_and_others_are(signed_in, alice):
    paused, other = make_batch(alice), make_batch(alice)
    photos = []
    for batch, stage in ((paused, Photo.Stage.DERIVATIVES), (paused, Photo.Stage.FACES), (other, Photo.Stage.FACES)):
        photos.append(make_photo(alice, stage=stage))
        batch.record(photos[-1].name, BatchFile.Outcome.STORED, photo=photos[-1], reason="")
    url = reverse("photos:batch-state", args=[paused.pk])

    signed_in.post(url, {"state": "paused"})

    assert not Photo.objects.due(Photo.Stage.DERIVATIVES).exists()
    assert list(Photo.objects.due(Photo.Stage.FACES)) == [photos[2]]
    assert "Resume" in signed_in.get(reverse("photos:batch-card", args=[paused.pk])).content.decode()

    signed_in.post(url, {"state": "running"})

    assert Photo.objects.claim(Photo.Stage.DERIVATIVES, limit=5) == [photos[0]]
    assert Photo.objects.due(Photo.Stage.FACES).count() == 2


def test_a_cancelled_batch_is_over_keeps_its_photos_and_can_be_continued(signed_in, alice):
    batch = make_batch(alice, expected=100)
    waiting, seen = make_photo(alice, stage=Photo.Stage.DERIVATIVES), make_photo(alice, stage=Photo.Stage.FACES)
    for photo in (waiting, seen):
        batch.record(photo.name, BatchFile.Outcome.STORED, photo=photo, reason="")

    response = signed_in.post(
        reverse("photos:batch-state", args=[batch.pk]), {"state": "cancelled"}, headers={"HX-Request": "true"}
    )

    assert "Continue" in response.content.decode()
    batch.refresh_from_db()
    assert (batch.progress().is_done, batch.progress().total) == (True, 2)
    assert list(Photo.objects.due(Photo.Stage.DERIVATIVES)) == [waiting]  # it still gets its thumbnail
    assert not Photo.objects.due(Photo.Stage.FACES).exists()


def test_a_photo_of_two_batches_waits_only_for_the_one_that_stored_it(alice):
    photo = make_photo(alice, stage=Photo.Stage.FACES)
    first, second = make_batch(alice), make_batch(alice)
    first.record("a.jpg", BatchFile.Outcome.STORED, photo=photo, reason="")
    second.record("a.jpg", BatchFile.Outcome.DUPLICATE, photo=photo, reason="")

    second.hold(Batch.State.PAUSED)

    assert Photo.objects.due(Photo.Stage.FACES).exists()


def test_a_state_nobody_knows_changes_nothing(signed_in, batch):
    signed_in.post(reverse("photos:batch-state", args=[batch.pk]), {"state": "broken"})

    batch.refresh_from_db()
    assert batch.state == Batch.State.RUNNING


def in_album(batch: Batch, album: Album, **fields) -> Photo:
    photo = make_photo(batch.owner, **fields)
    album.photos.add(photo)
    batch.record(photo.name, BatchFile.Outcome.STORED, photo=photo, reason="")
    return photo


def renamed(client, batch: Batch, title: str) -> Batch:
    client.post(reverse("photos:batch-album", args=[batch.pk]), {"title": title})
    return Batch.objects.get(pk=batch.pk)


def test_the_album_of_a_batch_is_renamed_with_it(signed_in, alice):
    album = make_album(alice, "DCIM")
    batch = make_batch(alice, album=album, title="DCIM")
    in_album(batch, album)

    batch = renamed(signed_in, batch, " Lake Como ")

    assert (batch.title, batch.album.title, batch.album.pk) == ("Lake Como", "Lake Como", album.pk)
    assert Album.objects.count() == 1


def test_where_an_album_of_the_new_name_exists_the_photos_move_there(signed_in, alice):
    old, new = make_album(alice, "DCIM"), make_album(alice, "Como")
    batch = make_batch(alice, album=old)
    moved = in_album(batch, old)
    stays = make_photo(alice)
    old.photos.add(stays)

    batch = renamed(signed_in, batch, "Como")

    assert batch.album == new
    assert (list(new.photos.all()), list(old.photos.all())) == ([moved], [stays])


def test_an_album_that_another_batch_shares_keeps_its_name(signed_in, alice):
    album = make_album(alice, "DCIM")
    make_batch(alice, album=album)
    batch = make_batch(alice, album=album)
    moved = in_album(batch, album)

    renamed(signed_in, batch, "Como")

    assert list(Album.objects.get(title="Como").photos.all()) == [moved]
    assert Album.objects.filter(title="DCIM").exists()


def test_photos_leave_their_album_for_an_empty_name_but_not_those_that_were_there_before(signed_in, alice):
    album = make_album(alice, "DCIM")
    batch = make_batch(alice, album=album)
    in_album(batch, album)
    known = make_photo(alice)
    album.photos.add(known)
    batch.record("twin.jpg", BatchFile.Outcome.DUPLICATE, photo=known, reason="")

    batch = renamed(signed_in, batch, "")

    assert batch.album is None
    assert list(album.photos.all()) == [known]


def test_the_page_of_a_batch_costs_the_same_number_of_queries_for_any_number_of_files(
    signed_in, alice, django_assert_max_num_queries
):
    batch = make_batch(alice, expected=30)
    for number in range(20):
        photo = make_photo(alice)
        batch.record(photo.name, BatchFile.Outcome.STORED, photo=photo, reason="")
        batch.record(f"{number}.txt", BatchFile.Outcome.REJECTED, photo=None, reason="is empty and was left out")
        batch.record(f"{number}.jpg", BatchFile.Outcome.DUPLICATE, photo=photo, reason="")

    with django_assert_max_num_queries(18):
        signed_in.get(batch.get_absolute_url())
    with django_assert_max_num_queries(7):
        signed_in.get(reverse("photos:batch-card", args=[batch.pk]))


def test_a_photo_that_was_searched_in_vain_says_so_and_one_that_waits_does_too(signed_in, alice):
    batch = make_batch(alice, expected=3)
    none = make_photo(alice, small="s.webp")
    pending = make_photo(alice, small="s.webp", stage=Photo.Stage.FACES)
    found = make_photo(alice, small="s.webp")
    make_face(found)
    for photo in (none, pending, found):
        batch.record(photo.name, BatchFile.Outcome.STORED, photo=photo, reason="")

    response = signed_in.get(batch.get_absolute_url())

    shown = {photo.pk: photo.state_text for month in response.context["months"] for photo in month.photos}
    assert shown == {none.pk: "No faces", pending.pk: "Faces pending", found.pk: ""}


def test_only_so_many_files_left_out_are_listed(signed_in, alice, monkeypatch):
    monkeypatch.setattr("photos.views.upload.REMARKS_SHOWN", 2)
    batch = make_batch(alice, expected=3)
    for number in range(3):
        batch.record(f"{number}.txt", BatchFile.Outcome.REJECTED, photo=None, reason="is empty and was left out")

    page = signed_in.get(batch.get_absolute_url()).content.decode()

    assert "These are the first 2 of 3." in page
    assert "2.txt" not in page
