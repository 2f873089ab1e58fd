"""Lists everybody a face may be, so that names in one photo can be given out together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 16_000_000  # distances held at a time: 64 MB


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
        probes: shape (n, d), rows of unit length. n may be 0.
        gallery: shape (m, d), rows of unit length: faces with a confirmed identity. m may be 0.
        persons: shape (m,): whose each gallery face is.
        threshold: cosine distance up to which a face counts as near.

    Returns:
        Candidates, the nearest first.

    Raises:
        ValueError: gallery and persons differ in length.
    """
    if len(gallery) != len(persons):
        raise ValueError(f"{len(gallery)} gallery faces and {len(persons)} persons do not belong together.")
    if not len(gallery) or not len(probes):
        return []
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
