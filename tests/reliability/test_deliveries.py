"""Every task may be delivered twice, several times at once, too early and too late: one effect, and no error."""

import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from PIL import Image

from accounts.models import User
from config.celery import app
from ml.geometry import BoundingBox
from people import drawing, recognising
from people.leaving import leave
from people.models import Cluster, Decision, Face, LibraryMap, Suggestion, Training
from people.models.face import ERASED
from people.training import ask_to_learn
from photos.intake import keep_archive, start_batch, take_in
from photos.models import Archive, Photo
from photos.models.photo import DELETED_AT
from photos.tasks import make_due_derivatives
from photos.uploading import STALE_AFTER_SECONDS, incoming_folder, lent_file
from tests.factories import make_face, make_known, make_photo, make_user, unit
from tests.pictures import drawing as drawn
from tests.pictures import encoded, portraits

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("models_dir")]

AT_ONCE = 4
WAIT = 60  # seconds, on a machine that does other things, too

app.loader.import_default_modules()
OURS = sorted(name for name in current_app.tasks if not name.startswith("celery."))


class World:
    """One owner, and what the tasks have to do for them."""

    def __init__(self, arriving, replies):
        self.owner = make_user()
        self.arriving, self.replies = arriving, replies

    def take_in(self, *contents):
        batch = start_batch(self.owner, title="", expected=len(contents))
        return [take_in(batch, self.arriving(c), name=f"{n}.jpg").photo for n, c in enumerate(contents)]

    def portrait(self):
        with Image.open(portraits() / "astronaut.png") as image:
            [photo] = self.take_in(encoded(image.convert("RGB")))
        assert make_due_derivatives() == 1
        return photo


CASES: dict[str, Callable[[World], tuple[tuple, Callable[[], object], object]]] = {}


def case(name):
    """The work for a task: what it is called with, what to look at afterwards, and what to see there."""
    return lambda prepare: CASES.setdefault(name, prepare)


@case("photos.tasks.make_due_derivatives")
def thumbnails(world):
    world.take_in(*(encoded(drawn(seed=seed)) for seed in range(3)))

    def look():
        photos = Photo.objects.filter(attempts=0, lease_until=None, stage=Photo.Stage.FACES)
        return [default_storage.exists(photo.small.name) for photo in photos]

    return (), look, [True] * 3


@case("photos.tasks.unpack_archives")
def archives(world):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for seed in range(3):
            packed.writestr(f"{seed}.jpg", encoded(drawn(seed=seed)))
    batch = start_batch(world.owner, title="", expected=1)
    incoming = world.arriving(buffer.getvalue())
    keep_archive(batch, incoming, name="three.zip")
    return (), lambda: (Photo.objects.count(), batch.files.count(), Archive.objects.unfinished().count()), (3, 3, 0)


@case("photos.tasks.name_due_places")
def places(world):
    make_photo(world.owner, latitude=41.9, longitude=12.5)
    return (), lambda: Photo.objects.get().place, "Rome, Lazio, Italy"


@case("photos.tasks.sweep_uploads")
def sweeping(world):
    old, new = incoming_folder() / "old.part", incoming_folder() / "new.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, old.stat().st_mtime - 2 * STALE_AFTER_SECONDS))
    return (), lambda: (old.exists(), new.exists()), (False, True)


@case("photos.tasks.purge_trash")
def purging(world):
    photo = make_photo(world.owner, trashed_at=DELETED_AT)
    crop = make_face(photo).crop.name
    default_storage.save(photo.original.name, ContentFile(b"gone soon"))
    there = default_storage.exists
    return (), lambda: (Photo.everywhere.count(), there(photo.original.name), there(crop)), (0, False, False)


@case("people.tasks.find_faces")
def finding(world):
    world.portrait()
    return (), lambda: (Face.objects.count(), Photo.objects.get().stage), (1, Photo.Stage.GROUPING)


@case("people.tasks.embed_again")
def embedding_again(world):
    photo = world.portrait()
    Photo.objects.update(stage=Photo.Stage.DONE)
    drawing.draw(photo, BoundingBox(0.3, 0.05, 0.25, 0.3), actor=world.owner)
    return (), lambda: [bool(face.model and face.crop) for face in Face.objects.all()], [True]


