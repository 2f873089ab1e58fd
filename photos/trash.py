"""The trash: photos that are out of sight, and gone for good after thirty days."""

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Count, F
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import User
from photos import media_folder, tasks
from photos.derivatives import thumbnail_names
from photos.faults import fault
from photos.models import Act, Archive, Batch, BatchFile, Photo
from photos.models.photo import DELETED_AT, PhotoQuerySet
from photos.signals import photos_deleting, photos_restored, photos_trashed
from photos.transactions import atomic_again

PURGED_AT_ONCE = 100  # photos in one transaction
# Advisory lock: held by a backup for the moment it is of (config.backup.making), shared by who deletes files.
FILES_HELD = 5849


@atomic_again
def move_to_trash(owner: User, photos: PhotoQuerySet) -> list[int]:
    """Put photos of an owner into the trash; return the primary keys of those that were not there yet."""
    pks = _locked(Photo.objects.owned_by(owner).filter(pk__in=photos.order_by().values("pk")))
    # Nobody works on what is in the trash: a worker that holds one now finds its lease gone.
    Photo.objects.filter(pk__in=pks).update(trashed_at=timezone.now(), lease_until=None, attempts=0)
    photos_trashed.send(Photo, owner_id=owner.pk, photos=pks)
    if pks:
        fault("trash-written")
    return pks


@atomic_again
def restore(owner: User, photos: PhotoQuerySet) -> list[int]:
    """Put photos back where they were; return the primary keys of those that were in the trash."""
    pks = _locked(Photo.everywhere.owned_by(owner).in_trash().filter(pk__in=photos.order_by().values("pk")))
    Photo.everywhere.filter(pk__in=pks).update(trashed_at=None)
    photos_restored.send(Photo, owner_id=owner.pk, photos=pks)
    transaction.on_commit(tasks.wake_derivatives)
    return pks


@atomic_again
def delete_for_good(owner: User, photos: PhotoQuerySet) -> int:
    """Delete photos that are in the trash; return how many. No page knows them any more; a worker takes them away."""
    pks = _locked(Photo.everywhere.owned_by(owner).in_trash().filter(pk__in=photos.order_by().values("pk")))
    Photo.everywhere.filter(pk__in=pks).update(trashed_at=DELETED_AT)
    transaction.on_commit(tasks.wake_purge)
    return len(pks)


def purge() -> int:
    """Take away what was deleted by hand or thirty days ago: rows, files, faces; return how many photos.

    None while the media folder is missing (the files would stay for ever), or a backup holds the files for a moment:
    beat asks again.
    """
    purged = 0
    while not media_folder.trouble():
        pks = list(Photo.everywhere.to_be_purged().order_by("pk").values_list("pk", flat=True)[:PURGED_AT_ONCE])
        # Before the photos are locked: undo locks an act first, and then its photos.
        Act.objects.forget(pks)
        with transaction.atomic():
            if not _may_delete_files():
                break
            due = Photo.everywhere.to_be_purged().filter(pk__in=pks)
            some = list(due.order_by("pk").select_for_update(skip_locked=True))
            _delete(some)
        purged += len(some)
        if not some:
            break
    return purged


def _may_delete_files() -> bool:
    """Whether no backup is taking its moment; none begins one before the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [FILES_HELD])
        return bool(cursor.fetchone()[0])


@atomic_again
def purge_known(owner: User, sha256: str) -> None:
    """Take away a photo that was deleted, and not yet by a worker, because it is being added again."""
    known = Photo.everywhere.owned_by(owner).to_be_purged().filter(sha256=sha256)
    _delete(list(known.order_by("pk").select_for_update()))


def _delete(photos: list[Photo]) -> None:
    """Delete locked photos.

    The files first, while the rows still hold the place of their content: who adds the same photo again waits until
    this is over, and then stores it anew. Should the machine stop in between, the next run finishes it.
    """
    for owner_id in sorted({photo.owner_id for photo in photos}):
        theirs = [photo.pk for photo in photos if photo.owner_id == owner_id]
        photos_deleting.send(Photo, owner_id=owner_id, photos=theirs)
        fault("purge-crops")
    for photo in photos:
        # Thumbnails perhaps without a row that names them: their worker may have been killed.
        files = (photo.original, photo.small, photo.large)
        for name in {*thumbnail_names(photo), *(file.name for file in files if file.name)}:
            default_storage.delete(name)
    if photos:
        fault("purge-files")
        _expect_no_longer([photo.pk for photo in photos])
        Photo.everywhere.filter(pk__in=[photo.pk for photo in photos]).delete()
        fault("purge-rows")


def _expect_no_longer(photos: list[int]) -> None:
    """What is noted of their files goes with them, so that their batches wait for so many fewer."""
    files = BatchFile.objects.filter(photo__in=photos).order_by()
    sent = files.filter(archive=None).values_list("batch").annotate(Count("pk"))
    packed = files.exclude(archive=None).values_list("archive").annotate(Count("pk"))
    for batch, count in sent:
        Batch.objects.filter(pk=batch).update(expected=Greatest(F("expected") - count, 0))
    for archive, count in packed:
        Archive.objects.filter(pk=archive).update(file_count=Greatest(F("file_count") - count, 0))


def _locked(photos: PhotoQuerySet) -> list[int]:
    """Lock photos, in order of primary key, and return these."""
    locked = photos.order_by("pk").select_for_update(of=("self",), no_key=True)
    return list(locked.values_list("pk", flat=True))
