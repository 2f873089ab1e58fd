"""Makes what pages show instead of an original: upright sRGB thumbnails without metadata."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

from django.core.files import File
from django.db import transaction

from photos import decoding
from photos.models import Photo
from photos.uploading import incoming_folder

VANISHED = "Its original file is missing from the media folder."


def make_derivatives(photo: Photo) -> bool:
    """Make thumbnails and read metadata of a claimed photo; return whether it has them now.

    Raises OSError: the disk is full or broken. Then the photo is as it was.
    """
    folder = incoming_folder()
    small, large = (folder / f"{uuid.uuid4().hex}.part" for _ in range(2))
    try:
        derived = decoding.derive(Path(photo.original.path), small=small, large=large)
    except decoding.Rejected as error:
        is_missing = not Path(photo.original.path).exists()
        _fail(photo, VANISHED if is_missing else f"{photo.name} {error}.")
        return False
    else:
        return _finish(photo, derived, small, large)
    finally:
        small.unlink(missing_ok=True)
        large.unlink(missing_ok=True)


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
        folder = f"derivatives/{ours.owner_id}/{ours.sha256[:2]}/{ours.sha256}"
        for field, path in ((ours.small, small), (ours.large, large)):
            with path.open("rb") as file:
                field.save(f"{folder}-{field.field.name}.webp", File(file), save=False)
        _apply_metadata(ours, derived)
        ours.save()
        ours.advance(Photo.Stage.FACES)
    return True


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
