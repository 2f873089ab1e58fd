"""Whether photos are as they must be: rows, their files, and the state of the work on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Count, F, Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from ml.checked_files import sha256_of
from photos.media_folder import MARK
from photos.models import Album, Archive, BatchFile, Photo
from photos.models.photo import MAX_ATTEMPTS
from photos.uploading import STALE_AFTER_SECONDS, age_of

ROWS = 2000  # read at once
LONGEST_LEASE = timedelta(minutes=10)


@dataclass(frozen=True)
class Problem:
    """What is not as it must be. invariant: its number in docs/reliability.md. path: of a file that should not be."""

    invariant: str
    text: str
    path: Path | None = None
    photo: int | None = None  # one whose thumbnails can be made again


def photo_problems(*, checksums: bool) -> Iterator[Problem]:
    """All that is wrong with photos, their files and albums; with checksums, each original is read, too."""
    yield from _originals(checksums=checksums)
    yield from _twins()
    yield from _states()
    yield from _thumbnails()
    yield from _owners()


def _originals(*, checksums: bool) -> Iterator[Problem]:
    """I1: an acknowledged upload has its original, with the bytes that were acknowledged."""
    photos = Photo.everywhere.order_by("pk").only("pk", "name", "original", "byte_size", "sha256")
    for photo in photos.iterator(chunk_size=ROWS):
        path = Path(photo.original.path)
        if not path.is_file():
            yield Problem("I1", f"Photo {photo.pk}: its original {photo.original.name} is missing.")
        elif path.stat().st_size != photo.byte_size:
            yield Problem("I1", f"Photo {photo.pk}: its original has another size than was received.")
        elif checksums and sha256_of(path) != photo.sha256:
            yield Problem("I1", f"Photo {photo.pk}: its original has other bytes than were received.")
    lost = BatchFile.objects.filter(photo=None).exclude(outcome=BatchFile.Outcome.REJECTED)
    for file in lost.order_by("pk").iterator(chunk_size=ROWS):
        yield Problem("I1", f"Batch {file.batch_id}: {file.name} was taken in, but there is no photo of it.")


def _twins() -> Iterator[Problem]:
    """I2: an owner has each photo once."""
    seen = Photo.everywhere.order_by().values("owner", "sha256").annotate(count=Count("pk")).filter(count__gt=1)
    for row in seen:
        yield Problem("I2", f"User {row['owner']} has the photo {row['sha256'][:12]} {row['count']} times.")


def _states() -> Iterator[Problem]:
    """I3: each photo is done, failed with a reason, in somebody's hands for a while, or in line."""
    held_too_long = Q(lease_until__gt=timezone.now() + LONGEST_LEASE)
    tried_too_often = Q(attempts__gt=MAX_ATTEMPTS, failure="")
    unknown = ~Q(stage__in=Photo.Stage.values)
    for photo in Photo.everywhere.filter(held_too_long | tried_too_often | unknown).order_by("pk"):
        yield Problem("I3", f"Photo {photo.pk} is stuck: {photo.stage}, {photo.attempts} attempts.")


def unfinished() -> Iterator[Problem]:
    """I3 where all work is over: each photo is done or failed, or waits for its owner's yes."""
    done = Q(stage=Photo.Stage.DONE) | ~Q(failure="")
    waits = Q(owner__face_analysis="on") | Q(stage=Photo.Stage.DERIVATIVES)
    for photo in Photo.objects.filter(waits).exclude(done).order_by("pk"):
        yield Problem("I3", f"Photo {photo.pk} is not finished: {photo.stage}.")


def _thumbnails() -> Iterator[Problem]:
    """I5: what pages show of a photo is there."""
    later = Photo.everywhere.exclude(stage=Photo.Stage.DERIVATIVES).filter(failure="")
    for photo in later.order_by("pk").only("pk", "small", "large").iterator(chunk_size=ROWS):
        missing = [field.name or "no file" for field in (photo.small, photo.large) if not _is_there(field)]
        if missing:
            yield Problem("I5", f"Photo {photo.pk}: {' and '.join(missing)} is missing.", photo=photo.pk)


def _owners() -> Iterator[Problem]:
    """I7: albums and batches hold photos of their own owner."""
    listed = Album.photos.through.objects.exclude(photo__owner=F("album__owner"))
    for pk in listed.values_list("album", flat=True).distinct():
        yield Problem("I7", f"Album {pk} holds photos of somebody else.")
    files = BatchFile.objects.filter(photo__isnull=False).exclude(photo__owner=F("batch__owner"))
    for pk in files.values_list("batch", flat=True).distinct():
        yield Problem("I7", f"Batch {pk} holds photos of somebody else.")


def file_problems(known: Iterable[str]) -> Iterator[Problem]:
    """I5: no file that no row knows, and none that was begun an hour ago.

    Args:
        known: names of files that rows of other packages hold.
    """
    names = {*known, *_names(), MARK}
    root = settings.MEDIA_ROOT
    for path in sorted(root.rglob("*")) if root.exists() else []:
        if not path.is_file() or age_of(path) < STALE_AFTER_SECONDS:  # perhaps its row is not committed yet
            continue
        name = path.relative_to(root).as_posix()
        if path.suffix in (".part", ".lent", ".begun"):
            yield Problem("I5", f"{name} was begun and never finished.", path=path)
        elif name not in names:
            yield Problem("I5", f"{name} belongs to nothing.", path=path)


def _names() -> Iterator[str]:
    for row in Photo.everywhere.values_list("original", "small", "large").iterator(chunk_size=ROWS):
        yield from (name for name in row if name)
    yield from Archive.objects.exclude(file="").values_list("file", flat=True)


def _is_there(field: FieldFile) -> bool:
    return bool(field.name) and Path(field.path).is_file()
