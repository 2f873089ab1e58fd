"""Celery tasks of photos. Messages carry no work: they say that there is some in PostgreSQL."""

import logging

from celery import shared_task

from photos import ending, media_folder, places
from photos.broker import send_wakeup
from photos.derivatives import make_derivatives
from photos.faults import fault
from photos.models import Archive, Photo
from photos.signals import photos_ready
from photos.uploading import sweep_incoming

logger = logging.getLogger(__name__)

CLAIM = 4  # thumbnails per claim: a few seconds of work, then others get their turn


@shared_task
def make_due_derivatives() -> int:
    """Make the thumbnails of a few due photos and return how many. Safe to deliver twice."""
    if not media_is_there():
        return 0
    claimed = Photo.objects.claim(Photo.Stage.DERIVATIVES, limit=CLAIM)
    if claimed:
        fault("thumbnails-claimed")
    finished = []
    try:
        for photo in claimed:
            if ending.is_asked():
                photo.hand_back()
            elif make_derivatives(photo):
                finished.append(photo)
                fault("thumbnails-committed")
    except OSError as error:
        # A full disk is no photo's fault. Beat asks again; waking ourselves would spin.
        logger.error("Thumbnails wait: %s", error)
        for photo in claimed:
            photo.hand_back()
    else:
        if claimed:
            wake_derivatives()
    for owner_id in sorted({photo.owner_id for photo in finished}):
        photos_ready.send(Photo, owner_id=owner_id)
    return len(finished)


@shared_task
def unpack_archives() -> bool:
    """Unpack some of one archive that is due; return whether there was one. Safe to deliver twice."""
    from photos.unpacking import unpack_some

    archive = Archive.objects.claim() if media_is_there() else None
    if archive is None:
        return False
    try:
        unpack_some(archive)
    except OSError as error:
        # A full disk is no archive's fault. Beat asks again; waking ourselves would spin.
        logger.error("Archive %s waits to be unpacked: %s", archive.pk, error)
        archive.hand_back()
    else:
        wake_unpacking()
    return True


@shared_task
def name_due_places() -> int:
    """Name the places of photos that have none yet and return of how many. Safe to deliver twice."""
    named = places.name_places()
    if named:
        send_wakeup(name_due_places)
    return named


@shared_task
def sweep_uploads() -> int:
    """Remove what interrupted uploads left behind."""
    from photos.begun import sweep_begun
    from photos.unpacking import sweep_archives

    if not media_is_there():
        return 0
    return sweep_incoming() + sweep_archives() + sweep_begun()


def media_is_there() -> bool:
    """Whether work can be taken up at all. If not, it waits: no photo is to blame that its file is not there."""
    sentence = media_folder.trouble()
    if sentence:
        logger.error("Work waits: %s", sentence)
    return not sentence


def wake_due() -> None:
    """Send again what may have been lost."""
    if Photo.objects.due(Photo.Stage.DERIVATIVES).exists():
        wake_derivatives()
    if Archive.objects.due().exists():
        wake_unpacking()
    if Photo.everywhere.to_be_purged().exists():
        wake_purge()


def wake_unpacking() -> None:
    send_wakeup(unpack_archives)


@shared_task
def purge_trash() -> int:
    """Delete for good what was in the trash long enough. Safe to deliver twice."""
    from photos import trash

    return trash.purge()


def wake_purge() -> None:
    send_wakeup(purge_trash)


def wake_derivatives() -> None:
    send_wakeup(make_due_derivatives)


def wake_places() -> None:
    if places.photos_to_place().exists():
        send_wakeup(name_due_places)
