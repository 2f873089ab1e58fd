"""The map of a library: likeness decides who lies next to whom, and circles do not overlap."""

import numpy as np
import pytest

from ml.map_layout import lay_out

WIDTH, HEIGHT = 1600.0, 1000.0
RANDOM = np.random.default_rng(3)


def families(count: int, members: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of people of so many families, who look like each other; and the family of each."""
    centres = RANDOM.normal(size=(count, 128))
    rows = np.repeat(centres, members, axis=0) + 0.3 * RANDOM.normal(size=(count * members, 128))
    return rows.astype(np.float32), np.repeat(np.arange(count), members)


def test_who_looks_alike_lies_next_to_each_other():
    rows, family = families(8, 10)

    places = lay_out(rows, np.full(80, 20.0), width=WIDTH, height=HEIGHT)

    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    assert (family[apart.argmin(axis=1)] == family).mean() > 0.95


@pytest.mark.parametrize("count", [1, 2, 3, 4, 60, 300])
def test_circles_lie_within_the_map_and_do_not_overlap(count):
    rows = RANDOM.normal(size=(count, 128)).astype(np.float32)
    radii = RANDOM.uniform(9, 30, count)

    places = lay_out(rows, radii, width=WIDTH, height=HEIGHT)

    assert (places >= radii[:, None] - 1e-6).all()
    assert (places <= np.array([WIDTH, HEIGHT]) - radii[:, None] + 1e-6).all()
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) - (radii[:, None] + radii[None])
    assert (apart[~np.eye(count, dtype=bool)] > -1).all()


def test_nobody_makes_an_empty_map():
    assert lay_out(np.zeros((0, 128), np.float32), np.zeros(0), width=WIDTH, height=HEIGHT).shape == (0, 2)


def test_people_who_look_the_same_to_the_network_lie_beside_each_other():
    places = lay_out(np.ones((6, 128), np.float32), np.full(6, 20.0), width=WIDTH, height=HEIGHT)

    assert len(np.unique(places.round(), axis=0)) == 6


def test_a_map_drawn_again_stays_roughly_as_it_was():
    rows, _ = families(8, 10)
    radii = np.full(80, 20.0)
    first = lay_out(rows[:72], radii[:72], width=WIDTH, height=HEIGHT)
    before = np.vstack([first, np.full((8, 2), np.nan)])

    again = lay_out(rows, radii, width=WIDTH, height=HEIGHT, before=before)
    anew = lay_out(rows, radii, width=WIDTH, height=HEIGHT)

    def moved(places: np.ndarray) -> float:
        return float(np.median(np.hypot(*(places[:72] - first).T)))

    assert moved(again) < 0.15 * WIDTH
    assert moved(again) < moved(anew)
