"""ZIP archives: taken apart as if each photo had been sent alone, and harmless whatever is in them."""

import errno
import os
import time
import tracemalloc
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from photos import archives, tasks, unpacking
from photos.intake import keep_archive, start_batch
from photos.models import Album, Archive, Batch, BatchFile, Photo
from photos.storage import DurableStorage
from photos.uploading import IncomingFile, incoming_folder
from tests.photos.zips import declaring, overlapping, patched, with_link, zipped
from tests.pictures import drawing, encoded

Outcome = BatchFile.Outcome


def photo_bytes(seed: int = 0) -> bytes:
    return encoded(drawing(64, 48, seed=seed))


@pytest.fixture
def batch(alice) -> Batch:
    return start_batch(alice, title="Photos-001", expected=1, has_album=False)


def keep(batch: Batch, content: bytes, name: str = "Photos-001.zip") -> Archive:
    incoming = IncomingFile(name, may_be_archive=True)
    incoming.receive(content)
    incoming.finish()
    return keep_archive(batch, incoming, name=name)


@pytest.fixture
def unpack_all(db, django_capture_on_commit_callbacks):
    """Works as the worker does, until nothing is due."""

    def work() -> None:
        for _ in range(100):
            with django_capture_on_commit_callbacks(execute=True):
                found = tasks.unpack_archives()
            if not found:
                return
        pytest.fail("There is always more to unpack.")

    return work


def outcomes(batch: Batch) -> dict[str, str]:
    """Name -> the reason why it was left out, or what it became."""
    return {file.name.partition("/")[2] or file.name: file.reason or file.outcome for file in batch.files.all()}


def files_under(folder: str) -> list[Path]:
    return [path for path in (Path(incoming_folder()).parent / folder).rglob("*") if path.is_file()]


def test_every_photo_in_it_is_taken_in_and_its_bytes_are_unchanged(batch, unpack_all):
    keep(batch, zipped({"Rome/1.jpg": photo_bytes(1), "Rome/day 2/2.jpg": photo_bytes(2), "3.jpg": photo_bytes(3)}))

    unpack_all()

    assert outcomes(batch) == {"Rome/1.jpg": "stored", "Rome/day 2/2.jpg": "stored", "3.jpg": "stored"}
    assert Path(Photo.objects.get(name="2.jpg").original.path).read_bytes() == photo_bytes(2)
    assert files_under("archives") == files_under("incoming") == []


def test_its_folders_are_albums_and_loose_photos_are_in_one_of_its_name(batch, unpack_all):
    keep(batch, zipped({"Rome/1.jpg": photo_bytes(1), "Paris/2.jpg": photo_bytes(2), "3.jpg": photo_bytes(3)}))

    unpack_all()

    photos_of = {album.title: [photo.name for photo in album.photos.all()] for album in Album.objects.all()}
    assert photos_of == {"Rome": ["1.jpg"], "Paris": ["2.jpg"], "Photos-001": ["3.jpg"]}


def test_an_album_the_user_chose_takes_all_of_it(alice, unpack_all):
    batch = start_batch(alice, title="Holidays", expected=1)
    keep(batch, zipped({"Rome/1.jpg": photo_bytes(1), "2.jpg": photo_bytes(2)}))

    unpack_all()

    assert Album.objects.get().photos.count() == 2


def test_a_photo_the_library_has_is_a_duplicate(batch, alice, unpack_all):
    other = start_batch(alice, title="", expected=1)
    keep(other, zipped({"1.jpg": photo_bytes()}))
    keep(batch, zipped({"1.jpg": photo_bytes(), "Rome/same.jpg": photo_bytes()}))

    unpack_all()

    assert outcomes(batch) == {"1.jpg": "duplicate", "Rome/same.jpg": "duplicate"}
    assert Photo.objects.count() == 1


def test_what_is_no_photo_is_named_and_what_the_computer_put_there_is_not(batch, unpack_all):
    keep(
        batch,
        zipped(
            {
                "Rome/1.jpg": photo_bytes(),
                "Rome/notes.txt": b"Dear diary",
                "Rome/IMG_1.jpg.json": b"{}",
                "Rome/disguised.jpg": b"Dear diary",
                "Rome/more.zip": zipped({"2.jpg": photo_bytes(2)}),
                "__MACOSX/Rome/._1.jpg": b"x",
                "Rome/.DS_Store": b"x",
                "Rome/Thumbs.db": b"x",
                "Rome/empty/": b"",
            }
        ),
    )

    unpack_all()

    assert outcomes(batch) == {
        "Rome/1.jpg": "stored",
        "Rome/notes.txt": archives.NOT_A_PHOTO,
        "Rome/IMG_1.jpg.json": archives.NOT_A_PHOTO,
        "Rome/disguised.jpg": "is not a photo Kith can read and was left out",
        "Rome/more.zip": archives.IS_NESTED,
    }


