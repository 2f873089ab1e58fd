"""The whole way of a photo as something `ml.bench` can measure: from a file to embeddings in PostgreSQL."""

from collections.abc import Sequence
from pathlib import Path

from ml.bench import Pipeline


def stored_path(models_dir: Path) -> Pipeline:
    """Take in, make thumbnails, find faces, store them: all of it, one after the other, in one process."""
    import django

    django.setup()  # the measuring starts this in a new process

    from accounts.models import User
    from people.finding import face_finder
    from people.models import Face
    from people.tasks import find_faces
    from photos.intake import start_batch, take_in
    from photos.tasks import make_due_derivatives
    from photos.uploading import receive_local_file

    face_finder()
    rounds = 0

    def run(photos: Sequence[Path]) -> int:
        nonlocal rounds
        rounds += 1  # each round has an owner of its own: nothing is a duplicate
        owner = User.objects.create(username=f"bench{rounds}", face_analysis=User.FaceAnalysis.ON)
        batch = start_batch(owner, title="", expected=len(photos))
        for photo in photos:
            take_in(batch, receive_local_file(photo, name=photo.name), name=str(photo))
        while make_due_derivatives():
            pass
        while find_faces():
            pass
        return Face.objects.owned_by(owner).count()

    return run
