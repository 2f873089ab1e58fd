"""Draws lines over a numbered axis as SVG: the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ml.arguments import checked_number, checked_numbers

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 40, 50  # around the axes; the names of the lines stand on the right
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # told apart by the colour-blind too


@dataclass(frozen=True)
class Line:
    """xs, ys: of equal length; points whose y is not a finite number are left out.

    Raises:
        ValueError: xs and ys differ in length, or xs are not finite numbers.
    """

    name: str
    xs: Sequence[float]
    ys: Sequence[float]

    def __post_init__(self) -> None:
        if len(checked_numbers("xs", self.xs, None)) != len(self.ys):
            raise ValueError(f"xs and ys must be of one length, not {len(self.xs)} and {len(self.ys)}")


def line_plot(
    lines: Sequence[Line],
    *,
    title: str,
    across: str,
    up: str,
    logarithmic: bool = False,
    lowest: float = 0.0,
    highest: float = 1.0,
    ticks: Sequence[float] = (),
) -> str:
    """Draw lines.

    Args:
        lines: up to six.
        across, up: what the axes show.
        logarithmic: whether equal ratios take up equal widths; all xs are above 0 then.
        lowest, highest: ends of the upright axis.
        ticks: what is written along the other axis, ascending; by default each x.

    Returns:
        An SVG document.

    Raises:
        ValueError: lines has no point to show, more than six lines, or xs not above 0 where it must; or highest is not
            above lowest.
    """
    if checked_number("highest", highest) <= checked_number("lowest", lowest):
        raise ValueError(f"highest must be above lowest, {lowest}, not {highest}")
    if len(lines) > len(COLOURS):
        raise ValueError(f"lines must be at most {len(COLOURS)}")
    xs = np.array([x for line in lines for x in line.xs], dtype=float)
    if not xs.size:
        raise ValueError("lines have no points")
    if logarithmic and xs.min() <= 0:
        raise ValueError("lines must have xs above 0 on a logarithmic axis")
    ends = [min(xs.min(), *ticks), max(xs.max(), *ticks)] if ticks else [xs.min(), xs.max()]

    def place(x: float, y: float) -> str:
        first, last, at = np.log([*ends, x]) if logarithmic else np.array([*ends, x])
        right = (at - first) / max(last - first, 1e-9) * (WIDTH - LEFT - RIGHT)
        return f"{LEFT + right:.1f},{HEIGHT - BOTTOM - (y - lowest) / (highest - lowest) * (HEIGHT - TOP - BOTTOM):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" fill="#444">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    for y in np.linspace(lowest, highest, 6):
        height = place(ends[0], y).split(",")[1]
        parts.append(f'<path d="M{LEFT},{height}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{float(height) + 4:.1f}" text-anchor="end">{y:.2g}</text>')
    for x in ticks or np.unique(xs).tolist():
        across_place = place(x, lowest).split(",")[0]
        parts.append(f'<text x="{across_place}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:.3g}</text>')
    for number, (line, colour) in enumerate(zip(lines, COLOURS, strict=False)):
        points = [place(x, y) for x, y in zip(line.xs, line.ys, strict=True) if np.isfinite(y)]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 16 * number + 12}" fill="{colour}">{escape(line.name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])
