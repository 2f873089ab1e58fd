"""Decides which merges of an average-linkage tree join faces of one person.

The mean distance between two groups says too little by itself: two tight groups 0.45 apart are two people, two wide
ones are one person at two ages. So half of what each group is wide is taken away, which leaves half the energy distance
of the two groups, or half the squared distance of their means. A small group does not show how wide it is: it is taken
to be as wide as a person usually is, and the more so the fewer pairs it has.

Source: Székely and Rizzo, Energy statistics: a class of statistics based on distances, J. Stat. Plan. Inference 2013.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers
from ml.compiled import compiled

USUAL_WIDTH = 0.26  # mean cosine distance of two faces of one person
USUAL_PAIRS = 1.0  # pairs that this counts as many as


def cut_tree(tree: NDArray[np.float64], *, threshold: float) -> NDArray[np.int64]:
    """Number the groups that a tree's accepted merges leave.

    Args:
        tree: shape (n - 1, 4): `scipy.cluster.hierarchy.linkage(..., method="average")` of n >= 1 faces by cosine
            distance. A distance of 1e9 or more stands for two faces that may not be together.
        threshold: distance up to which a merge is accepted, if both groups are as wide as a person usually is; of
            tighter groups it takes less, of wider ones more. A merge above one that was not accepted is not either.

    Returns:
        Shape (n,): group numbers from 0, in the order of each group's first face.

    Raises:
        ValueError: tree is not such a matrix, or threshold no finite number.
    """
    tree = checked_numbers("tree", tree, None, 4).astype(np.float64)
    checked_number("threshold", threshold)
    if len(tree) and not _is_tree(tree):
        raise ValueError("tree must merge faces, or groups that were merged before")
    roots = _roots(np.ascontiguousarray(tree), float(threshold), USUAL_WIDTH, USUAL_PAIRS)
    _, first, number = np.unique(roots, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return order[number].astype(np.int64)


def _is_tree(tree: NDArray[np.float64]) -> bool:
    """Whether each merge is of two faces, or groups merged before."""
    return bool(tree[:, :2].min() >= 0 and (tree[:, :2].max(axis=1) < len(tree) + 1 + np.arange(len(tree))).all())


@compiled("int64[::1](float64[:,::1], float64, float64, float64)")
def _roots(tree, threshold, usual_width, usual_pairs):  # type: ignore[no-untyped-def]
    """For each face the topmost accepted node above it."""
    faces = len(tree) + 1
    sizes = np.ones(2 * faces - 1)
    widths = np.zeros(2 * faces - 1)  # mean distance between a node's faces
    accepted = np.ones(2 * faces - 1, dtype=np.bool_)
    above = np.arange(2 * faces - 1)
    for merge in range(faces - 1):
        one, other, distance = int(tree[merge, 0]), int(tree[merge, 1]), tree[merge, 2]
        node = faces + merge
        slack = -2 * usual_width
        pairs = sizes[one] * sizes[other]
        spread = pairs * distance
        for part in (one, other):
            own = sizes[part] * (sizes[part] - 1) / 2
            slack += (usual_pairs * usual_width + own * widths[part]) / (usual_pairs + own)
            pairs += own
            spread += own * widths[part]
        sizes[node] = sizes[one] + sizes[other]
        widths[node] = spread / pairs
        accepted[node] = accepted[one] and accepted[other] and distance - slack / 2 <= threshold
        if accepted[node]:
            above[one] = above[other] = node
    for node in range(2 * faces - 2, -1, -1):
        above[node] = above[above[node]]
    return above[:faces].copy()
