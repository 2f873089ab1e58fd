import numpy as np
import pytest

from ml.own_projection.answered import UNNAMED
from ml.own_projection.progress import silent
from ml.own_projection.triplets import MARGIN, Miner, Triplets, foreign_neighbours, loss_and_slope, sure_pairs
from ml.projection import unit_rows
from tests.ml.own_projection.libraries import answers_of
from tests.ml.synthetic import on_circle


@pytest.fixture
def crowd(random):
    """Unit rows of twelve people who are hard to tell apart, and some who have no name."""
    people = np.repeat([*range(12), UNNAMED], 8)
    return unit_rows(random.normal(size=(13, 10))[people] + 0.9 * random.normal(size=(len(people), 10))), people


def miner_of(rows, people, *, is_used=None, sure=()):
    is_used = np.ones(len(rows), dtype=bool) if is_used is None else is_used
    sure = np.array(sure, dtype=np.int64).reshape(-1, 2)
    return Miner(people, is_used, foreign_neighbours(rows, people, silent), sure)


def squared(rows, one, other):
    return ((rows[one].astype(float) - rows[other]) ** 2).sum(axis=-1)


def test_neighbours_are_the_nearest_of_other_people_with_a_name(crowd):
    rows, people = crowd

    found = foreign_neighbours(rows, people, silent)

    for row in range(len(rows)):
        others = np.flatnonzero((people != people[row]) & (people != UNNAMED))
        nearest = others[np.argsort(squared(rows, row, others), kind="stable")]
        assert set(found[row]) == set(nearest[: found.shape[1]])
        assert found[row, 0] == nearest[0]


def test_a_triplet_is_semi_hard_and_its_negative_the_nearest_there_is(crowd, random):
    rows, people = crowd
    is_used = np.arange(len(rows)) % 8 != 0

    found = miner_of(rows, people, is_used=is_used).mine(rows, random)

    assert len(found.anchor) > 50
    for anchor, positive, negative in zip(found.anchor, found.positive, found.negative, strict=True):
        own, far = squared(rows, anchor, positive), squared(rows, anchor, negative)
        others = np.flatnonzero(is_used & (people != people[anchor]) & (people != UNNAMED))
        every = squared(rows, anchor, others)
        assert people[anchor] == people[positive] != people[negative]
        assert is_used[[anchor, positive, negative]].all()
        assert own < far < own + MARGIN + 1e-6
        assert far == pytest.approx(every[every > own + 1e-6].min(), abs=1e-5)


def test_what_is_beyond_doubt_is_learnt_also_where_it_is_nearer_than_the_positive(random):
    rows = on_circle(0, 60, 10, 200, 210)
    people = np.array([1, 1, 2, 2, UNNAMED])

    without = miner_of(rows, people).mine(rows, random)
    found = miner_of(rows, people, sure=[(0, 2)]).mine(rows, random)

    wanted = (0, 1, 2)  # 10 degrees is nearer than 60
    assert wanted not in set(zip(without.anchor, without.positive, without.negative, strict=True))
    # The positive is drawn, and may be the anchor itself.
    drawn = [miner_of(rows, people, sure=[(0, 2)]).mine(rows, random) for _ in range(20)]
    assert any(wanted in set(zip(one.anchor, one.positive, one.negative, strict=True)) for one in [found, *drawn])


def test_sure_are_people_side_by_side_and_those_most_like_a_face_they_are_not():
    rows = np.pad(on_circle(0, 5, 90, 95, 100, 12), ((0, 0), (0, 510)))
    people = np.array([1, 1, 2, 2, 2, UNNAMED])
    answered = answers_of(rows, people, photos=np.array([0, 1, 1, 2, 3, 4]), noes=[(5, 1), (4, 1), (4, 77)])

    pairs = set(map(tuple, sure_pairs(answered).tolist()))

    assert pairs == {(1, 2), (2, 1), (0, 5), (1, 5), (0, 4), (1, 4)}


def test_the_loss_is_what_one_works_out_by_hand():
    rows = on_circle(0, 60, 90)
    triplets = Triplets(np.array([0, 0]), np.array([1, 2]), np.array([2, 1]), pairs=4)

    loss, slope = loss_and_slope(np.eye(2, dtype=np.float32), rows, triplets)

    # Squared distances: 1 at 60 degrees, 2 at 90. The first triplet is apart, the second wrong by 1 and the margin.
    assert loss == pytest.approx((0 + 1 + MARGIN) / 4)
    assert slope.shape == (2, 2)


def test_the_slope_is_the_difference_the_matrix_makes(crowd, random):
    rows, people = crowd
    inputs = (rows * 1.3).astype(np.float32)
    matrix = (np.eye(10) + 0.1 * random.normal(size=(10, 10))).astype(np.float32)
    triplets = miner_of(rows, people).mine(unit_rows(inputs @ matrix.T), random)
    step = random.normal(size=(10, 10)).astype(np.float32)

    ahead, behind = (slow_loss(matrix + sign * 1e-3 * step, inputs, triplets) for sign in (1, -1))
    loss, slope = loss_and_slope(matrix, inputs, triplets)

    assert loss == pytest.approx(slow_loss(matrix, inputs, triplets), rel=1e-4)
    assert (slope * step).sum() == pytest.approx((ahead - behind) / 2e-3, rel=0.02)


def slow_loss(matrix, inputs, triplets):
    total = 0.0
    for anchor, positive, negative in zip(triplets.anchor, triplets.positive, triplets.negative, strict=True):
        one, own, other = (inputs[row].astype(float) @ matrix.T.astype(float) for row in (anchor, positive, negative))
        one, own, other = (row / np.linalg.norm(row) for row in (one, own, other))
        total += max(0.0, MARGIN + ((one - own) ** 2).sum() - ((one - other) ** 2).sum())
    return total / triplets.pairs
