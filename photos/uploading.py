"""Receives the bytes of an upload: hashed while they stream, flushed before they count."""

import contextlib
import hashlib
import io
import os
import re
import time
import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from photos import media_folder
from photos.faults import fault
from photos.storage import INCOMING

STALE_AFTER_SECONDS = 3600
ARCHIVE_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # of a ZIP archive, and of one with nothing in it
FORM_BYTES = 1 << 20  # what a form may hold besides its file
LENT_SECONDS = 180  # a picture that is only looked at goes soon, also when those who look are killed

P = ParamSpec("P")


class IncomingFile(UploadedFile):  # type: ignore[type-arg]  # generic only for the checker
    """A file on its way in, as `incoming/<uuid>.part` beside its final place.

    Whoever takes it over renames the part. Closing removes one that nobody renamed, and
    Django closes the files of every request.

    A disk that refuses the bytes is noted as `trouble`, not raised: the file is read to its
    end, so that the answer can name it and the files behind it still arrive.
    """

    def __init__(self, name: str, *, may_be_archive: bool = False) -> None:
        self.flushed_path = _incoming_path() / f"{uuid.uuid4().hex}.part"
        self.trouble: OSError | None = None
        self.is_archive = False
        self._may_be_archive = may_be_archive
        self._hash = hashlib.sha256()
        self._part = self._opened()
        super().__init__(file=self._part, name=name, size=0)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def is_too_large(self) -> bool:
        return (self.size or 0) > self.most_bytes

    @property
    def most_bytes(self) -> int:
        return settings.KITH_MAX_ARCHIVE_BYTES if self.is_archive else settings.KITH_MAX_FILE_BYTES

    def receive(self, chunk: bytes) -> None:
        """Add bytes. Too large: keep reading so that the answer reaches the browser, keep nothing."""
        if not self.size and self._may_be_archive:
            self.is_archive = chunk.startswith(ARCHIVE_STARTS)
        self.size = (self.size or 0) + len(chunk)
        self._hash.update(chunk)
        if self.trouble is None and not self.is_too_large:
            try:
                self._part.write(chunk)
                fault("part-begun")
            except OSError as error:
                self._give_up(error)

    def finish(self) -> None:
        """Flush what arrived to the disk. No handle stays open: a form may bring a thousand files."""
        if self.trouble is None:
            try:
                self._part.flush()
                os.fsync(self._part.fileno())
                self._part.close()
                fault("part-flushed")
            except OSError as error:
                self._give_up(error)

    def lend(self) -> str:
        """Let another process read the file until it is closed; return the name `lent_file` finds it by."""
        name = uuid.uuid4().hex
        os.utime(self.flushed_path)  # its time as a lent file begins now
        self.flushed_path = self.flushed_path.replace(lent_file(name))
        return name

    def close(self) -> None:
        # A full disk refuses what is still in the buffer once more.
        with contextlib.suppress(OSError):
            super().close()
        with contextlib.suppress(OSError):  # gone, most of the time: it was taken over
            self.flushed_path.unlink()

    def _opened(self) -> BinaryIO:
        try:
            incoming_folder()
            return cast(BinaryIO, self.flushed_path.open("x+b"))
        except OSError as error:
            self.trouble = error
            return io.BytesIO()

    def _give_up(self, error: OSError) -> None:
        self.trouble = error
        self.close()  # at once: others may need the space


class HashingUploadHandler(FileUploadHandler):
    """Makes an IncomingFile of each file, and removes what nobody took over."""

    def __init__(self, *args: Any, archives: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.archives = archives
        self.incoming: list[IncomingFile] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        assert self.file_name is not None
        self.incoming.append(IncomingFile(self.file_name, may_be_archive=self.archives))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.incoming[-1].receive(raw_data)

    def file_complete(self, file_size: int) -> IncomingFile:
        self.incoming[-1].finish()
        return self.incoming[-1]

    def close(self) -> None:
        for file in self.incoming:
            file.close()


class NoFilesUploadHandler(FileUploadHandler):
    """Reads past files: nobody fills the disk through the sign-in page."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def receives_files(view: Callable[P, HttpResponse], *, archives: bool = False) -> Callable[P, HttpResponse]:
    """Let a view receive files, and leave none behind, whatever happens. Archives may be larger than photos.

    Checking the CSRF token reads the whole request, and the middleware does so before it is
    known who asks. Here it waits until LoginRequiredMiddleware has let the request pass.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def receive(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request: Any = args[0]
        handler = HashingUploadHandler(request, archives=archives)
        request.upload_handlers = [handler]
        try:
            return protected(*args, **kwargs)
        finally:
            handler.close()

    return receive


def receives_files_and_archives(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    return receives_files(view, archives=True)


def refuses_what_is_too_long(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Answer at once when a request says that it is larger than any file may be, without reading it."""

    @wraps(view)
    def refuse(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request: Any = args[0]
        most = max(settings.KITH_MAX_FILE_BYTES, settings.KITH_MAX_ARCHIVE_BYTES)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > most + FORM_BYTES:
            limit = most // 1024**2
            message = _("The file is larger than %(limit)s MB and was left out.") % {"limit": limit}
            return JsonResponse({"message": message}, status=413)
        return view(*args, **kwargs)

    return refuse


def incoming_folder() -> Path:
    """Where files arrive. Raises OSError: the media folder is not there, or takes nothing."""
    media_folder.require()
    folder = _incoming_path()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def lent_file(name: str) -> Path:
    """Where the file lent under a name is, or was. Raises ValueError for what is no name of ours."""
    if not re.fullmatch("[0-9a-f]{32}", name):
        raise ValueError("This is not the name of a lent file.")
    return _incoming_path() / f"{name}.lent"


def receive_local_file(source: Path, *, name: str) -> IncomingFile:
    """Copy a file of this machine the way an upload arrives; the source is not touched."""
    with source.open("rb") as file:
        incoming = IncomingFile(name)
        try:
            while chunk := file.read(1 << 20):
                incoming.receive(chunk)
        except BaseException:
            incoming.close()
            raise
    incoming.finish()
    return incoming


def sweep_incoming() -> int:
    """Remove parts that no upload has touched for an hour and files lent long ago, and return how many."""
    folder = _incoming_path()
    stale = [path for path in folder.glob("*.part") if age_of(path) > STALE_AFTER_SECONDS]
    stale += [path for path in folder.glob("*.lent") if age_of(path) > LENT_SECONDS]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def age_of(path: Path) -> float:
    """Seconds since the last write; 0 for a part that was taken over while we looked."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0


def _incoming_path() -> Path:
    return Path(settings.MEDIA_ROOT) / INCOMING
