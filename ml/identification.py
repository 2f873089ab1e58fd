"""Says who a face is by the confirmed faces nearest to it, or that nobody named is near enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 16_000_000  # distances held at a time: 64 MB


@dataclass(frozen=True)
class Thresholds:
    """Cosine distances on the centred 128-d projection of one model, and the quality below which a face is poor.

    grouping: DBSCAN joins two faces. linkage: average linkage joins two groups. suggestion: a face is proposed to be
    the person whose confirmed face is this near. poor_quality: such faces join groups but do not seed them, and are
    not in the gallery.
    """

    grouping: float
    linkage: float
    suggestion: float
    poor_quality: float


# Measured with `python -m ml.evaluation`, see docs/decisions/0001. The second set is for projections from which
# `ml.projection.library_centre` was taken away, which moves all faces a little further apart.
THRESHOLDS = {
    "facenet-casia": Thresholds(grouping=0.40, linkage=0.45, suggestion=0.36, poor_quality=0.30),
}
RECENTRED_THRESHOLDS = {
    "facenet-casia": Thresholds(grouping=0.43, linkage=0.51, suggestion=0.38, poor_quality=0.30),
}


def thresholds_for(model: str, *, recentred: bool = False) -> Thresholds:
    """The thresholds of a model; those of "facenet-casia" for one we have not measured.

    Args:
        model: as in `FaceFinder.model_name`.
        recentred: whether the library's own centre has been taken away. Where that centre is zero, it has not.
    """
    measured = RECENTRED_THRESHOLDS if recentred else THRESHOLDS
    return measured.get(model, measured["facenet-casia"])


@dataclass(frozen=True)
class Identification:
    """Whom one probe resembles.

    person: as given for the gallery. distance: cosine distance to that person's nearest gallery face. gallery:
    indices of that person's gallery faces within the threshold, nearest first: the evidence to show.
    """

    person: int
    distance: float
    gallery: tuple[int, ...]


def nearest_person(
    probes: NDArray[np.float32],
    gallery: NDArray[np.float32],
    persons: NDArray[np.int64],
    *,
    threshold: float,
    k: int = 5,
) -> list[Identification | None]:
    """For each probe the person with the nearest gallery face.

    Args:
        probes: shape (n, d), rows of unit length. n may be 0.
        gallery: shape (m, d), rows of unit length: faces with a confirmed identity. m may be 0.
        persons: shape (m,): whose each gallery face is.
        threshold: cosine distance up to which a face counts as near.
        k: how many gallery faces of the person to name as evidence, at most.

    Returns:
        One entry per probe; None where no gallery face is within the threshold.

    Raises:
        ValueError: gallery and persons differ in length.
    """
    if len(gallery) != len(persons):
        raise ValueError(f"{len(gallery)} gallery faces and {len(persons)} persons do not belong together.")
    if not len(gallery):
        return [None] * len(probes)
    found: list[Identification | None] = []
    rows_at_once = max(BLOCK // len(gallery), 1)
    for start in range(0, len(probes), rows_at_once):
        distances = 1 - probes[start : start + rows_at_once] @ gallery.T
        nearest = distances.argmin(axis=1)
        for row, best in zip(distances, nearest, strict=True):
            found.append(_identification(row, int(best), persons, threshold, k) if row[best] <= threshold else None)
    return found


def _identification(
    distances: NDArray[np.float32], best: int, persons: NDArray[np.int64], threshold: float, k: int
) -> Identification:
    near = np.flatnonzero((persons == persons[best]) & (distances <= threshold))
    evidence = near[np.argsort(distances[near], kind="stable")][:k]
    return Identification(
        person=int(persons[best]), distance=max(float(distances[best]), 0.0), gallery=tuple(evidence.tolist())
    )
