"""What the machine is that figures were taken on."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from ml.device import cores_available

# Of the processor's flags, those that decide how fast networks run.
INSTRUCTION_SETS = (
    "sse4_2", "avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "sve", "bf16", "i8mm",
)  # fmt: skip
LIBRARIES = ("torch", "openvino", "facenet-pytorch", "numpy", "pillow")


def describe_machine() -> dict[str, object]:
    """Cores, processor, instruction sets and versions, ready for JSON. What cannot be found out is left empty."""
    facts = _processor_facts()
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    return {
        "cores": cores_available(),
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _processor_facts() -> dict[str, str]:
    """The first processor's entry of /proc/cpuinfo, which only Linux has."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
