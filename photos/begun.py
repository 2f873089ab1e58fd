"""Notes of originals that are about to get their final name.

Such a file is in its place before the row that knows it is committed. Is Kith killed in between, and does nobody send
the photo again, nothing else would tell that the file belongs to nobody.
"""

from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from photos.models import Photo
from photos.uploading import STALE_AFTER_SECONDS, age_of, incoming_folder

SUFFIX = ".begun"


def note(name: str) -> None:
    """Note that an original, named "originals/<owner>/<2 characters>/<SHA-256>.<extension>", gets its name."""
    _note_of(name).touch()


def forget(name: str) -> None:
    """Its row is committed."""
    _note_of(name).unlink(missing_ok=True)


def take_back(name: str) -> bool:
    """Take an original away that was noted, unless there is a photo of it; return whether it was there."""
    is_gone = _take_away_unless_known(name)
    forget(name)
    return is_gone


def sweep_begun() -> int:
    """Take away originals that were begun an hour ago and whose rows were never committed; return how many."""
    notes = [path for path in incoming_folder().glob(f"*{SUFFIX}") if age_of(path) > STALE_AFTER_SECONDS]
    return sum(take_back(path.name.removesuffix(SUFFIX).replace("!", "/")) for path in notes)


def _note_of(name: str) -> Path:
    return incoming_folder() / f"{name.replace('/', '!')}{SUFFIX}"


def _take_away_unless_known(name: str) -> bool:
    path = PurePosixPath(name)
    if not (Path(settings.MEDIA_ROOT) / path).exists():
        return False
    try:
        with transaction.atomic():
            # Holds the place of this content: who adds the same photo just now waits, and then stores it anew.
            Photo.objects.create(
                owner_id=int(path.parts[1]),
                sha256=path.stem,
                byte_size=0,
                width=1,
                height=1,
                taken_at=timezone.now(),
            )
            default_storage.delete(name)
            transaction.set_rollback(True)
    except IntegrityError:
        return False  # its photo is there
    return True
