"""Average linkage of groups is SciPy's, and keeps apart what must be."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from ml.linkage import link
from tests.ml.synthetic import on_circle

NOBODY = np.zeros((0, 2), dtype=np.int64)


def singles(rows):
    return np.ones(len(rows), dtype=np.int64)


def random_rows(random, count, dimensions=6):
    rows = random.normal(size=(count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.45, 0.8])
@pytest.mark.parametrize("count", [2, 3, 17, 150])
def test_faces_are_merged_as_by_scipy(random, count, threshold):
    rows = random_rows(random, count)

    merged = link(rows, singles(rows), NOBODY, threshold=threshold)

    distances = np.clip(1 - rows @ rows.T, 0, None)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), method="average")
    assert adjusted_rand_score(fcluster(tree, t=threshold, criterion="distance"), merged) == 1


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
