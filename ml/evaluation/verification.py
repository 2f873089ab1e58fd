"""Verification: are two faces the same person?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.projection import Projection


def true_accept_rate(distances: NDArray[np.float32], same: NDArray[np.bool_], false_accept_rate: float) -> float:
    """Share of same-person pairs accepted at the cosine distance that lets this share of strangers through."""
    limit = np.quantile(distances[~same], false_accept_rate, method="lower")
    return float((distances[same] < limit).mean())


def pair_accuracy(distances: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """Share of pairs judged right at the best single cosine distance, which is chosen on the other nine tenths."""
    fold = np.arange(len(distances)) % 10
    right = 0
    for number in range(10):
        train = fold != number
        limits = np.quantile(distances[train], np.linspace(0, 1, 400))
        accuracies = [((distances[train] <= limit) == same[train]).mean() for limit in limits]
        limit = limits[int(np.argmax(accuracies))]
        right += int(((distances[~train] <= limit) == same[~train]).sum())
    return right / len(distances)


def fitted_projection(embeddings: NDArray[np.float32], dimensions: int) -> Projection:
    """Mean and principal components of a set of faces: what the data-free projection is compared with."""
    centre = embeddings.mean(axis=0)
    directions = np.linalg.svd(embeddings - centre, full_matrices=False)[2][:dimensions]
    return Projection(centre=centre, basis=directions.astype(np.float32))


def all_pairs(rows: NDArray[np.float32], people: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    first, second = np.triu_indices(len(rows), k=1)
    return (1 - rows @ rows.T)[first, second], people[first] == people[second]
