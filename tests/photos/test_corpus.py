"""Every file of the corpus, sent as a browser sends it and worked on as the worker does."""

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from PIL import Image

from people import tasks as people_tasks
from people.integrity import crop_names, face_problems
from photos import integrity, tasks, trash
from photos.decoding import gate
from photos.intake import start_batch, take_in
from photos.integrity import file_problems, photo_problems
from photos.models import Batch, BatchFile, Photo
from tests.factories import make_batch, make_user
from tests.photos.corpus import FAMILIES, Sample, samples
from tests.photos.corpus.metadata import SCRIPT
from tests.photos.corpus.sample import DAMAGED, OK
from tests.pictures import drawing, encoded, portraits

MOST_BYTES = 600 * 1024**2
MOST_SECONDS = 10.0  # of the processor: the clock of a busy machine says nothing about the picture
FINE = (200, 201, 202, 413, 422)
NO_PHOTO = "is not a photo Kith can read and was left out"


@pytest.fixture
def used(monkeypatch) -> list[dict[str, float]]:
    """What each child of the gate took."""
    taken = []
    exchange = gate._Server._exchange

    def note(server, job, arguments):
        answer = exchange(server, job, arguments)
        if answer is not None:
            taken.append(answer["used"])
        return answer

    monkeypatch.setattr(gate._Server, "_exchange", note)
    return taken


@pytest.fixture
def work(models_dir, django_capture_on_commit_callbacks) -> Callable[[], None]:
    """Does all that workers do with what was sent, until nothing is due."""

    def until_done() -> None:
        for task in (tasks.unpack_archives, tasks.make_due_derivatives, people_tasks.find_faces):
            with django_capture_on_commit_callbacks(execute=True):
                for _ in range(500):
                    if not task():
                        break

    return until_done


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch):
    monkeypatch.setattr("photos.tasks.send_wakeup", lambda *args: None)
    monkeypatch.setattr("people.tasks.send_wakeup", lambda *args: None)


def send(client: Client, batch: Batch, name: str, content: bytes):
    url = reverse("photos:batch-file", args=[batch.pk])
    return client.post(url, {"file": SimpleUploadedFile("sent.jpg", content), "name": name})


def verdict_of(file: BatchFile) -> str:
    return ", but ".join(filter(None, [file.outcome, file.reason])) if file.photo else file.reason


def expected(all_samples: list[Sample]) -> dict[str, str]:
    """The verdict for each name a page will show."""
    said = {}
    for sample in all_samples:
        if isinstance(sample.verdict, str):
            said[sample.kind] = sample.verdict
        else:
            said |= {f"{sample.kind}: {entry or 'itself'}": verdict for entry, verdict in sample.verdict.items()}
    return said


def found(batch: Batch, all_samples: list[Sample]) -> dict[str, str]:
    """What became of each sample. Those of one name follow each other as they were sent."""
    files = list(batch.files.order_by("pk"))
    said = {}
    for sample in all_samples:
        if isinstance(sample.verdict, str):
            file = next(file for file in files if file.name == sample.shown_name and not file.archive)
            files.remove(file)
            said[sample.kind] = verdict_of(file)
        else:
            for file in [file for file in files if file.archive and file.archive.name == sample.shown_name]:
                entry = file.name.removeprefix(sample.shown_name).removeprefix("/")
                said[f"{sample.kind}: {entry or 'itself'}"] = verdict_of(file)
    return said


def problems(monkeypatch) -> list[str]:
    """What manage.py verify would find an hour later."""
    with monkeypatch.context() as later:
        later.setattr(integrity, "age_of", lambda path: 7200.0)
        all_found = [*photo_problems(checksums=True), *face_problems(), *file_problems(crop_names())]
    return [problem.text for problem in all_found]


@pytest.mark.parametrize("family", FAMILIES)
def test_each_file_becomes_what_it_should_and_nothing_is_left_of_the_others(
    family, signed_in, alice, used, work, monkeypatch, settings
):
    batch, family_samples = make_batch(alice), samples(family)
    statuses = {sample.kind: send(signed_in, batch, sample.sent_name, sample.content).status_code
                for sample in family_samples}  # fmt: skip

    work()

    assert {kind: status for kind, status in statuses.items() if status not in FINE} == {}
    assert found(batch, family_samples) == expected(family_samples)
    assert list(Photo.objects.exclude(failure="").values_list("name", "failure")) == []
    assert not Photo.objects.exclude(stage=Photo.Stage.GROUPING).exists()
    for sample in family_samples:
        if sample.size:
            photo = batch.files.get(name=sample.shown_name).photo
            assert (photo.width, photo.height) == sample.size, sample.kind
    assert_named_on_the_page(signed_in, batch)
    assert problems(monkeypatch) == []
    assert list((settings.MEDIA_ROOT / "incoming").iterdir()) == []
    assert max(use["most_bytes"] for use in used) <= MOST_BYTES
    assert max(use["processor_seconds"] for use in used) <= MOST_SECONDS


def assert_named_on_the_page(client: Client, batch: Batch) -> None:
    page = client.get(batch.get_absolute_url()).content.decode()
    for file in batch.files.all():
        if file.outcome == BatchFile.Outcome.REJECTED:
            row = f'<span>{escape(file.name)}</span><span class="muted">{escape(file.reason)}</span>'
            assert row in page, file.name
        if file.outcome == BatchFile.Outcome.STORED and file.reason:
            assert f'{escape(file.name)}</a><span class="muted">{escape(file.reason)}</span>' in page


