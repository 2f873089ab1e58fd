"""Draws how a training went from its log:

python -m ml.training.curves LOG.csv CURVES.svg "A title"
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.studies.line_plot import Line, line_plot
from ml.training.trainer import EpochRow, read_log

LABELS = 6  # along the axis of epochs


def draw_curves(rows: Sequence[EpochRow], *, title: str) -> str:
    """Losses as a share of the first epoch's, validation, and how near people's own faces are, as an SVG document.

    Args:
        rows: of the log, one or more.
        title: written above.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("rows must be of one epoch or more")
    epochs = [float(row.epoch) for row in rows]
    first = rows[0]
    columns = {
        "loss, all triplets": [_ratio(row.loss_of_all, first.loss_of_all) for row in rows],
        "loss, mined ones": [_ratio(row.loss, first.loss) for row in rows],
        "validation, area": [math.nan if row.validation is None else row.validation for row in rows],
        "distance, same/other": [_ratio(row.positive, row.negative) for row in rows],
    }
    lines = [Line(name, epochs, values) for name, values in columns.items()]
    highest = max([1.0, *(value for values in columns.values() for value in values if math.isfinite(value))])
    step = max(len(rows) // LABELS, 1)
    ticks = sorted({1.0, *epochs[step - 1 :: step]})
    return line_plot(lines, title=title, across="epoch", up="losses: 1 = first epoch", highest=highest, ticks=ticks)


def _ratio(value: float, whole: float) -> float:
    return value / whole if whole else math.nan


if __name__ == "__main__":
    source, target, title = sys.argv[1:4]
    Path(target).write_text(draw_curves(read_log(Path(source)), title=title), "utf-8")
