"""Asks the decoding server about a picture, and restarts it when it is gone."""

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

BASE_DIR = Path(__file__).resolve().parent.parent.parent
RGB_BYTES = 3  # a pixel
SHARED_BYTES = 16 * 1024**2  # what stays of the shared file, so that the next picture needs no new memory
WALL_SECONDS = 60  # for one picture, kept by the server
ANSWER_SECONDS = WALL_SECONDS + 10  # a server that keeps silent for longer hangs itself
PROGRAM = ("-m", "photos.decoding.server")

TOO_DEMANDING = "needs more memory or time than a photo should and was left out"


class Rejected(ValueError):
    """Kith does not take this picture; the message is a reason to show after the file's name."""

    @property
    def is_for_want_of_memory(self) -> bool:
        """Whether there was not enough memory or time, of which there may be more another time."""
        return str(self) == TOO_DEMANDING


@dataclass(frozen=True)
class Inspected:
    """What a picture is: its media type and its upright size in pixels."""

    media_type: str
    extension: str
    width: int
    height: int
    is_damaged: bool  # it breaks off, and what can be read of it can be shown


@dataclass(frozen=True)
class Details:
    """What the camera wrote into a picture. exposure: as `photos.decoding.metadata.read_metadata` gives it."""

    taken_at: str | None  # ISO 8601, without offset when the camera gave none
    latitude: float | None
    longitude: float | None
    camera: str
    exposure: dict[str, Any]


@dataclass(frozen=True)
class Derived(Details):
    """What the camera wrote into a picture, and a hash of what it shows."""

    perceptual_hash: str  # 64 characters of 0 and 1


def inspect(path: Path, *, max_pixels: int) -> Inspected:
    """Decode a picture once, completely, and say what it is. Raises Rejected."""
    return Inspected(**_server.ask("inspect", path=str(path), max_pixels=max_pixels))


def derive(path: Path, *, small: Path, large: Path) -> Derived:
    """Write the two WebP derivatives of a picture and read its metadata. Raises Rejected."""
    return Derived(**_server.ask("derive", path=str(path), small=str(small), large=str(large)))


def pixels(path: Path, *, min_side: int) -> Image.Image:
    """Decode a picture as `ml.images.open_upright` does, elsewhere. Raises Rejected."""
    return _server.picture(path=str(path), min_side=min_side)


def details(path: Path) -> Details:
    """Read a picture's metadata again, without decoding the picture. Raises Rejected."""
    return Details(**_server.ask("details", path=str(path)))


class _Server:
    """The server process of this process. One picture at a time: two cores have no use for more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._shared = -1  # the file in which it leaves pixels, a new one for each process
        self._owner = 0
        self._asked = 0

    def ask(self, job: str, **arguments: Any) -> dict[str, Any]:
        with self._lock:
            return self._ask(job, arguments)

    def picture(self, **arguments: Any) -> Image.Image:
        with self._lock:
            size = self._ask("pixels", arguments)
            width, height = int(size["width"]), int(size["height"])
            content = os.pread(self._shared, width * height * RGB_BYTES, 0)
            if len(content) > SHARED_BYTES:
                os.ftruncate(self._shared, SHARED_BYTES)
        return Image.frombytes("RGB", (width, height), content)

    def _ask(self, job: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._exchange(job, arguments)
            if answer is None:  # somebody killed the server: the picture is not to blame
                self._stop()
                answer = self._exchange(job, arguments)
        except BaseException:  # interrupted: nobody must read this answer as the next picture's
            self._stop()
            raise
        if answer is None:
            raise OSError("The decoding process does not start.")
        if "failed" in answer:
            raise OSError(*answer["failed"])
        if "rejected" in answer:
            raise Rejected(answer["rejected"])
        result: dict[str, Any] = answer["result"]
        return result

    def _exchange(self, job: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Ask once. None: the server is gone, hangs, or answered something else."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        self._asked += 1
        question = {"number": self._asked, "job": job, "arguments": arguments}
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            line = _line_of(process.stdout.fileno())
        except OSError:
            return None
        answer: dict[str, Any] = json.loads(line) if line else {}
        return answer if answer.get("number") == self._asked else None

    def _running(self) -> subprocess.Popen[bytes]:
        # After a fork the pipes belong to the parent: a child starts its own server.
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._stop()
            self._owner = os.getpid()
            self._shared = _unnamed_file()
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, *PROGRAM, str(self._shared)],
                pass_fds=[self._shared],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                cwd=BASE_DIR,
                # NumPy's own threads only make a process larger, and so slower to fork.
                env=dict(os.environ) | {"OPENBLAS_NUM_THREADS": "1"},
            )
        return self._process

    def _stop(self) -> None:
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.communicate()
            # Not used again: a child of the server that hangs may still write to it.
            os.close(self._shared)
        self._process = None


def _unnamed_file() -> int:
    """A file of this process, in memory where that is possible, which goes when nobody has it open any more."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _line_of(handle: int) -> bytes:
    """Read one line; b"" when the other end is gone or takes too long."""
    deadline = time.monotonic() + ANSWER_SECONDS
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([handle], [], [], max(deadline - time.monotonic(), 0))[0]:
            return b""
        chunk = os.read(handle, 1 << 16)
        if not chunk:
            return b""
        line += chunk
    return line


_server = _Server()
atexit.register(_server._stop)
