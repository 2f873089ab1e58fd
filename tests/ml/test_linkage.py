"""Groups are merged in the order of SciPy's average linkage, where their distance allows it, and kept apart."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from ml.group_distances import USUAL_PAIRS, USUAL_WIDTH
from ml.linkage import FARTHEST, _mergers, link
from tests.ml.synthetic import on_circle

NOBODY = np.zeros((0, 2), dtype=np.int64)


def singles(rows):
    return np.ones(len(rows), dtype=np.int64)


def random_rows(random, count, dimensions=6):
    rows = random.normal(size=(count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def slowly_merged(rows, threshold: float) -> list[int]:
    """The same from SciPy's tree, with the distances of all pairs of faces of each group."""
    distances = np.clip(1 - rows.astype(np.float64) @ rows.T, 0, None)
    np.fill_diagonal(distances, 0)
    usual = USUAL_WIDTH * threshold
    groups = [[number] for number in range(len(rows))]
    is_whole = [True] * len(rows)
    labels = list(range(len(rows)))

    def width(group):
        inner = distances[np.ix_(group, group)][np.triu_indices(len(group), 1)]
        return (USUAL_PAIRS * usual + inner.sum()) / (USUAL_PAIRS + len(inner))

    for one, other, mean, _ in linkage(squareform(distances, checks=False), method="average"):
        parts = [groups[int(one)], groups[int(other)]]
        distance = mean - sum(width(part) - usual for part in parts) / 2
        is_whole.append(is_whole[int(one)] and is_whole[int(other)] and distance <= threshold)
        groups.append(parts[0] + parts[1])
        if is_whole[-1]:
            for face in groups[-1]:
                labels[face] = min(groups[-1])
    return labels


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.45, 0.8])
@pytest.mark.parametrize("count", [2, 3, 17, 150])
def test_faces_are_merged_as_by_scipy_where_their_distance_allows_it(random, count, threshold):
    rows = random_rows(random, count)

    merged = link(rows, singles(rows), NOBODY, threshold=threshold)

    assert merged.tolist() == slowly_merged(rows, threshold)


def test_two_tight_groups_are_two_people_where_two_wide_ones_are_one():
    """All four have the same mean distance to the other group, 0.45."""

    def pair(spread):
        """Two groups of twenty, each spread over dimensions of its own."""
        random = np.random.default_rng(5)
        directions = np.eye(42)[:2]
        noise = [np.zeros((20, 42)), np.zeros((20, 42))]
        for side, part in enumerate(noise):
            part[:, 2 + 20 * side : 22 + 20 * side] = random.normal(size=(20, 20))
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        cosine = 0.55 / (1 - spread)  # of the two middles, so that the mean distance of two faces is the same
        middles = [directions[0], cosine * directions[0] + np.sqrt(1 - cosine**2) * directions[1]]
        return np.concatenate(
            [np.sqrt(1 - spread) * middle + np.sqrt(spread) * part for middle, part in zip(middles, noise, strict=True)]
        ).astype(np.float32)

    for spread, groups in ((0.02, 2), (0.40, 1)):
        rows = pair(spread)
        assert abs((1 - rows[:20] @ rows[20:].T).mean() - 0.45) < 0.01
        assert len(set(link(rows, singles(rows), NOBODY, threshold=0.44).tolist())) == groups


def test_a_group_counts_as_its_faces(random):
    """Merging what is merged first anyway, and going on from there, is merging from the start."""
    rows = random_rows(random, 60, dimensions=4)
    first = link(rows, singles(rows), NOBODY, threshold=0.1)
    names, inverse, sizes = np.unique(first, return_inverse=True, return_counts=True)
    means = np.stack([rows[first == name].mean(axis=0) for name in names])

    merged = link(means, sizes, NOBODY, threshold=0.4)

    assert adjusted_rand_score(link(rows, singles(rows), NOBODY, threshold=0.4), merged[inverse]) == 1


def test_the_number_of_a_group_is_its_first_member():
    rows = on_circle(0, 120, 1, 121, 240)

    assert link(rows, singles(rows), NOBODY, threshold=0.1).tolist() == [0, 1, 0, 1, 4]


def test_two_that_are_apart_are_never_merged_nor_what_they_are_merged_with():
    rows = on_circle(0, 1, 2, 3, 4)

    merged = link(rows, singles(rows), np.array([[0, 4]]), threshold=0.5)

    assert merged[0] != merged[4]
    assert len(set(merged.tolist())) == 2


@pytest.mark.parametrize("seed", range(10))
def test_no_group_holds_two_that_are_apart(seed):
    random = np.random.default_rng(seed)
    rows = random_rows(random, 80, dimensions=3)
    apart = random.integers(0, 80, (60, 2))
    apart = apart[apart[:, 0] != apart[:, 1]]

    merged = link(rows, singles(rows), apart, threshold=0.6)

    assert (merged[apart[:, 0]] != merged[apart[:, 1]]).all()
    assert len(set(merged.tolist())) < 80


def test_copies_of_one_face_are_one_group():
    rows = np.tile(on_circle(33), (50, 1))

    assert set(link(rows, singles(rows), NOBODY, threshold=1e-6).tolist()) == {0}


@pytest.mark.parametrize("seed", range(12))
def test_faces_that_are_all_but_equal_are_followed_in_no_circle(seed):
    """As of one picture kept many times: rounding makes their distances differ there and back."""
    chance = np.random.default_rng(seed)
    count = int(chance.integers(8, 60))
    rows = chance.standard_normal(128) + chance.standard_normal((count, 128)) * chance.choice([0, 1e-7, 1e-6, 3e-4])
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    distances = np.maximum(1 - np.matmul(rows, rows.T), 0)
    distances += chance.uniform(0, 1e-7, distances.shape).astype(np.float32)  # as some processors round
    np.fill_diagonal(distances, np.inf)

    # Not compiled: machine code does not look whether it writes past the end.
    mergers, _ = _mergers.py_func(distances, np.ones(count), FARTHEST)

    assert len(mergers) == count - 1
