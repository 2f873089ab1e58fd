"""The trash: photos that are out of sight, and gone for good after thirty days."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from photos import tasks
from photos.models import Photo
from photos.models.photo import DELETED_AT, PhotoQuerySet
from photos.signals import photos_deleting, photos_restored, photos_trashed
from photos.transactions import atomic_again

PURGED_AT_ONCE = 100  # photos in one transaction


@atomic_again
def move_to_trash(owner: User, photos: PhotoQuerySet) -> list[int]:
    """Put photos of an owner into the trash; return the primary keys of those that were not there yet."""
    pks = _locked(Photo.objects.owned_by(owner).filter(pk__in=photos.order_by().values("pk")))
    # Nobody works on what is in the trash: a worker that holds one now finds its lease gone.
    Photo.objects.filter(pk__in=pks).update(trashed_at=timezone.now(), lease_until=None, attempts=0)
    photos_trashed.send(Photo, owner_id=owner.pk, photos=pks)
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
    """Take away what was deleted by hand or thirty days ago: rows, files, faces; return how many photos."""
    purged = 0
    while True:
        with transaction.atomic():
            due = Photo.everywhere.to_be_purged().order_by("pk").select_for_update(skip_locked=True)
            some = list(due[:PURGED_AT_ONCE])
            _delete(some)
        purged += len(some)
        if not some:
            return purged


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
    for photo in photos:
        for file in (photo.original, photo.small, photo.large):
            if file.name:
                file.storage.delete(file.name)
    Photo.everywhere.filter(pk__in=[photo.pk for photo in photos]).delete()


def _locked(photos: PhotoQuerySet) -> list[int]:
    """Lock photos, in order of primary key, and return these."""
    locked = photos.order_by("pk").select_for_update(of=("self",), no_key=True)
    return list(locked.values_list("pk", flat=True))