SLIPS = [
    "../../slip.jpg",
    "/etc/slip.jpg",
    "C:\\Windows\\slip.jpg",
    "..\\..\\slip.jpg",
    "a\n/../slip.jpg",
    "\u202egpj.jpg",
]


@pytest.mark.parametrize("name", SLIPS)
def test_a_name_that_leads_elsewhere_is_only_a_label(batch, settings, name, unpack_all):
    keep(batch, zipped({name: photo_bytes()}))

    unpack_all()

    photo = Photo.objects.get()
    assert Path(photo.original.path).is_relative_to(settings.MEDIA_ROOT / "originals")
    assert "/" not in photo.name and "\\" not in photo.name and "\n" not in photo.name
    assert list(settings.MEDIA_ROOT.parent.rglob("slip*")) == []
    assert not {album.title for album in Album.objects.all()} & {".", "..", "C:", ""}


def test_a_link_is_not_followed(batch, unpack_all):
    keep(batch, with_link("secret.jpg", "/etc/passwd"))

    unpack_all()

    assert outcomes(batch) == {"secret.jpg": archives.IS_LINK}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"flags": 1}, archives.IS_LOCKED),
        ({"method": 99}, archives.PACKED_ODDLY),
        ({"method": zipfile.ZIP_LZMA}, archives.PACKED_ODDLY),
        ({"size": 0xFFFFFFF0}, "is larger than 200 MB and was left out"),
    ],
)
def test_an_entry_nobody_can_unpack_is_named_with_the_reason(batch, changes, reason, unpack_all):
    keep(batch, patched(zipped({"1.jpg": photo_bytes()}), **changes))

    unpack_all()

    assert outcomes(batch) == {"1.jpg": reason}


def test_an_entry_with_other_bytes_than_its_checksum_says_is_damaged_and_the_others_are_fine(batch, unpack_all):
    content = photo_bytes(1)
    archive = zipped({"bad.jpg": content, "good.jpg": photo_bytes(2)}, method=zipfile.ZIP_STORED)
    keep(batch, archive.replace(content, content[:-30] + bytes(30)))

    unpack_all()

    assert outcomes(batch) == {"bad.jpg": archives.IS_DAMAGED, "good.jpg": "stored"}
    assert files_under("incoming") == []


def test_a_stream_that_holds_more_than_it_says_is_cut_at_what_it_says(batch, unpack_all):
    keep(batch, patched(zipped({"1.bmp": bytes(5_000_000)}), size=1000))

    unpack_all()

    assert outcomes(batch) == {"1.bmp": archives.IS_DAMAGED}


def test_ten_gigabytes_of_zeros_are_refused_without_writing_them(batch, settings, unpack_all):
    settings.KITH_MAX_FILE_BYTES = 40 * 1024**2
    zeros = zipped([(f"{n}.bmp", bytes(30 * 1024**2)) for n in range(3)])
    archive = keep(batch, zeros)

    unpack_all()

    assert len(zeros) * archives.MOST_TIMES_LARGER < 90 * 1024**2
    assert outcomes(batch) == {archive.name: "would become more than 100 times as large. Nothing was taken from it"}
    assert files_under("archives") == []


def test_entries_that_share_their_bytes_are_refused(batch, unpack_all):
    archive = keep(batch, overlapping(2000, 1_000_000))

    unpack_all()

    assert outcomes(batch)[archive.name].startswith("is built to do harm")


@pytest.mark.parametrize("entries", [100_000, 200_000_000])
def test_a_directory_that_would_fill_the_memory_is_not_read(batch, entries, unpack_all):
    archive = keep(batch, declaring(entries))
    tracemalloc.start()

    unpack_all()

    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert outcomes(batch)[archive.name].startswith("holds more than 50,000 files")


def test_as_many_small_files_as_are_taken_at_most_are_listed(batch, monkeypatch, unpack_all):
    monkeypatch.setattr(archives, "MOST_ENTRIES", 100)
    archive = keep(batch, zipped([(f"{n}.jpg", b"") for n in range(101)]))

    unpack_all()

    assert outcomes(batch)[archive.name].startswith("holds more than 100 files")


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(1000)])
def test_what_only_begins_like_an_archive_is_refused(batch, content, unpack_all):
    archive = keep(batch, content)

    unpack_all()

    assert "cannot" in outcomes(batch)[archive.name] or "not an archive" in outcomes(batch)[archive.name]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_an_archive_that_was_cut_off_is_refused(batch, part, unpack_all):
    whole = zipped({"1.jpg": photo_bytes()})
    archive = keep(batch, whole[: int(len(whole) * part)])

    unpack_all()

    assert list(outcomes(batch)) == [archive.name]
    assert files_under("archives") == []


