"""The whole way of a photo as something `ml.bench` can measure: from a file to embeddings in PostgreSQL."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from ml.bench import Pipeline

PAUSE = 0.05  # seconds to wait for the stage before


def stored_path(models_dir: Path) -> Pipeline:
    """Take in, make thumbnails, find faces, store them: side by side, as web, `io` and `ml` worker do it."""
    import django

    django.setup()  # the measuring starts this in a new process

    from django.db import connection

    from accounts.models import User
    from people.finding import face_finder
    from people.models import Face
    from people.tasks import find_faces
    from photos.intake import start_batch, take_in
    from photos.models import Batch, Photo
    from photos.tasks import make_due_derivatives
    from photos.uploading import receive_local_file

    face_finder()
    rounds = 0

    def take_in_all(batch: Batch, photos: Sequence[Path]) -> None:
        for photo in photos:
            take_in(batch, receive_local_file(photo, name=photo.name), name=str(photo))
        connection.close()

    def make_thumbnails(arriving: Future[None]) -> None:
        while not arriving.done() or Photo.objects.at_stage(Photo.Stage.DERIVATIVES).exists():
            if not make_due_derivatives():
                time.sleep(PAUSE)
        connection.close()

    def run(photos: Sequence[Path]) -> int:
        nonlocal rounds
        rounds += 1  # each round has an owner of its own: nothing is a duplicate
        owner = User.objects.create(username=f"bench{rounds}", face_analysis=User.FaceAnalysis.ON)
        batch = start_batch(owner, title="", expected=len(photos))
        with ThreadPoolExecutor(2) as threads:
            arriving = threads.submit(take_in_all, batch, photos)
            thumbnails = threads.submit(make_thumbnails, arriving)
            while not thumbnails.done() or Photo.objects.due(Photo.Stage.FACES).exists():
                if not find_faces():
                    time.sleep(PAUSE)
        return Face.objects.owned_by(owner).count()

    return run
