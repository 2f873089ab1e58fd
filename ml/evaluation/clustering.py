"""Clustering: are the groups people?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ml.arguments import checked_number, checked_numbers, checked_whole
from ml.clustering import group_faces
from ml.dbscan import NOISE, cluster_embeddings
from ml.identification import Thresholds

# Cosine distances among which DBSCAN gets the one that suits the very photos it is measured on.
DBSCAN_THRESHOLDS = tuple(round(0.20 + 0.02 * step, 2) for step in range(16))


@dataclass(frozen=True)
class GroupScore:
    """precision: how pure groups are, recall: how whole people are, each from 0 to 1."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """Their harmonic mean; 0 where both are."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True)
class ClusteringScore:
    """Scores of one way of grouping. groups: how many there are of two faces or more. alone: faces without a group.

    threshold: the cosine distance it was cut at.
    """

    threshold: float
    bcubed: GroupScore
    pairwise: GroupScore
    groups: int
    alone: int


def score_grouping(
    projections: NDArray[np.float32], qualities: NDArray[np.float32], people: NDArray[np.int64], thresholds: Thresholds
) -> ClusteringScore:
    """The groups that the product makes of faces nobody has named.

    Args:
        projections: shape (n, d), unit rows. qualities: (n,). people: (n,): whose each face is.
        thresholds: of the model.

    Raises:
        ValueError: projections, qualities or people differ in length, are empty, or hold what is no finite number.
    """
    projections = checked_numbers("projections", projections, None, None)
    qualities = checked_numbers("qualities", qualities, len(projections))
    labels = group_faces(
        projections,
        proposal_threshold=thresholds.grouping,
        linkage_threshold=thresholds.linkage,
        may_seed=qualities >= thresholds.poor_quality,
    )
    return score_groups(labels, people, threshold=thresholds.linkage)


def plain_average_linkage(
    projections: NDArray[np.float32], *, proposal_threshold: float, linkage_threshold: float
) -> NDArray[np.int64]:
    """SciPy's average linkage within DBSCAN's clusters, cut at a mean distance: what `ml.linkage` is measured against.

    Args:
        projections: shape (n, d), unit rows. proposal_threshold: of DBSCAN. linkage_threshold: mean cosine distance.

    Returns:
        Shape (n,): group numbers, or NOISE; a face alone in its part of a cluster has a number of its own.

    Raises:
        ValueError: as for `ml.dbscan.cluster_embeddings`, or linkage_threshold is no finite number.
    """
    checked_number("linkage_threshold", linkage_threshold)
    labels = cluster_embeddings(projections, threshold=proposal_threshold)
    groups, used = np.full(len(labels), NOISE, dtype=np.int64), 0
    for label in range(int(labels.max(initial=NOISE)) + 1):
        members = np.flatnonzero(labels == label)
        distances = np.clip(1 - projections[members] @ projections[members].T, 0, 2)
        np.fill_diagonal(distances, 0)
        tree = linkage(squareform(distances, checks=False), method="average")
        groups[members] = used + fcluster(tree, t=linkage_threshold, criterion="distance") - 1
        used = int(groups.max()) + 1
    return groups


def best_dbscan(
    projections: NDArray[np.float32], people: NDArray[np.int64], thresholds: Sequence[float] = DBSCAN_THRESHOLDS
) -> ClusteringScore:
    """The best that plain DBSCAN could do: at the threshold with the highest BCubed F on these same faces.

    Args:
        projections: shape (n, d), unit rows. people: (n,): whose each face is.
        thresholds: cosine distances to try.

    Raises:
        ValueError: as for `score_groups` and `ml.dbscan.cluster_embeddings`, or there are no thresholds.
    """
    projections = checked_numbers("projections", projections, None, None)
    if not len(checked_numbers("thresholds", thresholds, None)):
        raise ValueError("thresholds must hold at least one")
    scores = (
        score_groups(cluster_embeddings(projections, threshold=threshold), people, threshold=threshold)
        for threshold in thresholds
    )
    return max(scores, key=lambda score: score.bcubed.f)


def score_groups(labels: NDArray[np.int64], people: NDArray[np.int64], *, threshold: float) -> ClusteringScore:
    """Score group labels, NOISE allowed; both of shape (n,).

    Raises:
        ValueError: as for `bcubed`.
    """
    return ClusteringScore(
        threshold=threshold,
        bcubed=bcubed(labels, people),
        pairwise=pairwise_score(labels, people),
        groups=len(np.unique(labels[labels != NOISE])),
        alone=int((labels == NOISE).sum()),
    )


def bcubed(labels: NDArray[np.int64], people: NDArray[np.int64]) -> GroupScore:
    """Score group labels (NOISE allowed) against the truth, as a mean over faces.

    Precision is the share of a face's group that is the same person, recall the share of that person's faces in its
    group. A face without a group is a group of its own.

    Args:
        labels, people: shape (n,), n at least 1.

    Raises:
        ValueError: labels and people differ in length, are empty, or not whole numbers.

    Source: Amigo et al., A comparison of extrinsic clustering evaluation metrics, 2009.
    """
    together, group_sizes, person_sizes, face_pair = _counts(labels, people)
    shared = together[face_pair]
    return GroupScore(float((shared / group_sizes).mean()), float((shared / person_sizes).mean()))


def pairwise_score(labels: NDArray[np.int64], people: NDArray[np.int64]) -> GroupScore:
    """Score group labels (NOISE allowed) by pairs: of those in one group, how many are one person, and the reverse.

    Where no two faces share a group precision is 1, where no two are of one person recall is: nothing went wrong.

    Args:
        labels, people: shape (n,), n at least 1.

    Raises:
        ValueError: labels and people differ in length, are empty, or not whole numbers.
    """
    together, group_sizes, person_sizes, _ = _counts(labels, people)
    right = int((together * (together - 1)).sum())
    # Summed over faces, each of which has one pair with every other face of its group.
    grouped, alike = int((group_sizes - 1).sum()), int((person_sizes - 1).sum())
    return GroupScore(right / grouped if grouped else 1.0, right / alike if alike else 1.0)


def _counts(
    labels: NDArray[np.int64], people: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Faces in each combination of group and person; then for each face the size of its group, of its person, and the
    number of its combination."""
    labels = checked_whole("labels", labels, None).astype(np.int64)
    people = checked_whole("people", people, len(labels))
    if not len(labels):
        raise ValueError("labels must be of one face at least")
    alone = labels == NOISE
    groups = labels.copy()
    groups[alone] = labels.max(initial=NOISE) + 1 + np.arange(alone.sum())
    _, person, person_sizes = np.unique(people, return_inverse=True, return_counts=True)
    _, group, group_sizes = np.unique(groups, return_inverse=True, return_counts=True)
    _, pair, together = np.unique(np.stack([group, person]), axis=1, return_inverse=True, return_counts=True)
    return together, group_sizes[group], person_sizes[person], pair.ravel()
