"""How far apart two groups are, against the mean over all pairs of their faces, one by one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.group_distances import USUAL_PAIRS, group_distances, group_means, same_person, usual_width, widths_of
from tests.ml.synthetic import make_embeddings, on_circle

THRESHOLD = 0.46
USUAL = usual_width(THRESHOLD)
sizes = st.lists(st.integers(1, 7), min_size=1, max_size=6)
noises = st.floats(0.0, 0.3)


def made(sizes: list[int], noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces of some people, in no order, under numbers that are not 0, 1, 2."""
    random = np.random.default_rng(seed)
    rows, people = make_embeddings(random, sizes, noise=noise, dimensions=16)
    order = random.permutation(len(rows))
    return rows[order], people[order] * 7 + 3


def slow_width(rows: np.ndarray) -> float:
    """The mean over the group's pairs, and over as many usual pairs as are taken to be there."""
    pairs = [1 - float(one @ other) for one, other in combinations(rows.astype(float), 2)]
    return (sum(pairs) + USUAL_PAIRS * USUAL) / (len(pairs) + USUAL_PAIRS)


def slow_distance(some: np.ndarray, others: np.ndarray) -> float:
    between = np.mean([1 - float(one @ other) for one in some.astype(float) for other in others.astype(float)])
    return between - (slow_width(some) - USUAL) / 2 - (slow_width(others) - USUAL) / 2


@given(sizes, noises, st.integers(0, 99))
def test_the_distance_of_two_groups_is_that_of_all_their_pairs_without_what_they_are_wide(sizes, noise, seed):
    rows, groups = made(sizes, noise, seed)

    numbers, means, counts = group_means(rows, groups)
    distances = group_distances(means, counts, threshold=THRESHOLD)

    assert numbers.tolist() == sorted(set(groups.tolist()))
    members = [rows[groups == number] for number in numbers]
    assert counts.tolist() == [len(each) for each in members]
    widths = widths_of(means, counts, usual=USUAL)
    assert widths == pytest.approx([slow_width(each) for each in members], abs=1e-5)
    for (row, column), distance in np.ndenumerate(distances):
        assert distance == pytest.approx(slow_distance(members[row], members[column]), abs=1e-5)


@given(sizes, noises, st.integers(0, 99))
def test_the_order_of_the_faces_does_not_matter(sizes, noise, seed):
    rows, groups = made(sizes, noise, seed)
    order = np.random.default_rng(seed + 1).permutation(len(rows))

    before, after = group_means(rows, groups), group_means(rows[order], groups[order])

    assert np.array_equal(before[0], after[0])
    assert before[1] == pytest.approx(after[1], abs=1e-6)
    assert np.array_equal(before[2], after[2])


def test_a_group_of_one_is_as_wide_as_a_person_usually_is():
    _, means, counts = group_means(on_circle(0), np.array([5]))

    assert widths_of(means, counts, usual=USUAL) == pytest.approx([USUAL])


def test_two_wide_groups_are_closer_than_two_tight_ones_as_far_apart():
    tight = on_circle(*([0] * 5), *([60] * 5))
    wide = on_circle(-40, -20, 0, 20, 40, 20, 40, 60, 80, 100)
    groups = np.repeat([1, 2], 5)

    of_tight, of_wide = (
        group_distances(*group_means(rows, groups)[1:], threshold=THRESHOLD)[0, 1] for rows in (tight, wide)
    )

    assert of_tight == pytest.approx(0.5 + USUAL - USUAL / 11, abs=1e-5)  # ten pairs of 0, one usual
    assert of_wide < of_tight


def test_no_faces_are_no_groups():
    numbers, means, counts = group_means(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))

    assert (numbers.shape, means.shape, counts.shape) == ((0,), (0, 4), (0,))
    assert group_distances(means, counts, threshold=THRESHOLD).shape == (0, 0)


def test_at_the_threshold_it_is_even_odds_and_surer_the_closer():
    chances = same_person(np.array([[0.2, 0.3], [0.31, 0.6]]), threshold=0.3)

    assert chances[0, 1] == pytest.approx(0.5)
    assert chances[0, 0] > 0.9
    assert chances[1, 0] / (1 - chances[1, 0]) == pytest.approx(1 / 1.39, abs=0.01)  # what a hundredth does
    assert chances[1, 1] < 0.001
