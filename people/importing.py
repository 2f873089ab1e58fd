"""Imports that bring names along: one folder per person."""

import time
from collections.abc import Callable
from pathlib import Path, PurePath

from accounts.models import User
from people import answers, finding, tasks
from people.forms import NameForm
from people.models import Face, Person
from photos.models import Batch, BatchFile, Photo
from photos.tasks import make_due_derivatives

REPORT_EVERY_SECONDS = 5


def photo_files(folder: Path) -> list[Path]:
    """All files below a folder in order of name; hidden ones are left out."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p for p in files if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def work_until_done(owner: User, *, report: Callable[[str], object]) -> None:
    """Do in this process what workers would do, side by side with them if there are any.

    Raises ml.weights.WeightsUnavailable when faces cannot be found at all.
    """
    if owner.allows_faces:
        finding.face_finder()
    reported = 0.0
    while left := _unfinished(owner):
        done = make_due_derivatives() + tasks.find_faces() + tasks.group_faces(owner.pk)
        if time.monotonic() - reported > REPORT_EVERY_SECONDS:
            report(f"{left} photos left")
            reported = time.monotonic()
        if not done:
            time.sleep(0.5)  # a worker has the rest in its hands
    tasks.refresh_suggestions(owner.pk)


def _unfinished(owner: User) -> int:
    photos = Photo.objects.owned_by(owner).filter(failure="")
    if not owner.allows_faces:
        photos = photos.filter(stage=Photo.Stage.DERIVATIVES)
    return photos.exclude(stage=Photo.Stage.DONE).count()


def confirm_people_of_folders(batch: Batch) -> dict[str, int]:
    """Confirm, in each subfolder, the folder's name for the main face of each photo; return faces by name.

    Photos that show several people are of the one whose face is largest: such
    collections are portraits. A folder whose name cannot be a person's counts 0.
    """
    confirmed: dict[str, int] = {}
    for name, photos in _photos_by_folder(batch).items():
        faces = [face.pk for photo in photos if (face := _main_face(photo)) is not None]
        person = person_named(batch.owner, name) if faces else None
        if person is not None:
            answers.confirm(person, faces, actor=batch.owner)
        confirmed[name] = len(faces) if person is not None else 0
    return confirmed


def person_named(owner: User, name: str) -> Person | None:
    """The person of this name, made if there is none; None for what cannot be a name."""
    form = NameForm({"name": name}, owner=owner)
    return form.get_or_create_person() if form.is_valid() else None


def _photos_by_folder(batch: Batch) -> dict[str, list[Photo]]:
    by_folder: dict[str, list[Photo]] = {}
    files = batch.files.exclude(outcome=BatchFile.Outcome.REJECTED).select_related("photo").order_by("name")
    for file in files:
        folder = PurePath(file.name).parent.name
        if folder and file.photo is not None:
            by_folder.setdefault(folder.replace("_", " "), []).append(file.photo)
    return by_folder


def _main_face(photo: Photo) -> Face | None:
    faces = photo.faces.untagged().without_vectors()
    return max(faces, key=lambda face: face.width * face.height, default=None)
