"""The whole way of a photo as something `ml.bench` can measure: from a file to embeddings in PostgreSQL.

Taking in, thumbnails and faces have a process each, as they have with `manage.py up`: a web process, the `io` worker
and the `ml` worker. What Celery would tell the workers they find out by asking PostgreSQL.
"""

import multiprocessing
import time
import uuid
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from ml.bench.racing import Ready

PAUSE = 0.02  # seconds before a stage asks again whether the one before has something for it


def stored_path(photos: Sequence[Path]) -> Ready:
    """Set up the three stages; faces are found in this process. Needs a migrated database of its own."""
    import django

    django.setup()  # the measuring starts this in a new process

    from accounts.models import User
    from people.finding import face_finder
    from people.models import Face
    from people.tasks import find_faces
    from photos.intake import start_batch
    from photos.models import Photo

    device = face_finder().device
    taking_in, thumbnails = _start(_take_in, photos), _start(_make_thumbnails, photos)

    def run() -> int:
        # Each round has an owner of its own: nothing is a duplicate.
        owner = User.objects.create(username=uuid.uuid4().hex, face_analysis=User.FaceAnalysis.ON)
        batch = start_batch(owner, title="", expected=len(photos))
        taking_in.send(batch.pk)
        thumbnails.send(batch.pk)
        while not thumbnails.poll() or Photo.objects.due(Photo.Stage.FACES).exists():
            if not find_faces():
                time.sleep(PAUSE)
        for stage in (taking_in, thumbnails):
            stage.recv()
        return Face.objects.owned_by(owner).count()

    return Ready(run, f"3 processes; faces on {device}")


def _take_in(batch_id: int, photos: Sequence[Path]) -> None:
    from photos.intake import take_in
    from photos.models import Batch
    from photos.uploading import receive_local_file

    batch = Batch.objects.get(pk=batch_id)
    for photo in photos:
        take_in(batch, receive_local_file(photo, name=photo.name), name=str(photo))


def _make_thumbnails(batch_id: int, photos: Sequence[Path]) -> None:
    from photos.models import Batch, Photo
    from photos.tasks import make_due_derivatives

    batch = Batch.objects.get(pk=batch_id)
    # Asked first: what arrives after that is still seen.
    while batch.files.count() < len(photos) or Photo.objects.at_stage(Photo.Stage.DERIVATIVES).exists():
        if not make_due_derivatives():
            time.sleep(PAUSE)


def _start(work: Callable[[int, Sequence[Path]], None], photos: Sequence[Path]) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=_serve, args=(theirs, work, photos), daemon=True).start()
    theirs.close()
    return ours


def _serve(connection: Connection, work: Callable[[int, Sequence[Path]], None], photos: Sequence[Path]) -> None:
    """Do the work for each batch whose number arrives, until the other end closes."""
    import django

    django.setup()
    try:
        while True:
            batch_id = connection.recv()
            work(batch_id, photos)
            connection.send(None)
    except EOFError:
        return
