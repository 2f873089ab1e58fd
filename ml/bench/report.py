"""Figures of a run as JSON and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from ml.arguments import checked_count
from ml.bench.racing import Measurement, ratio

BASELINE, OURS = "facenet_pytorch", "kith"


def compared(measured: Mapping[str, Measurement], things: int) -> dict[str, Any]:
    """One comparison as JSON: seconds for each photo (or face) by contestant, and how many times as fast ours is.

    Args:
        measured: by contestant; holds `BASELINE` and `OURS`.
        things: photos or faces per round.

    Raises:
        ValueError: measured lacks one of the two, or things is not at least 1.
    """
    checked_count("things", things)
    if not {BASELINE, OURS} <= measured.keys():
        raise ValueError(f"measured must hold {BASELINE} and {OURS}")
    return {name: _figures(one, things) for name, one in measured.items()} | {
        "ratio": round(ratio(measured[BASELINE], measured[OURS]), 3)
    }


def _figures(one: Measurement, things: int) -> dict[str, Any]:
    return {
        "seconds": one.median_seconds / things,
        "processor_seconds": one.median_processor_seconds / things,
        "rounds": [seconds / things for seconds in one.seconds],
        "faces": one.faces,
        "peak_bytes": one.peak_bytes,
        "threads": one.threads,
    }


def show(figures: Mapping[str, Any], console: Console) -> None:
    """Print the comparisons of a run, each as a table, and the ratios."""
    machine = figures["machine"]
    sets = " ".join(machine["instruction_sets"])
    console.print(f"{machine['processor']}, {machine['cores']} cores ({sets}), median of {figures['rounds']} rounds")
    titles = {
        "detect": f"Detector, {figures['detect']['photos']} photos at 1920 x 1080, faces from 20 pixels",
        "embed.batch_8": "Embedder, 8 faces at a time",
        "embed.batch_32": "Embedder, 32 faces at a time",
        "pipeline": f"Whole loop, {figures['pipeline']['photos']} photos of {figures['pipeline']['megapixels']} MP",
    }
    for path, title in titles.items():
        part = figures
        for key in path.split("."):
            part = part[key]
        console.print(_table(title, "face" if path.startswith("embed") else "photo", part))
    cosine = figures["embed"]["cosine"]
    console.print(f"Embeddings against single precision: cosine {cosine['median']:.6f}, least {cosine['min']:.6f}.")
    for name, times in figures["ratio"].items():
        console.print(f"{name}: {times:.2f} times as fast as stock facenet-pytorch.")


def _table(title: str, thing: str, part: Mapping[str, Any]) -> Table:
    table = Table(title=f"{title}: {part['ratio']:.2f} times as fast", title_justify="left")
    for heading in ("", f"ms a {thing}", f"processor ms a {thing}", "faces", "peak MB", "threads"):
        table.add_column(heading, justify="left" if heading in ("", "threads") else "right")
    for name, one in part.items():
        if isinstance(one, dict) and "seconds" in one:
            table.add_row(
                name, f"{one['seconds'] * 1e3:.1f}", f"{one['processor_seconds'] * 1e3:.1f}", str(one["faces"]),
                f"{one['peak_bytes'] / 1e6:.0f}", one["threads"],
            )  # fmt: skip
    return table
