"""Reads ZIP archives that nobody vouches for: what is in them, and the bytes of one entry at a time.

Names in an archive are labels. No path is ever made of them, so an entry cannot leave its place.
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from django.conf import settings

from photos.uploading import IncomingFile

# The directory of an archive is read into memory whole: so many bytes are about 300 MB as Python objects.
MOST_DIRECTORY_BYTES = 16 * 1024**2
MOST_ENTRIES = 50_000
# Photos hardly shrink any more; drawings and scans do, up to a hundred times. Only a bomb shrinks by more.
MOST_TIMES_LARGER = 100
LOCAL_HEADER_BYTES = 30
CHUNK_BYTES = 1 << 16

JUNK = re.compile(r"(^|[/\\])(\.(?!\.?[/\\])|__MACOSX/|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
PHOTO = re.compile(r"\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|hei[cf]|avif)$|(^|/)[^./]+$", re.IGNORECASE)
NESTED = re.compile(r"\.(zip|rar|7z|tar|t?gz|t?bz2|t?xz|zst|cab|jar)$", re.IGNORECASE)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes of memory

# They complete a sentence that starts with the entry's name.
NOT_A_PHOTO = "is not a photo Kith can read and was left out"
IS_NESTED = "is an archive inside an archive and was left out"
IS_LINK = "is a link to a file and not a photo"
IS_LOCKED = "is locked with a password and was left out"
PACKED_ODDLY = "is packed in a way Kith does not read and was left out"
IS_DAMAGED = "is damaged inside the archive and was left out"


class BadArchive(ValueError):
    """Nothing is taken from this archive; the message is a reason to show after its name."""


class BadEntry(ValueError):
    """This entry is left out; the message is a reason to show after its name."""


@dataclass(frozen=True)
class Entry:
    """A file in an archive: its label with folders, and why it is left out unread ("" if it is not)."""

    name: str
    reason: str
    info: zipfile.ZipInfo

    @property
    def folder(self) -> str:
        """The topmost folder it is in; "" for none."""
        parts = [part for part in re.split(r"[/\\]", self.name)[:-1] if part.strip(". ")]
        return parts[0] if parts and not re.fullmatch("[A-Za-z]:", parts[0]) else ""


class UntrustedArchive:
    """An open archive that was checked as a whole. `entries` are always the same, in the same order.

    Raises BadArchive: it is damaged, or built to do harm. OSError: the disk is to blame.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            _check_directory_size(self._file)
            self._zip = _opened(self._file)
            infos = self._zip.infolist()
            _check_overlaps(infos, end=self._zip.start_dir)
            self.entries = [entry for info in infos if (entry := _entry(info))]
            _check_total([entry.info.file_size for entry in self.entries if not entry.reason], path.stat().st_size)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._file.close()

    def unpack(self, entry: Entry) -> IncomingFile:
        """Let an entry arrive as an upload does. Raises BadEntry.

        What it says about its size is not believed: more than a photo may have is not written.
        """
        if entry.reason:
            raise BadEntry(entry.reason)
        incoming = IncomingFile(entry.name)
        try:
            for chunk in self._chunks(entry):
                incoming.receive(chunk)
                if incoming.is_too_large:
                    break
        except BaseException:
            incoming.close()
            raise
        incoming.finish()
        return incoming

    def _chunks(self, entry: Entry) -> Iterator[bytes]:
        try:
            with self._zip.open(entry.info) as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BadEntry(IS_DAMAGED) from error
        except (NotImplementedError, RuntimeError) as error:
            raise BadEntry(PACKED_ODDLY) from error


def _check_directory_size(file: BinaryIO) -> None:
    """Look at the record that says how large the directory is, before zipfile reads all of it."""
    # The function ZipFile itself will use, so that nothing can mean one thing to us and another to it.
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if not end:
        raise BadArchive("is not an archive Kith can read: its directory is missing")
    entries, size = end[zipfile._ECD_ENTRIES_TOTAL], end[zipfile._ECD_SIZE]  # type: ignore[attr-defined]
    if entries > MOST_ENTRIES or size > MOST_DIRECTORY_BYTES:
        raise BadArchive(_too_many())


def _opened(file: BinaryIO) -> zipfile.ZipFile:
    try:
        opened = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
        raise BadArchive("is damaged: its directory cannot be read") from error
    if len(opened.infolist()) > MOST_ENTRIES:  # it need not hold as many as it says
        raise BadArchive(_too_many())
    return opened


def _too_many() -> str:
    return f"holds more than {MOST_ENTRIES:,} files. Split it, or add its folder instead"


def _check_overlaps(infos: list[zipfile.ZipInfo], *, end: int) -> None:
    """Refuse entries that share bytes: that is how 20 kB are made to hold gigabytes (CVE-2024-0450)."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    starts = [info.header_offset for info in ordered] + [end]
    for info, following in zip(ordered, starts[1:], strict=True):
        if info.header_offset + LOCAL_HEADER_BYTES + info.compress_size > following:
            raise BadArchive("is built to do harm: files in it share their bytes. Nothing was taken from it")


def _check_total(sizes: list[int], archive_size: int) -> None:
    """Refuse to unpack far more than was sent. Entries that are too large are not counted: nobody unpacks them."""
    total = sum(size for size in sizes if size <= settings.KITH_MAX_FILE_BYTES)
    if total > archive_size * MOST_TIMES_LARGER:
        raise BadArchive(f"would become more than {MOST_TIMES_LARGER} times as large. Nothing was taken from it")


def _entry(info: zipfile.ZipInfo) -> Entry | None:
    """What an entry is; None for what no user put there."""
    if info.is_dir() or JUNK.search(info.filename):
        return None
    return Entry(info.filename, _reason(info), info)


def _reason(info: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(info.external_attr >> 16):
        return IS_LINK
    if NESTED.search(info.filename):
        return IS_NESTED
    if not PHOTO.search(info.filename):
        return NOT_A_PHOTO
    if info.flag_bits & 0x1:
        return IS_LOCKED
    if info.compress_type not in METHODS:
        return PACKED_ODDLY
    if info.file_size > settings.KITH_MAX_FILE_BYTES:
        return f"is larger than {settings.KITH_MAX_FILE_BYTES // 1024**2} MB and was left out"
    return ""
