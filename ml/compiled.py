"""Compiles the few loops that neither numpy nor OpenVINO runs fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

Kernel = Callable[..., Any]


def compiled(signature: str, *, fused: bool = False) -> Callable[[Kernel], Kernel]:
    """Turn a function into machine code that runs without the interpreter's lock, so that lanes run side by side.

    The code is compiled where the function is defined and kept for later starts, in `__pycache__` beside the module,
    else in the user's cache folder, or in NUMBA_CACHE_DIR where that is set. Where none of these can be written to or
    read, each start compiles anew, some seconds.

    Args:
        signature: types of the result and the arguments, in numba's words; without it each new type of argument would
            compile again, in the middle of work.
        fused: let products and sums be rounded once instead of twice, as convolutions everywhere do.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract"} if fused else False}

    def compile_it(function: Kernel) -> Kernel:
        try:
            kernel: Kernel = numba.njit(signature, cache=True, **options)(function)
        except Exception:
            # Nowhere to keep it, a full disk, a file cut short by a power failure: numba knows no common error for
            # these, and no start may fail on them. What is wrong with the function itself comes up again here.
            kernel = numba.njit(signature, **options)(function)
        return kernel

    return compile_it
