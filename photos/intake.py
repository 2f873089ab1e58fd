"""Takes one received file into the library: a photo, a duplicate, or a clear reason why not."""

import errno
import unicodedata
import uuid
from pathlib import PurePosixPath

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from photos import begun, decoding, tasks, trash
from photos.faults import fault
from photos.models import Album, Archive, Batch, BatchFile, Photo
from photos.models.batch import UNTITLED
from photos.sentences import in_words
from photos.uploading import IncomingFile

Outcome = BatchFile.Outcome

WAS_IN_TRASH = "was in the trash and is back"
IS_PARTLY_THERE = "is damaged: what can be seen of it was added"
ARCHIVES = "archives"  # where they lie in the media folder until they are unpacked

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# They turn the text around them: "gpj.exe" reads as "exe.jpg" behind one of these.
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class NotStored(OSError):
    """This machine could not take a file. The file is not to blame, and may be sent again."""

    def __init__(self, name: str, cause: OSError) -> None:
        self.name = name
        self.is_disk_full = cause.errno in DISK_FULL
        if cause.errno is None:  # not the disk: the decoding process was killed twice
            self.reason = "could not be looked at: Kith's decoding process does not start"
        else:
            self.reason = f"could not be stored: the disk {'is full' if self.is_disk_full else 'has a problem'}"
        super().__init__(f"{name} {self.reason}.")

    @property
    def text(self) -> str:
        """The same in the language of the page; the message itself is for the log."""
        return f"{self.name} {in_words(self.reason)}."


def start_batch(owner: User, *, title: str, expected: int, has_album: bool = True) -> Batch:
    """Open a batch; a title makes (or continues) an album of that name, unless the folders in it name their own."""
    title = clean_name(title)[:200]
    album = album_named(owner, title) if has_album else None
    return Batch.objects.create(owner=owner, title=title or UNTITLED, album=album, expected=expected)


def album_named(owner: User, title: str) -> Album | None:
    """The owner's album of that name, made if need be; None without a name."""
    title = clean_name(title)[:200]
    return Album.objects.get_or_create(owner=owner, title=title)[0] if title else None


def take_in(batch: Batch, incoming: IncomingFile, *, name: str, packed_in: Archive | None = None) -> BatchFile:
    """Store one file of a batch and say what became of it. Safe to call again with the same file.

    packed_in: the archive it was unpacked from.

    Raises NotStored: the disk is full or broken.
    """
    name = clean_name(name)[:500] or "Unnamed"
    try:
        reason = _put_back(batch, incoming)
        photo, outcome = _known(batch, incoming), Outcome.DUPLICATE
        if photo is None:
            photo, outcome, reason = _store_or_reject(batch, incoming, name)
    except OSError as error:
        raise NotStored(name, error) from error
    finally:
        incoming.close()
    if photo is not None:
        _add_to_album(batch, photo)
    file = batch.record(name, outcome, sha256=incoming.sha256, photo=photo, reason=reason, archive=packed_in)
    fault("upload-recorded")
    return file


def keep_archive(batch: Batch, incoming: IncomingFile, *, name: str) -> Archive:
    """Put an archive in line to be unpacked. Safe to call again with the same archive.

    Raises NotStored: the disk is full or broken.
    """
    name = clean_name(name)[-500:] or "Archive.zip"
    try:
        if incoming.trouble is not None:
            raise incoming.trouble
        with transaction.atomic():
            archive, is_new = batch.archives.get_or_create(name=name, sha256=incoming.sha256)
            if is_new:
                archive.file.name = f"{ARCHIVES}/{batch.owner_id}/{uuid.uuid4().hex}.zip"
                archive.save(update_fields=["file"])
                archive.file.storage.save(archive.file.name, incoming)
                fault("archive-kept")
                transaction.on_commit(tasks.wake_unpacking)
    except OSError as error:
        raise NotStored(name, error) from error
    finally:
        incoming.close()
    return archive


