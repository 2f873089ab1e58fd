"""Draws curves, histograms and bars as SVG, coloured by the page they are put into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_number, checked_numbers

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 48  # around the area that is plotted
# More points than this along a curve no screen shows.
MOST_POINTS = 400


@dataclass(frozen=True)
class Axis:
    """One axis: its ends, the numbers written along it, and what they mean. A logarithmic one starts above 0.

    Raises:
        ValueError: low or high is no finite number, high is not above low, or low not above 0 where it must be.
    """

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    label: str
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if checked_number("high", self.high) <= checked_number("low", self.low):
            raise ValueError(f"high must be above low, {self.low}, not {self.high}")
        if self.logarithmic and self.low <= 0:
            raise ValueError(f"low must be above 0 on a logarithmic axis, not {self.low}")

    def shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far along the axis values lie, from 0 to 1; those beyond its ends at the end. Shape (n,), finite."""
        values = checked_numbers("values", values, None)
        inside = np.clip(values, self.low, self.high)
        if self.logarithmic:
            shares = np.log(inside / self.low) / np.log(self.high / self.low)
        else:
            shares = (inside - self.low) / (self.high - self.low)
        return np.asarray(shares, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Series:
    """What one line or one set of bars shows. points: shape (n, 2): x, y. style: a class of the page.

    Raises:
        ValueError: points has another shape, or holds what is no finite number.
    """

    name: str
    style: str
    points: NDArray[np.float64]

    def __post_init__(self) -> None:
        checked_numbers("points", self.points, None, 2)


def percent_axis(label: str, low: float = 0.0, high: float = 1.0, steps: int = 5) -> Axis:
    """Shares, written as per cent.

    Raises:
        ValueError: as for `Axis`; or steps is not at least 1.
    """
    checked_count("steps", steps)
    values = np.linspace(low, high, steps + 1)
    digits = 0 if np.allclose(values * 100, np.round(values * 100)) else 1
    return Axis(low, high, [(float(value), f"{100 * value:.{digits}f}") for value in values], f"{label}, %")


def line_plot(title: str, x: Axis, y: Axis, series: Sequence[Series], *, steps: bool = False) -> str:
    """Curves over one another. steps: a value holds until the next one, as in a receiver operating characteristic."""
    lines = []
    for one in series:
        points = _as_steps(one.points) if steps else one.points
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in _thinned(_placed(points, x, y)))
        lines.append(f'<polyline class="line {one.style}" points="{path}"/>')
    return _framed(title, x, y, lines) + _legend(series, mark="line")


def histogram(title: str, x: Axis, series: Sequence[Series], *, marked: float | None = None) -> str:
    """Shares of values by size, as areas. points: left edge of each bin and the share in it; bins of one width."""
    highest = max((float(one.points[:, 1].max(initial=0)) for one in series), default=0) or 1.0
    y = percent_axis("share", 0.0, _round_up(highest), 4)
    areas = []
    for one in series:
        width = (x.high - x.low) / max(len(one.points), 1)
        edges = np.repeat(one.points[:, 0], 2) + np.tile([0, width], len(one.points))
        top = np.stack([edges, np.repeat(one.points[:, 1], 2)], axis=1)
        closed = np.concatenate([[[x.low, 0]], top, [[x.high, 0]]])
        path = " ".join(f"{left:.1f},{down:.1f}" for left, down in _placed(closed, x, y))
        areas.append(f'<polygon class="area {one.style}" points="{path}"/>')
    if marked is not None:
        (left, _), *_ = _placed(np.array([[marked, 0.0]]), x, y)
        areas.append(f'<line class="mark" x1="{left:.1f}" x2="{left:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    return _framed(title, x, y, areas) + _legend(series, mark="line solid")


def bar_plot(title: str, label: str, names: Sequence[str], shares: Sequence[float], value_label: str) -> str:
    """One bar a name, as tall as its share.

    Raises:
        ValueError: shares are not one finite number a name.
    """
    checked_numbers("shares", shares, len(names))
    y = percent_axis(value_label, 0.0, _round_up(max(shares, default=0.0)), 4)
    step = 1 / max(len(names), 1)
    x = Axis(0, 1, [((place + 0.5) * step, name) for place, name in enumerate(names)], label)
    bars = []
    for place, share in enumerate(shares):
        (left, top), (right, bottom) = _placed(
            np.array([[(place + 0.14) * step, share], [(place + 0.86) * step, 0]]), x, y
        )
        size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
        said = f"<title>{escape(names[place])}: {100 * share:.1f} %</title>"
        bars.append(f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" {size} rx="2">{said}</rect>')
    return _framed(title, x, y, bars)


def _round_up(share: float) -> float:
    """The next handsome end of an axis from 0."""
    ends = (0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    return next((end for end in ends if share <= end), 1.0)


def _as_steps(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add a corner before each point, straight right of the one before."""
    if len(points) < 2:
        return points
    corners = np.stack([points[1:, 0], points[:-1, 1]], axis=1)
    return np.concatenate([points[:1], np.stack([corners, points[1:]], axis=1).reshape(-1, 2)])


def _placed(points: NDArray[np.float64], x: Axis, y: Axis) -> NDArray[np.float64]:
    """Where points lie in the picture."""
    across = LEFT + x.shares(points[:, 0]) * (WIDTH - LEFT - RIGHT)
    down = HEIGHT - BOTTOM - y.shares(points[:, 1]) * (HEIGHT - TOP - BOTTOM)
    return np.stack([across, down], axis=1)


def _thinned(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without points that lie on the same tenth of a pixel, and not more than a screen shows."""
    if not len(places):
        return places
    rounded = np.round(places, 1)
    kept = np.flatnonzero(np.append(True, (np.diff(rounded, axis=0) != 0).any(axis=1)))
    if len(kept) > MOST_POINTS:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, MOST_POINTS).astype(int))]
    return np.take(places, kept, axis=0)


def _framed(title: str, x: Axis, y: Axis, drawn: Sequence[str]) -> str:
    """A drawing with its axes."""
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for place, (_, text) in zip(y.shares(np.array([tick for tick, _ in y.ticks])), y.ticks, strict=True):
        down = HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down:.1f}" y2="{down:.1f}"/>')
        parts.append(f'<text class="y" x="{LEFT - 8}" y="{down + 4:.1f}">{escape(text)}</text>')
    for place, (_, text) in zip(x.shares(np.array([tick for tick, _ in x.ticks])), x.ticks, strict=True):
        across = LEFT + place * (WIDTH - LEFT - RIGHT)
        parts.append(f'<text class="x" x="{across:.1f}" y="{HEIGHT - BOTTOM + 18}">{escape(text)}</text>')
    parts.extend(drawn)
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(f'<text class="x label" x="{middle:.0f}" y="{HEIGHT - 6}">{escape(x.label)}</text>')
    halfway = TOP + (HEIGHT - TOP - BOTTOM) / 2
    turned = f'transform="rotate(-90 14 {halfway:.0f})"'
    parts.append(f'<text class="x label" x="14" y="{halfway:.0f}" {turned}>{escape(y.label)}</text></svg>')
    return "".join(parts)


def _legend(series: Sequence[Series], *, mark: str) -> str:
    """The names of series, each beside a stroke in its colour."""
    entries = (
        f'<li><svg viewBox="0 0 28 8"><line class="{mark} {one.style}" x1="1" x2="27" y1="4" y2="4"/></svg>'
        f"{escape(one.name)}</li>"
        for one in series
    )
    return f'<ul class="legend">{"".join(entries)}</ul>'