def test_the_corpus_holds_as_many_kinds_as_it_should():
    kinds = [sample.kind for sample in samples()]

    assert len(set(kinds)) == len(kinds) >= 120
    assert {sample.verdict for sample in samples("damaged")} > {OK, DAMAGED}


def test_names_do_no_harm_where_a_file_is_refused_and_where_it_is_downloaded(signed_in, alice, work):
    batch = make_batch(alice)
    for number, sample in enumerate(samples("names")):
        assert send(signed_in, batch, sample.sent_name, f"no photo {number}".encode()).status_code == 422
        assert send(signed_in, batch, sample.sent_name, sample.content).status_code == 201

    assert batch.files.filter(reason=NO_PHOTO).count() == len(samples("names"))
    assert_named_on_the_page(signed_in, batch)
    for photo in Photo.objects.all():
        download = signed_in.get(photo.original_url)
        assert b"".join(download.streaming_content) == Path(photo.original.path).read_bytes()
        assert download["Content-Disposition"].startswith("attachment")
        assert (download["X-Content-Type-Options"], download["Content-Security-Policy"]) == ("nosniff", "sandbox")


def test_the_form_without_javascript_takes_the_same_names(signed_in, alice):
    # What would end the header of a part, or make it too long, is no name.
    sent = [sample.sent_name for sample in samples("names")]
    names = [name for name in sent if not {"\n", '"'} & set(name) and len(name) < 500]
    files = [SimpleUploadedFile("x", encoded(drawing(64, 48, seed=n))) for n in range(len(names))]
    for file, name in zip(files, names, strict=True):
        file._name = name.encode(errors="replace").decode()

    assert signed_in.post(reverse("photos:upload"), {"files": files}).status_code == 302

    assert Photo.objects.count() == len(names)
    assert signed_in.get(Batch.objects.get().get_absolute_url()).status_code == 200


def test_what_a_camera_wrote_runs_nowhere(signed_in, alice, work):
    batch = make_batch(alice)
    scripts = [sample for sample in samples("metadata") if "script" in sample.kind]
    for sample in scripts:
        send(signed_in, batch, sample.sent_name, sample.content)

    work()

    pages = [signed_in.get(photo.get_absolute_url()).content.decode() for photo in Photo.objects.all()]
    assert len(pages) == len(scripts) == 4
    assert not any(SCRIPT in page for page in pages)
    assert any(escape(SCRIPT) in page for page in pages)


# How a camera stores an upright picture under each orientation: the other way round than viewers turn it.
STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


def test_all_orientations_give_the_same_upright_picture_and_the_same_face(signed_in, alice, work):
    with Image.open(portraits() / "astronaut.png") as opened:
        astronaut = opened.convert("RGB").crop((0, 0, 512, 448))
    batch = make_batch(alice)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turn = STORED_AS.get(orientation)
        stored = astronaut if turn is None else astronaut.transpose(turn)
        content = encoded(stored, quality=97, subsampling=0, exif=exif)
        assert send(signed_in, batch, f"{orientation}.jpg", content).status_code == 201

    work()

    photos = list(Photo.objects.order_by("name"))
    pictures = [np.asarray(Image.open(io.BytesIO(Path(photo.small.path).read_bytes()))) for photo in photos]
    faces = [photo.faces.get() for photo in photos]
    assert len(photos) == 8
    for photo, picture, face in zip(photos, pictures, faces, strict=True):
        assert (photo.width, photo.height) == (512, 448)
        assert np.abs(picture.astype(int) - pictures[0]).mean() < 3
        assert face.box.intersection_over_union(faces[0].box) > 0.95


def test_what_is_there_already_is_said_to_be(signed_in, alice, bob):
    content = encoded(drawing())
    exif = Image.Exif()
    exif[0x010F] = "another camera"
    batch, of_bob = make_batch(alice), make_batch(bob)
    other = Client()
    other.force_login(bob)

    said = [
        send(signed_in, batch, "first.jpg", content).json()["outcome"],
        send(signed_in, batch, "first.jpg", content).json()["outcome"],
        send(signed_in, batch, "same bytes.jpg", content).json()["outcome"],
        send(signed_in, batch, "same pixels.jpg", encoded(drawing(), exif=exif)).json()["outcome"],
        send(other, of_bob, "first.jpg", content).json()["outcome"],
    ]

    assert said == ["stored", "stored", "duplicate", "stored", "stored"]
    assert (Photo.objects.owned_by(alice).count(), Photo.objects.owned_by(bob).count()) == (2, 1)


def test_a_photo_that_was_deleted_for_good_can_be_sent_again(signed_in, alice, monkeypatch):
    content = encoded(drawing())
    send(signed_in, make_batch(alice), "a.jpg", content)
    trash.move_to_trash(alice, Photo.objects.all())
    trash.delete_for_good(alice, Photo.everywhere.all())

    again = send(signed_in, make_batch(alice), "a.jpg", content)

    assert again.json()["outcome"] == "stored"
    assert Photo.objects.get().sha256 == hashlib.sha256(content).hexdigest()
    assert problems(monkeypatch) == []


@pytest.mark.django_db(transaction=True)
def test_the_same_photo_sent_twenty_times_at_once_is_stored_once(arriving, monkeypatch):
    batch = start_batch(make_user(), title="", expected=20)
    incoming = [arriving() for _ in range(20)]

    def take(number: int) -> str:
        try:
            return take_in(batch, incoming[number], name=f"{number}.jpg").outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(take, range(20)))

    assert sorted(outcomes) == ["duplicate"] * 19 + ["stored"]
    assert problems(monkeypatch) == []
