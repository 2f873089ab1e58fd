"""Compiles loops that numpy has no words for and that have to be fast."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config

Kernel = Callable[..., Any]

logger = logging.getLogger(__name__)

# Modules that write machine code which becomes part of compiled functions of other modules.
WRITERS = ("vectors.py",)


def compiled(signature: str) -> Callable[[Kernel], Kernel]:
    """Turn a function into machine code that runs without the interpreter's lock, so that lanes run side by side.

    The code is compiled where the function is defined and kept for later starts, in `__pycache__` beside the module,
    else in the user's cache folder, or in NUMBA_CACHE_DIR where that is set. Where none of these can be written to or
    read, each start compiles anew, some seconds.

    Args:
        signature: types of the result and the arguments, in numba's words; without it each new type of argument would
            compile again, in the middle of work.
    """

    def compile_it(function: Kernel) -> Kernel:
        try:
            return _kept(signature, function)
        except Exception:  # a file cut short by a power failure: numba knows no common error for these
            _forget(function)
        try:
            return _kept(signature, function)
        except Exception as error:
            # Nowhere to keep it, or a full disk; no start may fail on that. What is wrong with the function itself
            # comes up again here.
            logger.warning("%s is compiled at each start: %s", function.__qualname__, error)
            kernel: Kernel = numba.njit(signature, nogil=True)(function)
            return kernel

    return compile_it


def _kept(signature: str, function: Kernel) -> Kernel:
    kernel: Kernel = numba.njit(signature, cache=True, nogil=True)(function)
    return kernel


def _forget(function: Kernel) -> None:
    """Delete what is kept of a function."""
    for file in KEPT_IN.rglob(f"*.{function.__qualname__}-*.nb*"):
        file.unlink(missing_ok=True)


def _folder() -> Path:
    """Where compiled code is kept, another place for each way of writing machine code.

    numba notices by itself when the file of a function has changed, but not when one of `WRITERS` has.
    """
    writers = b"".join(Path(__file__).with_name(name).read_bytes() for name in WRITERS)
    written_by = hashlib.sha256(writers).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "kith")
    asked_for = os.environ.get("NUMBA_CACHE_DIR")
    places = [Path(asked_for)] if asked_for else [Path(__file__).parent / "__pycache__", cache]
    writable = [place for place in places if _can_be_written(place)]
    return (writable or places)[0] / f"compiled-{written_by}"


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


KEPT_IN = _folder()
config.CACHE_DIR = str(KEPT_IN)  # type: ignore[attr-defined]
