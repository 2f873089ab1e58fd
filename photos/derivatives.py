"""Makes what pages show instead of an original: upright sRGB thumbnails without metadata."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.core.files import File
from django.db import transaction

from photos import decoding
from photos.faults import fault
from photos.models import Photo
from photos.uploading import incoming_folder

VANISHED = "Its original file is missing from the media folder."
UNREADABLE = "Its original cannot be decoded any more."
TOO_DEMANDING = "Its original takes more memory or time than a photo should."


def make_derivatives(photo: Photo) -> bool:
    """Make thumbnails and read metadata of a claimed photo; return whether it has them now.

    Raises OSError: the disk is full or broken. Then the photo is as it was.
    """
    with _new_files() as (small, large):
        try:
            derived = decoding.derive(Path(photo.original.path), small=small, large=large)
        except decoding.Rejected as error:
            _fail(photo, _why(photo, error))
            return False
        fault("thumbnails-made")
        return _finish(photo, derived, small, large)


def remake_thumbnails(photo: Photo) -> bool:
    """Make the thumbnails of a photo again whose files were lost; whether there is an original to make them of.

    Raises OSError: the disk is full or broken.
    """
    with _new_files() as (small, large):
        try:
            decoding.derive(Path(photo.original.path), small=small, large=large)
        except decoding.Rejected:
            return False
        _put_thumbnails(photo, small, large)
        photo.save(update_fields=["small", "large"])
    return True


@contextmanager
def _new_files() -> Iterator[tuple[Path, Path]]:
    """Two files for thumbnails, which are gone afterwards."""
    folder = incoming_folder()
    small, large = folder / f"{uuid.uuid4().hex}.part", folder / f"{uuid.uuid4().hex}.part"
    try:
        yield small, large
    finally:
        small.unlink(missing_ok=True)
        large.unlink(missing_ok=True)


def _why(photo: Photo, error: decoding.Rejected) -> str:
    if not Path(photo.original.path).exists():
        return VANISHED
    return TOO_DEMANDING if error.is_for_want_of_memory else UNREADABLE


def _fail(photo: Photo, reason: str) -> None:
    with transaction.atomic():
        ours = photo.locked_in_our_hands()
        if ours is not None:
            ours.fail(reason)


def _finish(photo: Photo, derived: decoding.Derived, small: Path, large: Path) -> bool:
    with transaction.atomic():
        ours = photo.locked_in_our_hands()
        if ours is None:
            return False
        _put_thumbnails(ours, small, large)
        fault("thumbnails-renamed")
        _apply_metadata(ours, derived)
        ours.save()
        ours.advance(Photo.Stage.FACES)
    return True


def _put_thumbnails(photo: Photo, small: Path, large: Path) -> None:
    names = thumbnail_names(photo)
    for field, name, path in zip((photo.small, photo.large), names, (small, large), strict=True):
        with path.open("rb") as file:
            field.save(name, File(file), save=False)


def thumbnail_names(photo: Photo) -> tuple[str, str]:
    """Where its small and its large thumbnail are, or were being put when their worker was killed."""
    folder = f"derivatives/{photo.owner_id}/{photo.sha256[:2]}/{photo.sha256}"
    return f"{folder}-small.webp", f"{folder}-large.webp"


def _apply_metadata(photo: Photo, derived: decoding.Derived) -> None:
    photo.latitude = derived.latitude
    photo.longitude = derived.longitude
    photo.camera = derived.camera
    photo.exposure = derived.exposure
    photo.perceptual_hash = derived.perceptual_hash
    if derived.taken_at is not None and photo.taken_at_source != Photo.DateSource.USER:
        # Drop the offset on purpose: the timeline shows the camera's own clock.
        clock = datetime.fromisoformat(derived.taken_at).replace(tzinfo=UTC)
        photo.taken_at = clock
        photo.taken_at_source = Photo.DateSource.CAMERA
