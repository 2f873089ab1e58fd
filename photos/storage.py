"""Files that are on the disk, whole, before anybody is told so."""

import os
import uuid
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

INCOMING = "incoming"  # the folder of files on their way in, on the same file system as all others


@deconstructible
class DurableStorage(FileSystemStorage):
    """A file system storage whose names are content-addressed or belong to one row.

    A file appears under its final name in one step (rename) and only after its
    bytes and its folder are flushed, so that a power cut leaves all of it or none.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        # The same name means the same content (originals) or a newer version of
        # the same thing (thumbnails): never invent "photo_x7f3.jpg".
        return name

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self._flushed_file(content)
        try:
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        flush_folder(target.parent)
        return name

    def _flushed_file(self, content: File) -> Path:  # type: ignore[type-arg]
        """Return a flushed file with this content on the target's file system."""
        arrived = getattr(content, "flushed_path", None)
        if arrived is not None:
            return Path(arrived)
        # Where uploads are begun, too: what is left there by a process that was killed is swept away.
        folder = Path(self.location) / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{uuid.uuid4().hex}.part"
        try:
            with temporary.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary


def write_whole(path: Path, text: str) -> None:
    """Put a text into a file that holds all of it or, after a power cut, what it held before."""
    part = path.with_name(f".{path.name.removeprefix('.')}.{uuid.uuid4().hex}.part")
    with part.open("x") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make a rename inside this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
