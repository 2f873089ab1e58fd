"""Takes archives apart in the worker: a few entries at a time, each by the same way as a file that was sent alone."""

import logging
import time
from pathlib import Path, PurePosixPath

from django.conf import settings

from photos import ending
from photos.archives import BadArchive, BadEntry, Entry, UntrustedArchive
from photos.faults import fault
from photos.intake import ARCHIVES, album_named, clean_name, take_in
from photos.models import Album, Archive, BatchFile
from photos.uploading import STALE_AFTER_SECONDS, age_of

logger = logging.getLogger(__name__)

SLICE_SECONDS = 5  # then thumbnails and others get their turn
STOPPED_KITH = "stopped Kith three times and was left out"
VANISHED = "is missing from the media folder"


def unpack_some(archive: Archive) -> None:
    """Take in entries of a claimed archive for a few seconds. Safe to call again after a crash.

    Raises OSError: the disk is full or broken. Then the archive is where it was.
    """
    try:
        with UntrustedArchive(Path(archive.file.path)) as opened:
            if archive.opened(len(opened.entries)) and _take_in_some(archive, opened):
                archive.finish()
    except BadArchive as error:
        _refuse(archive, str(error))
    except FileNotFoundError:
        _refuse(archive, VANISHED)


def sweep_archives() -> int:
    """Remove archives without a row, or with one that is finished, and return how many."""
    folder = Path(settings.MEDIA_ROOT) / ARCHIVES
    wanted = set(Archive.objects.unfinished().values_list("file", flat=True))
    old = [path for path in folder.glob("*/*.zip") if age_of(path) > STALE_AFTER_SECONDS]
    orphans = [path for path in old if path.relative_to(settings.MEDIA_ROOT).as_posix() not in wanted]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def _take_in_some(archive: Archive, opened: UntrustedArchive) -> bool:
    """Go on at the archive's position; return whether its end was reached."""
    end = time.monotonic() + SLICE_SECONDS
    if archive.has_stopped_kith and archive.position < len(opened.entries):
        _leave_out(archive, opened.entries[archive.position], STOPPED_KITH)
        if not archive.moved_on():
            return False
    for entry in opened.entries[archive.position :]:
        if time.monotonic() > end or ending.is_asked():
            archive.hand_back()
            return False
        try:
            _take_in(archive, opened, entry)
            fault("entry-taken")
        except BadEntry as error:
            _leave_out(archive, entry, str(error))
        if not archive.moved_on():  # cancelled, paused, or taken from us
            return False
    return True


def _take_in(archive: Archive, opened: UntrustedArchive, entry: Entry) -> None:
    incoming = opened.unpack(entry)
    file = take_in(archive.batch, incoming, name=_label(archive, entry), packed_in=archive)
    if file.photo is not None and archive.batch.album_id is None:
        album = _album_of(archive, entry)
        if album is not None:
            album.photos.add(file.photo)


def _album_of(archive: Archive, entry: Entry) -> Album | None:
    """The album of an entry that was given none: of its folder's name, else of the archive's."""
    return album_named(archive.batch.owner, clean_name(entry.folder) or PurePosixPath(archive.name).stem)


def _leave_out(archive: Archive, entry: Entry, reason: str) -> None:
    archive.batch.record(_label(archive, entry), BatchFile.Outcome.REJECTED, photo=None, reason=reason, archive=archive)


def _refuse(archive: Archive, reason: str) -> None:
    archive.batch.record(archive.name, BatchFile.Outcome.REJECTED, photo=None, reason=reason, archive=archive)
    archive.finish()


def _label(archive: Archive, entry: Entry) -> str:
    """What an entry is called on pages: its end says most, should it be too long."""
    return f"{PurePosixPath(archive.name).name}/{clean_name(entry.name)}"[-500:]
