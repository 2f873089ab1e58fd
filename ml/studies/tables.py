"""Prints a table and keeps it as CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table


def write_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]], path: Path) -> None:
    """Print a table and write it as CSV."""
    table = Table(*header, title=title)
    for row in rows:
        table.add_row(*[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row])
    Console().print(table)
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows([header, *rows])