def test_an_empty_archive_is_no_trouble(batch, unpack_all):
    keep(batch, zipped({}))

    unpack_all()

    assert batch.progress().is_done


def test_the_same_name_twice_is_two_photos_and_folders_may_be_deep(batch, unpack_all):
    deep = "/".join(["d"] * 200) + "/3.jpg"
    keep(batch, zipped([("1.jpg", photo_bytes(1)), ("1.jpg", photo_bytes(2)), (deep, photo_bytes(3))]))

    unpack_all()

    assert Photo.objects.count() == 3
    assert batch.progress().stored == 3


def test_the_card_counts_what_is_in_it_as_soon_as_it_is_open(batch, monkeypatch):
    monkeypatch.setattr(unpacking, "SLICE_SECONDS", -1)  # nothing but opening it
    keep(batch, zipped({f"{n}.jpg": photo_bytes(n) for n in range(5)}))
    assert (batch.progress().total, batch.progress().unpacking, batch.progress().is_done) == (1, 1, False)

    tasks.unpack_archives()

    assert (batch.progress().total, batch.progress().uploaded) == (5, 0)


def test_it_goes_on_where_it_was_interrupted(batch, monkeypatch, unpack_all):
    keep(batch, zipped({f"{n}.jpg": photo_bytes(n) for n in range(4)}))
    take_in = unpacking.take_in
    taken = []

    def die_at_the_third(*args, **kwargs):
        if len(taken) == 2:
            raise KeyboardInterrupt  # what a killed worker never handles
        taken.append(kwargs["name"])
        return take_in(*args, **kwargs)

    monkeypatch.setattr(unpacking, "take_in", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        tasks.unpack_archives()
    assert not tasks.unpack_archives()  # it is in the hands of the dead
    Archive.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(unpacking, "take_in", take_in)

    unpack_all()

    assert len(taken) == 2
    assert batch.progress().stored == Photo.objects.count() == 4
    assert batch.progress().duplicates == 0


def test_an_archive_that_is_handed_back_counts_no_attempt_and_is_due_at_once(batch):
    keep(batch, zipped({"1.jpg": photo_bytes(1)}))

    for _ in range(2):
        archive = Archive.objects.claim()
        assert archive is not None
        assert archive.attempts == 1
        archive.hand_back()


def test_each_entry_has_all_attempts_and_only_what_came_out_of_it_counts(batch):
    archives = [keep(batch, zipped({f"{n}.jpg": photo_bytes(n)}), f"{n}.zip") for n in range(2)]
    for archive in archives:
        BatchFile.objects.create(batch=batch, archive=archive, name="1.jpg", sha256=archive.sha256)
    Archive.objects.filter(pk=archives[0].pk).update(attempts=2)
    Archive.objects.filter(pk=archives[1].pk).update(attempts=5)
    archive = Archive.objects.claim()
    assert archive == archives[0]

    assert archive.attempts == 3
    assert not archive.has_stopped_kith
    assert archive.moved_on()

    stored = Archive.objects.get(pk=archive.pk)
    assert (archive.position, archive.attempts) == (stored.position, stored.attempts) == (1, 1)
    archive.finish()
    stored.refresh_from_db()
    assert (stored.file_count, stored.lease_until) == (1, None)
    finished_at = stored.finished_at
    archive.finish()
    stored.refresh_from_db()
    assert stored.finished_at == finished_at
    assert not archive.moved_on()


def test_a_worker_that_died_after_storing_stores_nothing_twice(batch, monkeypatch, unpack_all):
    keep(batch, zipped({f"{n}.jpg": photo_bytes(n) for n in range(3)}))

    def die(archive):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "moved_on", die)
        with pytest.raises(KeyboardInterrupt):
            tasks.unpack_archives()
    Archive.objects.update(lease_until=None)

    unpack_all()

    assert [file.outcome for file in batch.files.all()] == [Outcome.STORED] * 3


def test_an_entry_that_kills_the_worker_again_and_again_is_left_out(batch, monkeypatch, unpack_all):
    keep(batch, zipped({f"{n}.jpg": photo_bytes(n) for n in range(3)}))
    take_in = unpacking.take_in

    def die_at_the_second(*args, **kwargs):
        if kwargs["name"].endswith("1.jpg"):
            raise KeyboardInterrupt
        return take_in(*args, **kwargs)

    monkeypatch.setattr(unpacking, "take_in", die_at_the_second)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            tasks.unpack_archives()
        Archive.objects.update(lease_until=None)

    unpack_all()

    assert outcomes(batch) == {"0.jpg": "stored", "1.jpg": unpacking.STOPPED_KITH, "2.jpg": "stored"}


