"""Clustering: are the groups people?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.clustering import NOISE


@dataclass(frozen=True)
class BCubed:
    """Mean over faces: precision is the share of its group that is the same person, recall the share of that person's
    faces in its group. A face without a group is a group of its own."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def bcubed(labels: NDArray[np.int64], people: NDArray[np.int64]) -> BCubed:
    """Score group labels (NOISE allowed) against the truth.

    Source: Amigo et al., A comparison of extrinsic clustering evaluation metrics, 2009.
    """
    alone = labels == NOISE
    groups = labels.copy()
    groups[alone] = labels.max(initial=NOISE) + 1 + np.arange(alone.sum())
    _, pair = np.unique(np.stack([groups, people]), axis=1, return_inverse=True)
    together = np.bincount(pair.ravel())[pair.ravel()]
    return BCubed(
        precision=float((together / np.bincount(groups)[groups]).mean()),
        recall=float((together / np.bincount(people)[people]).mean()),
    )
