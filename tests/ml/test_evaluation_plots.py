"""Plots put points where they belong, in well-formed SVG."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from ml.evaluation.plots import Axis, Series, bar_plot, histogram, line_plot, percent_axis

UNIT = Axis(0, 1, [(0, "0"), (1, "1")], "x")
LEFT_EDGE, RIGHT_EDGE, BOTTOM_EDGE, TOP_EDGE = 56, 544, 272, 14


def drawn(page):
    """The picture, parsed; the legend follows it."""
    return ET.fromstring(page.split("</svg>")[0] + "</svg>")


def points_of(page, tag="polyline"):
    shape = drawn(page).find(tag)
    return [tuple(map(float, pair.split(","))) for pair in shape.attrib["points"].split()]


def series(*points, name="a"):
    return Series(name, "yes", np.array(points, dtype=np.float64).reshape(-1, 2))


def test_corners_of_the_axes_are_corners_of_the_picture():
    page = line_plot("title", UNIT, percent_axis("y"), [series((0, 0), (1, 1))])

    assert points_of(page) == [(LEFT_EDGE, BOTTOM_EDGE), (RIGHT_EDGE, TOP_EDGE)]


def test_each_decade_is_as_wide_as_the_next():
    x = Axis(0.01, 1, [], "x", logarithmic=True)
    page = line_plot("title", x, percent_axis("y"), [series((0, 0), (0.01, 0), (0.1, 0), (1, 0))])

    assert [left for left, _ in points_of(page)] == [LEFT_EDGE, (LEFT_EDGE + RIGHT_EDGE) / 2, RIGHT_EDGE]


def test_steps_hold_until_the_next_point():
    page = line_plot("title", UNIT, percent_axis("y"), [series((0, 0), (1, 1))], steps=True)

    assert points_of(page) == [(LEFT_EDGE, BOTTOM_EDGE), (RIGHT_EDGE, BOTTOM_EDGE), (RIGHT_EDGE, TOP_EDGE)]


def test_long_curves_are_thinned_but_keep_their_ends():
    values = np.linspace(0, 1, 100_000)
    page = line_plot("title", UNIT, percent_axis("y"), [Series("a", "yes", np.stack([values, values], axis=1))])

    points = points_of(page)
    assert len(points) <= 400
    assert points[0] == (LEFT_EDGE, BOTTOM_EDGE)
    assert points[-1] == (RIGHT_EDGE, TOP_EDGE)


@pytest.mark.parametrize("points", [[], [(0.5, 0.5)]])
def test_short_curves_are_drawn(points):
    assert "<polyline" in line_plot("title", UNIT, percent_axis("y"), [series(*points)], steps=True)


def test_a_histogram_stands_on_its_axis():
    page = histogram("title", UNIT, [series((0, 0.1), (0.5, 0.4))], marked=0.5)

    points = points_of(page, "polygon")
    assert points[0] == (LEFT_EDGE, BOTTOM_EDGE)
    assert points[-1] == (RIGHT_EDGE, BOTTOM_EDGE)
    assert min(down for _, down in points) == TOP_EDGE  # the axis ends at 40 %
    assert f'x1="{(LEFT_EDGE + RIGHT_EDGE) / 2:.1f}"' in page


def test_bars_are_as_tall_as_their_shares():
    page = bar_plot("title", "x", ["poor", "good"], [0.4, 0.1], "wrong")

    heights = [float(bar.attrib["height"]) for bar in drawn(page).iter("rect")]
    assert heights == pytest.approx([BOTTOM_EDGE - TOP_EDGE, (BOTTOM_EDGE - TOP_EDGE) / 4], abs=0.1)


def test_names_cannot_break_the_page():
    page = line_plot('<b>"&', UNIT, percent_axis("<y>"), [series((0, 0), name="<i>")])

    assert drawn(page).attrib["aria-label"] == '<b>"&'
    assert not re.search(r"<i>|<y>", page)
