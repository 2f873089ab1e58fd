"""Named steps at which tests stop a process of Kith, to see that nothing is lost. Off unless KITH_FAULT is set.

KITH_FAULT is either a step, or several with commas between them: whatever process comes to one of them is killed, each
time anew. Or it is a folder: a file in it with the name of a step stops the first process that comes there. That one
writes its number into the file, under the name `<step>.hit`, and waits until the file is gone, or until it is killed.
A file `<step>@<SHA-256>` makes a photo poison: what it holds, one of PAINS, is what happens to whoever decodes it.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

# Of what each is in the middle. Who adds a call of `fault` adds its step here (tests/reliability).
STEPS = {
    "part-begun": "the first bytes of an upload are written",
    "part-flushed": "all bytes of an upload are on the disk, under a passing name",
    "upload-inspected": "the decoding gate has let an upload pass",
    "photo-row": "the row of a photo is written, and not committed",
    "photo-renamed": "the original has its final name, and its row is not committed",
    "photo-committed": "the photo is stored; nobody was told",
    "wakeup-sent": "a worker was told that there is work",
    "upload-recorded": "the batch knows the photo; the browser was not answered",
    "archive-kept": "an archive lies in its place, and its row is not committed",
    "entry-taken": "a file of an archive was taken in; the archive does not know",
    "thumbnails-claimed": "a worker has taken photos from the work list",
    "thumbnails-made": "thumbnails are written under passing names",
    "thumbnails-renamed": "thumbnails have their final names; the row does not name them",
    "thumbnails-committed": "thumbnails are there; nobody was told",
    "faces-claimed": "the ML worker has taken photos from the work list",
    "faces-opened": "photos are decoded; the networks have not looked at them",
    "faces-embedded": "faces are found and embedded; nothing is stored",
    "crop-written": "the picture of a face is written; its row is not",
    "face-rows": "the rows of faces are written, and not committed",
    "faces-committed": "the faces of a photo are stored; the worker goes on",
    "embedded-again": "faces have a new embedding, and it is not committed",
    "groups-begun": "a run of grouping has noted that it began",
    "groups-written": "groups are written, and not committed",
    "groups-committed": "groups are stored; suggestions were not asked for",
    "suggestions-begun": "suggestions are about to be worked out",
    "suggestions-written": "suggestions are written, and not committed",
    "suggestions-committed": "suggestions are stored, questions are not ranked",
    "answer-written": "an answer about faces is written, and not committed",
    "undo-written": "an answer is taken back, and that is not committed",
    "trash-written": "photos are put into the trash, and that is not committed",
    "purge-crops": "the crops of a photo deleted for good are gone, its row is not",
    "purge-files": "all files of a photo deleted for good are gone, its row is not",
    "purge-rows": "its row is deleted, and that is not committed",
}
# Not come to by a photo, but by who learns from answers.
LEARNING_STEPS = {
    "own-projection-progress": "learning has noted how far it is",
    "own-projection-learnt": "an own projection is learnt, and not stored",
    "own-rows-written": "some faces have rows of it, and that is not committed",
}
LOTS_OF_BYTES = 8 * 1024**3
LONGEST_STOP = 60.0  # a test that forgot us must not leave us standing
LOOK_EVERY = 0.01


def fault(step: str, *, of: str = "") -> None:
    """Stop here if a test asked for it. of: the photo this is about."""
    _stop_at(step, of)


def _chosen(wanted: str) -> Callable[[str, str], None]:
    if not wanted:
        return lambda step, of: None
    if "/" in wanted:
        return lambda step, of: _suffer_if_asked(Path(wanted), step, of) if of else _wait_if_asked(Path(wanted), step)
    steps = frozenset(wanted.split(","))
    return lambda step, of: os.kill(os.getpid(), signal.SIGKILL) if step in steps else None


def _wait_if_asked(folder: Path, step: str) -> None:
    asked, hit = folder / step, folder / f"{step}.hit"
    try:
        asked.rename(hit)  # one process only
    except FileNotFoundError:
        return
    hit.write_text(f"{os.getpid()}\n")
    end = time.monotonic() + LONGEST_STOP
    while hit.exists() and time.monotonic() < end:
        time.sleep(LOOK_EVERY)


def _suffer_if_asked(folder: Path, step: str, of: str) -> None:
    asked = folder / f"{step}@{of}"
    if asked.exists():
        PAINS[asked.read_text()]()


def _fail() -> None:
    raise RuntimeError("This photo is poison, for a test.")


def _fill_the_memory() -> None:
    some = b"x" * LOTS_OF_BYTES
    raise RuntimeError(f"There was room for {len(some)} bytes.")


def _never_end() -> None:
    while True:
        pass


PAINS = {
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "endless": _never_end,
    "memory": _fill_the_memory,
    "exception": _fail,
}
_stop_at = _chosen(os.environ.get("KITH_FAULT", ""))
