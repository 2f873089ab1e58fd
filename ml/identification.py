"""Says who a face may be by the confirmed faces near it, and how near is near enough."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers, checked_whole

BLOCK = 16_000_000  # distances held at a time: 64 MB


@dataclass(frozen=True)
class Thresholds:
    """Cosine distances on the projection of one model, and the quality below which a face is poor.

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
    "facenet-casia": Thresholds(grouping=0.40, linkage=0.45, suggestion=0.36, poor_quality=0.25),
}
RECENTRED_THRESHOLDS = {
    "facenet-casia": Thresholds(grouping=0.43, linkage=0.46, suggestion=0.38, poor_quality=0.25),
}

# Stands for the models that are plugged in. Not measured here, for none of them can be had everywhere: 0.5 is the
# distance up to which Immich, by default, takes two faces of an ArcFace model for one person (docs/decisions/0014).
ARCFACE = "arcface"
THRESHOLDS[ARCFACE] = replace(THRESHOLDS["facenet-casia"], grouping=0.50, linkage=0.55, suggestion=0.50)
RECENTRED_THRESHOLDS[ARCFACE] = replace(
    RECENTRED_THRESHOLDS["facenet-casia"], grouping=0.53, linkage=0.56, suggestion=0.52
)


def thresholds_for(model: str, *, recentred: bool = False) -> Thresholds:
    """The thresholds of a kind of model; those of "facenet-casia" for one that is not listed here.

    What an installation measured for itself is not known here: see `ml.models.find_model`.

    Args:
        model: a key of `THRESHOLDS`.
        recentred: whether the library's own centre has been taken away. Where that centre is zero, it has not.
    """
    measured = RECENTRED_THRESHOLDS if recentred else THRESHOLDS
    return measured.get(model, measured["facenet-casia"])


@dataclass(frozen=True)
class Candidate:
    """A person a probe may be.

    probe: index of the probe. person: as given for the gallery. distance: cosine distance to that person's nearest
    gallery face. nearest: index of that gallery face.
    """

    probe: int
    person: int
    distance: float
    nearest: int


def closest_people(
    probes: NDArray[np.float32], gallery: NDArray[np.float32], persons: NDArray[np.int64], *, threshold: float
) -> list[Candidate]:
    """Return every pair of a probe and a person with a gallery face within the threshold.

    Args:
        probes: shape (n, d), rows of unit length. n may be 0; of none of them, or of the gallery, d does not matter.
        gallery: shape (m, d), rows of unit length: faces with a confirmed identity. m may be 0.
        persons: shape (m,): whose each gallery face is.
        threshold: cosine distance up to which a face counts as near.

    Returns:
        Candidates, the nearest first.

    Raises:
        ValueError: gallery and persons differ in length, probes and gallery in dimensions, or something is no finite
            number.
    """
    probes = checked_numbers("probes", probes, None, None)
    gallery = checked_numbers("gallery", gallery, None, None)
    persons = checked_whole("persons", persons, len(gallery))
    checked_number("threshold", threshold)
    if not len(gallery) or not len(probes):
        return []
    if probes.shape[1] != gallery.shape[1]:
        raise ValueError(f"probes and gallery must have equal dimensions, not {probes.shape[1]} and {gallery.shape[1]}")
    order = np.argsort(persons, kind="stable")
    people, starts = np.unique(persons[order], return_index=True)
    found: list[Candidate] = []
    rows_at_once = max(BLOCK // len(gallery), 1)
    for start in range(0, len(probes), rows_at_once):
        distances = np.maximum(1 - probes[start : start + rows_at_once] @ gallery[order].T, 0)
        per_person = np.minimum.reduceat(distances, starts, axis=1)
        for probe, column in zip(*np.nonzero(per_person <= threshold), strict=True):
            first, last = starts[column], starts[column + 1] if column + 1 < len(starts) else len(order)
            nearest = order[first + int(distances[probe, first:last].argmin())]
            distance = float(per_person[probe, column])
            found.append(Candidate(int(probe) + start, int(people[column]), distance, int(nearest)))
    return sorted(found, key=lambda candidate: (candidate.distance, candidate.probe, candidate.person))


def assign_people(probabilities: NDArray[np.float64], *, least: float) -> list[int | None]:
    """Give each face of one picture at most one person, and each person one face, all faces together.

    The sum of log odds is the greatest there is, so that a face is not left without a name, or with a wrong one,
    because another one took its person by a hair.

    Args:
        probabilities: shape (n, m): of each of n faces being each of m people. NaN counts as improbable.
        least: pairs below this probability are not made.

    Returns:
        For each face the column of its person, or None: nobody of them.

    Raises:
        ValueError: probabilities is not a matrix, or least no finite number.
    """
    from scipy.optimize import linear_sum_assignment

    checked_number("least", least)
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.dtype.kind not in "fiu":
        raise ValueError("probabilities must be a matrix, a row per face and a column per person.")
    may_be = probabilities >= least  # False also where it is not a number
    # Beyond the least, so that a pair is always better than none.
    gain = np.where(may_be, _log_odds(np.where(may_be, probabilities, 0.5)) - _log_odds(least) + TINY, 0.0)
    assigned: list[int | None] = [None] * len(probabilities)
    for face, person in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
        if may_be[face, person]:
            assigned[int(face)] = int(person)
    return assigned


CERTAIN = 1e-9  # probabilities are not nearer to 0 and 1 than this
TINY = 1e-6


def _log_odds(probability: NDArray[np.float64] | float) -> NDArray[np.float64]:
    inside = np.clip(np.asarray(probability, dtype=np.float64), CERTAIN, 1 - CERTAIN)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds
