"""Whether this worker was asked to end: tasks then finish what they hold, and put the rest back in line.

The request reaches a worker's main process; tasks run in its children. Both see the same byte of memory, which is
made before any of them is forked.
"""

import mmap

_asked = mmap.mmap(-1, 1)


def ask() -> None:
    _asked[0] = 1


def is_asked() -> bool:
    return bool(_asked[0])
