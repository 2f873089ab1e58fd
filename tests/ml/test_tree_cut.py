"""Which merges of a tree are accepted, against a slow reference that looks at every pair of faces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist

from ml.tree_cut import USUAL_PAIRS, USUAL_WIDTH, cut_tree
from tests.ml.synthetic import make_embeddings, on_circle
from tests.ml.test_group_distances import slow_distance

thresholds = st.floats(0.05, 0.9)


def tree_of(rows: np.ndarray) -> np.ndarray:
    if len(rows) == 1:
        return np.zeros((0, 4))
    return linkage(np.maximum(pdist(rows.astype(float), "cosine"), 0), "average")


def slow_cut(rows: np.ndarray, tree: np.ndarray, threshold: float) -> list[int]:
    """Follow the merges in order; each group is the list of its faces, each distance that of all its pairs."""
    nodes: list[list[int]] = [[face] for face in range(len(rows))]
    is_accepted = [True] * len(rows)
    groups = [[face] for face in range(len(rows))]
    for one, other in tree[:, :2].astype(int).tolist():
        nodes.append(nodes[one] + nodes[other])
        close = slow_distance(rows[nodes[one]], rows[nodes[other]]) <= threshold
        is_accepted.append(is_accepted[one] and is_accepted[other] and close)
        if is_accepted[-1]:
            groups = [group for group in groups if not set(group) & set(nodes[-1])] + [nodes[-1]]
    labels = np.zeros(len(rows), int)
    for number, group in enumerate(sorted(groups, key=min)):
        labels[group] = number
    return labels.tolist()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.floats(0.01, 0.3), st.integers(0, 99), thresholds)
def test_it_accepts_what_a_look_at_every_pair_accepts(sizes, noise, seed, threshold):
    rows, _ = make_embeddings(np.random.default_rng(seed), sizes, noise=noise, dimensions=16)
    tree = tree_of(rows)

    assert cut_tree(tree, threshold=threshold).tolist() == slow_cut(rows, tree, threshold)


@given(st.integers(0, 99), thresholds, thresholds)
def test_a_higher_threshold_only_joins_groups(seed, one, other):
    rows, _ = make_embeddings(np.random.default_rng(seed), [4] * 4, noise=0.2, dimensions=16)
    tree = tree_of(rows)

    low, high = (cut_tree(tree, threshold=threshold) for threshold in sorted([one, other]))

    assert len({(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)}) == low.max() + 1


def test_faces_that_must_be_apart_are_never_joined():
    tree = np.array([[0, 1, 0.01, 2], [2, 3, 1e9, 3]])

    assert cut_tree(tree, threshold=2.0).tolist() == [0, 0, 1]


def test_a_merge_above_one_that_was_refused_is_refused():
    """Average linkage may join, more closely, what it joined before: then nothing below may be kept together either."""
    tree = np.array([[0, 1, 0.9, 2], [2, 3, 0.2, 3]])

    assert cut_tree(tree, threshold=0.4).tolist() == [0, 1, 2]


def test_two_single_faces_are_joined_up_to_the_threshold_itself():
    angle = np.degrees(np.arccos(1 - 0.3))
    tree = tree_of(on_circle(0, angle))

    assert cut_tree(tree, threshold=0.301).tolist() == [0, 0]
    assert cut_tree(tree, threshold=0.299).tolist() == [0, 1]


def test_tight_groups_are_kept_apart_where_single_faces_are_joined():
    distance = 1 - float(np.cos(np.radians(40)))
    single, tight = tree_of(on_circle(0, 40)), tree_of(on_circle(*([0] * 4), *([40] * 4)))
    width = USUAL_PAIRS * USUAL_WIDTH / (USUAL_PAIRS + 6)
    threshold = distance + (USUAL_WIDTH - width) / 2

    assert cut_tree(single, threshold=threshold).tolist() == [0, 0]
    assert cut_tree(tight, threshold=threshold).tolist() == [0] * 4 + [1] * 4


def test_groups_are_numbered_by_their_first_face():
    tree = np.array([[1, 3, 0.1, 2], [0, 2, 0.1, 2], [4, 5, 5.0, 4]])

    assert cut_tree(tree, threshold=0.4).tolist() == [0, 1, 0, 1]


def test_a_single_face_is_a_group():
    assert cut_tree(np.zeros((0, 4)), threshold=0.4).tolist() == [0]


@pytest.mark.parametrize("merge", [[-1, 0, 0.1, 2], [0, 4, 0.1, 2]])
def test_what_merges_faces_that_are_not_there_is_no_tree(merge):
    with pytest.raises(ValueError, match="tree"):
        cut_tree(np.array([merge, [0, 2, 0.1, 2]]), threshold=0.4)