def test_a_full_disk_loses_nothing_and_it_goes_on_when_there_is_space(batch, monkeypatch, unpack_all):
    keep(batch, zipped({f"{n}.jpg": photo_bytes(n) for n in range(2)}))

    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(DurableStorage, "_save", refuse)
        tasks.unpack_archives()
    assert (Photo.objects.count(), Archive.objects.due().count()) == (0, 1)

    unpack_all()

    assert batch.progress().stored == 2


def test_a_paused_batch_is_not_unpacked_and_goes_on_at_once_when_it_may(batch, monkeypatch):
    monkeypatch.setattr(unpacking, "SLICE_SECONDS", -1)
    keep(batch, zipped({"1.jpg": photo_bytes()}))
    Archive.objects.claim()  # a worker holds it
    batch.hold(Batch.State.PAUSED)
    assert not tasks.unpack_archives()

    batch.hold(Batch.State.RUNNING)

    assert Archive.objects.due().exists()


def test_cancelling_stops_in_the_middle_and_keeps_what_is_there(batch, monkeypatch, unpack_all):
    keep(batch, zipped({f"{n}.jpg": photo_bytes(n) for n in range(4)}))
    take_in = unpacking.take_in

    def cancel_after(*args, **kwargs):
        file = take_in(*args, **kwargs)
        Batch.objects.get().hold(Batch.State.CANCELLED)
        return file

    monkeypatch.setattr(unpacking, "take_in", cancel_after)

    unpack_all()

    batch.refresh_from_db()
    assert (batch.progress().stored, batch.progress().is_done) == (1, True)
    assert files_under("archives") == []


def test_an_archive_sent_again_because_the_answer_was_lost_is_the_same_one(batch, unpack_all):
    content = zipped({"1.jpg": photo_bytes()})
    keep(batch, content)
    keep(batch, content)

    unpack_all()

    assert Archive.objects.count() == 1
    assert batch.progress().is_done is False  # its photo still waits for a thumbnail
    assert batch.progress().total == 1


def test_what_nobody_owns_is_swept_and_what_waits_is_not(batch, settings):
    kept = keep(batch, zipped({"1.jpg": photo_bytes()}))
    orphan = settings.MEDIA_ROOT / "archives" / "1" / "orphan.zip"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.touch()
    hours_ago = time.time() - 7200
    for path in (orphan, Path(kept.file.path)):
        os.utime(path, (hours_ago, hours_ago))

    assert unpacking.sweep_archives() == 1
    assert (orphan.exists(), Path(kept.file.path).exists()) == (False, True)


# ---------- Over HTTP


def send(client, batch: Batch, content: bytes, name: str = "Rome.zip"):
    url = reverse("photos:batch-file", args=[batch.pk])
    return client.post(url, {"file": SimpleUploadedFile(name, content), "name": name})


def test_an_archive_is_answered_at_once_and_unpacked_later(signed_in, batch):
    response = send(signed_in, batch, zipped({"1.jpg": photo_bytes()}))

    assert response.status_code == 202
    assert response.json()["outcome"] == "archive"
    assert (Photo.objects.count(), Archive.objects.due().count()) == (0, 1)


def test_an_archive_may_be_larger_than_a_photo_but_not_than_an_archive(signed_in, batch, settings):
    settings.KITH_MAX_FILE_BYTES = 1000
    content = zipped({f"{n}.jpg": photo_bytes(n) for n in range(3)})
    assert send(signed_in, batch, content).status_code == 202

    settings.KITH_MAX_ARCHIVE_BYTES = 2000

    assert send(signed_in, batch, content + b"x").status_code == 413


def test_a_picture_with_an_archive_behind_it_is_a_picture(signed_in, batch):
    response = send(signed_in, batch, photo_bytes() + zipped({"1.jpg": photo_bytes(1)}), "both.jpg")

    assert response.json()["outcome"] == "stored"


def test_the_form_without_javascript_takes_an_archive(signed_in, unpack_all):
    files = [
        SimpleUploadedFile("Rome.zip", zipped({"1.jpg": photo_bytes(1)})),
        SimpleUploadedFile("2.jpg", photo_bytes(2)),
    ]

    signed_in.post(reverse("photos:upload"), {"files": files})
    unpack_all()

    assert Batch.objects.get().progress().stored == 2
    assert Batch.objects.get().progress().uploaded == Batch.objects.get().progress().total == 2


def test_a_cancelled_batch_takes_nothing_more(signed_in, batch):
    batch.hold(Batch.State.CANCELLED)
    assert send(signed_in, batch, photo_bytes(), "1.jpg").status_code == 409
    assert Photo.objects.count() == 0
    assert files_under("incoming") == []
