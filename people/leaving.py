"""Deletes an account with everything that belongs to it: photos, files, faces, names, answers.

Signed out and out of sight at once; the work itself is a worker's, a step at a time, and goes on where it was stopped.
"""

from contextlib import suppress
from pathlib import Path

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import BrowserSession, User
from people.erasing import delete_face_data
from photos import media_folder
from photos.intake import ARCHIVES
from photos.models import Album, Archive, Batch, Photo
from photos.models.photo import DELETED_AT
from photos.trash import purge


@transaction.atomic
def leave(user: User) -> None:
    """Close an account: nobody can sign in with it any more, and its name is free again."""
    for attempts in (AccessAttempt, AccessLog):  # they name who signed in, from where and with what
        attempts.objects.filter(username=user.username).delete()
    user.is_active = False
    user.deleted_at = timezone.now()
    user.username = f"closed {user.pk}"  # nobody can choose it: names hold no spaces
    user.email = user.first_name = user.last_name = ""
    user.set_unusable_password()
    user.save()
    BrowserSession.objects.filter(user=user).delete()


def finish_leaving(user: User) -> None:
    """Delete what belongs to a closed account, and the account. Safe to do twice, and to be stopped anywhere."""
    owner_id = user.pk
    if media_folder.trouble():
        return  # files would stay behind
    delete_face_data(user)
    Photo.everywhere.owned_by(user).update(trashed_at=DELETED_AT)
    purge()
    for archive in Archive.objects.filter(batch__owner=user):
        archive.file.delete(save=False)
    with transaction.atomic():
        User.objects.select_for_update().filter(pk=user.pk).first()  # no row of theirs can be added from here on
        if Photo.everywhere.owned_by(user).exists():
            return  # in other hands just now, or still arriving; their files are not gone yet
        Batch.objects.owned_by(user).delete()
        Album.objects.owned_by(user).delete()
        user.delete()
    _remove_folders(owner_id)


def _remove_folders(owner_id: int) -> None:
    """Their names are the number of the account, and parts of hashes. What is not empty stays, for verify to name."""
    for kind in ("originals", "derivatives", "crops", ARCHIVES):
        top = Path(settings.MEDIA_ROOT) / kind / str(owner_id)
        for folder in (*sorted(top.rglob("*"), reverse=True), top):
            with suppress(OSError):
                folder.rmdir()