def leave_out(batch: Batch, incoming: IncomingFile, error: NotStored) -> BatchFile:
    """Note a file that was not stored, where nobody will send it again by himself."""
    return batch.record(error.name, Outcome.REJECTED, sha256=incoming.sha256, photo=None, reason=error.reason)


def inspect(incoming: IncomingFile) -> decoding.Inspected:
    """Let a received file through the gate. Raises decoding.Rejected, or OSError where this machine is to blame."""
    if incoming.is_too_large:
        limit = incoming.most_bytes // 1024**2
        raise decoding.Rejected(f"is larger than {limit} MB and was left out")
    if incoming.trouble is not None:
        raise incoming.trouble
    return decoding.inspect(incoming.flushed_path, max_pixels=settings.KITH_MAX_PIXELS)


def clean_name(name: str) -> str:
    """Return a file's name or path as text that can be stored and shown.

    It is never used as a path of ours. Control characters go: PostgreSQL refuses
    NUL, and a line break would break headers. So do the controls that turn text around.
    """
    text = unicodedata.normalize("NFC", name.encode(errors="replace").decode())
    return "".join(c for c in text if not _is_control(c)).strip()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in BIDI_CONTROLS


def _put_back(batch: Batch, incoming: IncomingFile) -> str:
    """Take a photo that is added again while it lies in the trash out of it; return what to say of it, "" if none."""
    trashed = Photo.everywhere.owned_by(batch.owner).filter(sha256=incoming.sha256, trashed_at__isnull=False)
    if incoming.is_too_large or not trashed.exists():
        return ""
    trash.purge_known(batch.owner, incoming.sha256)
    return WAS_IN_TRASH if trash.restore(batch.owner, trashed) else ""


def _add_to_album(batch: Batch, photo: Photo) -> None:
    # Asked anew: the user may have given the batch another album since this file began to arrive.
    for album in Album.objects.filter(batches=batch):
        album.photos.add(photo)


def _known(batch: Batch, incoming: IncomingFile) -> Photo | None:
    if incoming.is_too_large:
        return None
    return Photo.objects.owned_by(batch.owner).filter(sha256=incoming.sha256).first()


def _store_or_reject(batch: Batch, incoming: IncomingFile, name: str) -> tuple[Photo | None, Outcome, str]:
    try:
        seen = inspect(incoming)
        fault("upload-inspected")
    except decoding.Rejected as error:
        return None, Outcome.REJECTED, str(error)
    try:
        photo = _store(batch.owner, incoming, name, seen)
    except IntegrityError:  # the same content arrived twice at once, and the other one won
        return _known(batch, incoming), Outcome.DUPLICATE, ""
    return photo, Outcome.STORED, IS_PARTLY_THERE if seen.is_damaged else ""


def _store(owner: User, incoming: IncomingFile, name: str, seen: decoding.Inspected) -> Photo:
    sha256 = incoming.sha256
    photo = Photo(
        owner=owner,
        name=PurePosixPath(name.replace("\\", "/")).name[:255] or "Unnamed",
        sha256=sha256,
        media_type=seen.media_type,
        byte_size=incoming.size or 0,
        width=seen.width,
        height=seen.height,
        taken_at=timezone.now(),
    )
    photo.original.name = f"originals/{owner.pk}/{sha256[:2]}/{sha256}.{seen.extension}"
    try:
        with transaction.atomic():
            # The row first: its unique constraint decides between twins. Then the rename,
            # inside the transaction: a row is never visible without its file.
            photo.save()
            fault("photo-row")
            begun.note(photo.original.name)
            photo.original.storage.save(photo.original.name, incoming)
            fault("photo-renamed")
            transaction.on_commit(lambda: fault("photo-committed"))
            transaction.on_commit(tasks.wake_derivatives)
    except OSError:
        begun.take_back(photo.original.name)
        raise
    begun.forget(photo.original.name)
    return photo
