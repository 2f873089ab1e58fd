import xml.etree.ElementTree as ElementTree

import pytest

from ml.studies.line_plot import Line, line_plot

LINES = [Line("a < b", [10, 20, 40], [0.0, 0.5, 1.0]), Line("second", [10, 40], [1.0, float("nan")])]


def plot(lines=LINES, **options):
    return line_plot(lines, title="T & t", across="x", up="y", **options)


def points(svg):
    root = ElementTree.fromstring(svg)
    return [
        [tuple(float(number) for number in point.split(",")) for point in line.get("points").split()]
        for line in root.iter("{http://www.w3.org/2000/svg}polyline")
    ]


def test_the_same_numbers_give_the_same_drawing_and_names_cannot_break_it():
    assert plot() == plot()
    ElementTree.fromstring(plot())


def test_points_lie_where_their_numbers_say():
    first, second = points(plot())

    assert len(first) == 3
    assert len(second) == 1  # what is not a number is left out
    assert first[0][1] > first[1][1] > first[2][1]  # up is less in SVG
    assert first[1][0] - first[0][0] == pytest.approx((first[2][0] - first[0][0]) / 3, abs=0.2)
    assert second[0] == (first[0][0], first[2][1])


def test_on_a_logarithmic_axis_equal_ratios_are_equally_wide():
    [first, _] = points(plot(logarithmic=True))

    assert first[1][0] - first[0][0] == pytest.approx(first[2][0] - first[1][0], abs=0.2)


def test_lines_without_points_and_too_many_are_refused():
    with pytest.raises(ValueError, match="lines"):
        plot([])
    with pytest.raises(ValueError, match="lines"):
        plot(LINES * 4)
