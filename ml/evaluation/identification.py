"""Identification: who is this, among the people named so far?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.labelled_faces import LabelledFaces
from ml.identification import closest_people

SPLITS = 10  # random divisions of people into known and strangers


@dataclass(frozen=True)
class SuggestionScore:
    """precision: share of suggestions that are right. recall: share of known people's faces suggested rightly.
    stranger_rate: share of strangers' faces that get any suggestion."""

    precision: float
    recall: float
    stranger_rate: float


def score_suggestions(
    faces: LabelledFaces, threshold: float, *, confirmed: int, poor_quality: float
) -> SuggestionScore:
    """Suggest names by the nearest confirmed face for people half of whom nobody has named.

    In each of ten random splits half of the people with two faces or more are known, by at most `confirmed` good faces
    each; all their other faces, and all faces of the other people, are probes.
    """
    people = faces.identities()
    counts = np.bincount(people)
    suggested = right = known_probes = strangers = stranger_suggestions = 0
    for split in range(SPLITS):
        random = np.random.default_rng(split)
        known = random.permutation(np.flatnonzero(counts >= 2))[: int((counts >= 2).sum()) // 2]
        gallery = _gallery(people, faces.qualities, known, confirmed, poor_quality, random)
        probes = np.setdiff1d(np.arange(len(people)), gallery)
        candidates = closest_people(
            faces.projections[probes], faces.projections[gallery], people[gallery], threshold=threshold
        )
        nearest = {candidate.probe: candidate.person for candidate in reversed(candidates)}
        for index, probe in enumerate(probes):
            is_known = people[probe] in people[gallery]
            known_probes += is_known
            strangers += not is_known
            if index in nearest:
                suggested += 1
                right += nearest[index] == people[probe]
                stranger_suggestions += not is_known
    return SuggestionScore(
        right / max(suggested, 1), right / max(known_probes, 1), stranger_suggestions / max(strangers, 1)
    )


def _gallery(
    people: NDArray[np.int64],
    qualities: NDArray[np.float32],
    known: NDArray[np.int64],
    confirmed: int,
    poor_quality: float,
    random: np.random.Generator,
) -> NDArray[np.intp]:
    """Indices of the confirmed faces: of each known person some good ones, leaving at least one face to recognise."""
    chosen: list[int] = []
    for person in known:
        members = np.flatnonzero(people == person)
        good = random.permutation(members[qualities[members] >= poor_quality])
        chosen.extend(good[: min(confirmed, len(members) - 1)])
    return np.array(sorted(chosen), dtype=np.intp)
