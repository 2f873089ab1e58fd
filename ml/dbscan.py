"""DBSCAN on cosine distances: exactly scikit-learn's labels, for libraries of a million faces.

Pairs of neighbours come block by block (`ml.neighbours`) and are forgotten at once: core samples are joined in a forest
(union-find), and only pairs with a face that is not yet known to be one wait, fewer than `min_faces` for each face.

Source: Ester et al., A density-based algorithm for discovering clusters, KDD 1996.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_numbers
from ml.compiled import compiled
from ml.device import Device
from ml.neighbours import Report, pairs_within

NOISE = -1  # scikit-learn's label for a face that belongs to no cluster


def cluster_embeddings(
    embeddings: NDArray[np.float32],
    *,
    threshold: float,
    min_faces: int = 2,
    device: Device = "cpu",
    report: Report = lambda share: None,
) -> NDArray[np.int64]:
    """Label each face with the number of its cluster.

    Args:
        embeddings: shape (n, d), rows of unit length. n may be 0.
        threshold: cosine distance (0 same direction, 2 opposite) up to which two faces are neighbours. Lower splits
            people, higher merges them.
        min_faces: neighbours, itself included, that make a face a core sample.
        device: where to multiply.
        report: called with the share of the work that is done, from 0 to 1.

    Returns:
        Shape (n,): cluster numbers from 0 in the order of their first core sample, or NOISE. A face that is no core
        sample belongs to the first cluster that has one beside it. Numbers are only good within one call.

    Raises:
        ValueError: as for `ml.neighbours.pairs_within`; or min_faces is not a whole number of at least 1.
    """
    checked_count("min_faces", min_faces)
    embeddings = checked_numbers("embeddings", embeddings, None, None)
    parents = np.arange(len(embeddings), dtype=np.int32)
    neighbours = np.ones(len(embeddings), dtype=np.int32)  # each is its own
    waiting = [np.zeros((0, 2), dtype=np.int32)]
    for pairs in pairs_within(embeddings, threshold=threshold, device=device, report=report):
        count_neighbours(*pairs, neighbours)
        waiting.append(join(*pairs, neighbours, min_faces, parents))
    # Whoever is not a core sample now never will be.
    rest = np.concatenate(waiting)
    border = join(rest[:, 0].copy(), rest[:, 1].copy(), neighbours, min_faces, parents)
    return labels_of(parents, neighbours >= min_faces, border)


def labels_of(parents: NDArray[np.int32], is_core: NDArray[np.bool_], border: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number the trees by their roots, which are their first core samples, and add the faces at their border."""
    labels = np.full(len(parents), NOISE, dtype=np.int64)
    core = np.flatnonzero(is_core)
    labels[core] = np.unique(roots_of(parents)[core], return_inverse=True)[1]
    for one, other in (border.T, border[:, ::-1].T):
        beside = is_core[other] & ~is_core[one]
        first = np.full(len(parents), np.iinfo(np.int64).max)
        np.minimum.at(first, one[beside], labels[other[beside]])
        reached = first < np.iinfo(np.int64).max
        labels[reached] = np.where(
            labels[reached] == NOISE, first[reached], np.minimum(labels[reached], first[reached])
        )
    return labels


@compiled("void(int32[::1], int32[::1], int32[::1])")
def count_neighbours(first, second, neighbours):  # type: ignore[no-untyped-def]
    for number in range(len(first)):
        neighbours[first[number]] += 1
        neighbours[second[number]] += 1


@compiled("int32(int32[::1], int32)")
def _root(parents, face):  # type: ignore[no-untyped-def]
    while parents[face] != face:
        parents[face] = parents[parents[face]]
        face = parents[face]
    return face


@compiled("int32[::1](int32[::1])")
def roots_of(parents):  # type: ignore[no-untyped-def]
    roots = np.empty(len(parents), dtype=np.int32)
    for face in range(len(parents)):
        roots[face] = _root(parents, np.int32(face))
    return roots


@compiled("int32[:,::1](int32[::1], int32[::1], int32[::1], int64, int32[::1])")
def join(first, second, neighbours, min_faces, parents):  # type: ignore[no-untyped-def]
    """Join the pairs of two core samples, and return the others, shape (n, 2)."""
    others = np.empty((len(first), 2), dtype=np.int32)
    count = 0
    for number in range(len(first)):
        one, other = first[number], second[number]
        if neighbours[one] >= min_faces and neighbours[other] >= min_faces:
            one, other = _root(parents, one), _root(parents, other)
            # The earlier becomes the root, so that a root is the first of its tree.
            if one < other:
                parents[other] = one
            else:
                parents[one] = other
        else:
            others[count, 0], others[count, 1] = one, other
            count += 1
    return others[:count].copy()
