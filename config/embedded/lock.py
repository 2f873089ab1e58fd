"""A lock on a folder that the kernel releases when its holder ends, however it ends."""

import fcntl
import os
from pathlib import Path

from config.embedded.errors import EmbeddedError


class FolderLock:
    """An exclusive lock kept in a file, which also says who holds it.

    The file is never removed: a second process could then lock a new file of
    the same name while the first still holds the old one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is we who hold the lock."""
        return self._handle is not None

    def acquire(self) -> bool:
        """Take the lock if it is free and return whether we hold it now."""
        if self._handle is not None:
            return True
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError as error:
            raise EmbeddedError(
                f"{self.path} belongs to another user: run Kith as that user, or set KITH_HOME to a folder of your own."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        self.write(str(os.getpid()))
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def write(self, note: str) -> None:
        """Replace the note that tells others who holds the lock."""
        assert self._handle is not None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, note.encode(), 0)

    def read(self) -> str:
        """Return the holder's note."""
        return self.path.read_text()
