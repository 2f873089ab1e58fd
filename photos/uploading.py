"""Receives the bytes of an upload: hashed while they stream, flushed before they count."""

import hashlib
import os
import time
import uuid
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

STALE_AFTER_SECONDS = 3600


class IncomingFile(UploadedFile):  # type: ignore[type-arg]  # generic only for the checker
    """An uploaded file that is complete on disk. Whoever takes it over renames or discards it."""

    def __init__(self, path: Path, *, name: str, size: int, sha256: str, is_too_large: bool) -> None:
        super().__init__(file=path.open("rb"), name=name, size=size)
        self.flushed_path = path
        self.sha256 = sha256
        self.is_too_large = is_too_large

    def discard(self) -> None:
        self.close()
        self.flushed_path.unlink(missing_ok=True)


class HashingUploadHandler(FileUploadHandler):
    """Streams each file to `incoming/<uuid>.part` beside its final place."""

    part: BinaryIO
    path: Path

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.path = incoming_folder() / f"{uuid.uuid4().hex}.part"
        self.part = self.path.open("xb")
        self.hash = hashlib.sha256()
        self.size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.size += len(raw_data)
        # Too large: keep reading so that the answer reaches the browser, keep nothing.
        if self.size <= settings.KITH_MAX_FILE_BYTES:
            self.hash.update(raw_data)
            self.part.write(raw_data)

    def file_complete(self, file_size: int) -> IncomingFile:
        self.part.flush()
        os.fsync(self.part.fileno())
        self.part.close()
        assert self.file_name is not None
        return IncomingFile(
            self.path,
            name=self.file_name,
            size=self.size,
            sha256=self.hash.hexdigest(),
            is_too_large=self.size > settings.KITH_MAX_FILE_BYTES,
        )

    def upload_interrupted(self) -> None:
        if hasattr(self, "part"):
            self.part.close()
            self.path.unlink(missing_ok=True)


def incoming_folder() -> Path:
    folder = Path(settings.MEDIA_ROOT) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def receive_local_file(source: Path, *, name: str) -> IncomingFile:
    """Copy a file of this machine the way an upload arrives; the source is not touched."""
    handler = HashingUploadHandler()
    handler.new_file("file", name, "", None)
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            handler.receive_data_chunk(chunk, 0)
    return handler.file_complete(handler.size)


def sweep_incoming() -> int:
    """Remove parts that no upload has touched for an hour, and return how many."""
    stale = [
        path for path in incoming_folder().glob("*.part") if time.time() - path.stat().st_mtime > STALE_AFTER_SECONDS
    ]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
