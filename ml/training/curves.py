"""Draws how a training went from its log:

python -m ml.training.curves LOG.csv CURVES.svg
"""

from __future__ import annotations

import sys
from pathlib import Path

from ml.studies.line_plot import Line, line_plot
from ml.training.trainer import EpochRow, read_log

LABELS = 6  # along the axis of epochs


def draw_curves(rows: list[EpochRow], *, title: str) -> str:
    """Loss, distances and validation by epoch, as an SVG document.

    Raises:
        ValueError: there are no rows.
    """
    epochs = [float(row.epoch) for row in rows]
    columns = {
        "loss, triplets mined": [row.loss for row in rows],
        "loss, all triplets": [row.loss_of_all for row in rows],
        "validation, area": [float("nan") if row.validation is None else row.validation for row in rows],
        "distance, same": [row.positive for row in rows],
        "distance, other": [row.negative for row in rows],
    }
    lines = [Line(name, epochs, values) for name, values in columns.items()]
    highest = max(1.0, *(row.negative for row in rows), *(row.positive for row in rows)) if rows else 1.0
    step = max(len(rows) // LABELS, 1)
    ticks = sorted({1.0, *epochs[step - 1 :: step]}) if rows else ()
    return line_plot(lines, title=title, across="epoch", up="mean over the epoch", highest=highest, ticks=ticks)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    target.write_text(draw_curves(read_log(source), title=f"Training, {source.parent.name}"), "utf-8")