@case("people.tasks.recognise")
def recognising_once(world):
    incoming = world.arriving(encoded(drawn()))
    name = incoming.lend()
    look = lambda: (len(world.replies), [r.trouble for r in world.replies], lent_file(name).exists())  # noqa: E731
    return (name, world.owner.pk), look, (1, [""], False)


@case("people.tasks.group_faces")
def grouping(world):
    for _ in range(3):
        make_face(make_photo(world.owner, stage=Photo.Stage.GROUPING), likeness=unit(1))
    rows = (Cluster, Decision, Photo.objects.filter(stage=Photo.Stage.DONE))
    return (world.owner.pk,), lambda: [getattr(each, "objects", each).count() for each in rows], [1, 1, 3]


@case("people.tasks.refresh_suggestions")
def suggesting(world):
    make_known(world.owner, likeness=unit(1), faces=3)
    make_face(make_photo(world.owner), likeness=unit(1, towards=2, by=0.1))
    return (world.owner.pk,), lambda: Suggestion.objects.count(), 1


@case("people.tasks.draw_map")
def drawing_the_map(world):
    for axis in range(3):
        make_known(world.owner, f"Ann {axis}", likeness=unit(axis), faces=2)
    return (world.owner.pk,), lambda: [len(each.circles) for each in LibraryMap.objects.all()], [3]


@case("people.tasks.finish_leaving")
def leaving(world):
    make_face(make_photo(world.owner))
    leave(world.owner)
    return (), lambda: (User.objects.count(), Photo.everywhere.count(), Face.everywhere.count()), (0, 0, 0)


@case("people.tasks.learn_from_answers")
def learning(world):
    make_known(world.owner, faces=3)
    ask_to_learn(world.owner)
    said = "Confirm at least 200 faces; so far it is 3."
    return (world.owner.pk,), lambda: list(Training.objects.values_list("state", "trouble")), [("", said)]


@case("people.tasks.erase_vectors")
def erasing(world):
    make_face(make_photo(world.owner))
    User.objects.update(face_analysis=User.FaceAnalysis.OFF)
    return (), lambda: [face.model for face in Face.objects.all()], [ERASED]


@case("people.tasks.wake_workers")
def waking(world):
    make_photo(world.owner, stage=Photo.Stage.DERIVATIVES)
    return (), lambda: Photo.objects.due(Photo.Stage.DERIVATIVES).count(), 1


@pytest.fixture
def world(arriving, monkeypatch):
    replies = []
    monkeypatch.setattr(recognising, "reply", lambda name, answer: replies.append(answer))
    return World(arriving, replies)


def test_every_task_says_here_what_it_does():
    assert set(OURS) == set(CASES)


@pytest.mark.parametrize("name", OURS)
def test_deliveries_too_early_at_once_again_and_too_late_have_one_effect(name, world):
    task, prepare = current_app.tasks[name], CASES[name]
    early = (world.owner.pk,) if name in TAKE_AN_OWNER else ("0" * 32, world.owner.pk)
    task(*(early if task_takes_arguments(name) else ()))

    arguments, look, expected = prepare(world)
    at_once(lambda: task(*arguments))
    while look() != expected and task(*arguments):  # some do a part of the work at a time
        pass
    assert look() == expected

    task(*arguments)
    assert look() == expected

    Photo.everywhere.all().delete()
    User.objects.all().delete()
    task(*arguments)


TAKE_AN_OWNER = (
    "people.tasks.group_faces", "people.tasks.refresh_suggestions", "people.tasks.draw_map",
    "people.tasks.learn_from_answers",
)  # fmt: skip


def task_takes_arguments(name):
    return name in (*TAKE_AN_OWNER, "people.tasks.recognise")


def at_once(deliver):
    """Deliver a message to several workers in the same moment; raises what any of them raises."""
    start = Barrier(AT_ONCE)

    def work(_number):
        try:
            start.wait(WAIT)
            return deliver()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as workers:
        return list(workers.map(work, range(AT_ONCE)))
