"""Two people who look alike, told apart."""

import numpy as np
import pytest

from ml.projection import unit_rows
from ml.separation import FEWEST_FACES, MOST_CERTAIN, separate


def siblings(random, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces of two people who differ in one direction only, by less than two photos of one differ in all others."""
    shared = np.zeros(64)
    shared[0] = 1
    apart = np.zeros(64)
    apart[1] = 0.25
    noise = 0.1 * random.normal(size=(2, count, 64))
    noise[:, :, 1] *= 0.5
    return unit_rows(shared + apart + noise[0]), unit_rows(shared - apart + noise[1])


def test_new_faces_fall_on_their_side(random):
    first, second = siblings(random, 40)

    separator = separate(first[:10], second[:10])

    assert (separator.sides(first[10:]) > 0).mean() > 0.9
    assert (separator.sides(second[10:]) < 0).mean() > 0.9
    assert np.abs(separator.sides(first)).max() <= MOST_CERTAIN


def test_turned_round_it_says_the_opposite(random):
    first, second = siblings(random, 12)

    one, other = separate(first, second), separate(second, first)

    assert one.sides(first) == pytest.approx(-other.sides(first), abs=1e-3)


def test_too_few_faces_are_refused(random):
    first, second = siblings(random, FEWEST_FACES)

    with pytest.raises(ValueError, match="second"):
        separate(first, second[1:])
