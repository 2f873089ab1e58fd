"""Chooses how exactly a CPU computes embeddings. Detection is always in full precision: it decides by thresholds."""

from __future__ import annotations

import platform
from collections.abc import Collection
from pathlib import Path
from typing import Literal

Precision = Literal["f32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16", "int8")

# As Linux names what a processor can do. Elsewhere we do not ask, and take int8.
NATIVE_BF16 = {"amx_bf16", "avx512_bf16"}


def choose_precision(wanted: str, *, has_int8: bool, flags: Collection[str], machine: str) -> Precision:
    """Return the precision to embed in.

    Args:
        wanted: "auto" takes bf16 where the processor multiplies such numbers (as fast as int8, and closer to f32), else
            int8 on x86, else f32; or one of `PRECISIONS`.
        has_int8: whether the model has an int8 form.
        flags: what the processor can do, as by `processor_flags`.
        machine: as by `platform.machine`; only x86 has been measured.

    Raises:
        ValueError: there is no such precision, or the model has no int8 form.
    """
    if wanted == "auto":
        if NATIVE_BF16 & set(flags):
            return "bf16"
        return "int8" if has_int8 and machine.lower() in {"x86_64", "amd64"} else "f32"
    for precision in PRECISIONS:
        if precision == wanted:
            if precision == "int8" and not has_int8:
                raise ValueError("precision int8: this model has no such form")
            return precision
    raise ValueError(f"precision must be auto, {', '.join(PRECISIONS)}, not {wanted}")


def this_machine() -> str:
    return platform.machine()


def processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What this processor can do, in Linux's words; empty on other systems."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))
