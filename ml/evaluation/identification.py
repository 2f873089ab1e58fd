"""Identification: who is this, among the people named so far?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_flags, checked_number, checked_numbers, checked_whole
from ml.evaluation.labelled_faces import LabelledFaces
from ml.identification import BLOCK, closest_people

SPLITS = 10  # random divisions of people into known and strangers
CONFIRMED = 3  # faces in the gallery a person, at most: so many are soon confirmed


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

    Raises:
        ValueError: threshold or poor_quality is no finite number, or confirmed not at least 1.
    """
    checked_number("threshold", threshold)
    checked_number("poor_quality", poor_quality)
    checked_count("confirmed", confirmed)
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


@dataclass(frozen=True)
class IdentificationScore:
    """Means over the splits. tpir: true positive identification rate; tpir_spread: its standard deviation.

    known, strangers: probes of people in the gallery and of people not in it, per split.
    """

    tpir: float
    tpir_spread: float
    known: float
    strangers: float


def score_identification(
    faces: LabelledFaces,
    false_positive_rate: float = 0.01,
    *,
    seed: int,
    confirmed: int = CONFIRMED,
    poor_quality: float,
) -> IdentificationScore | None:
    """Share of known people's faces that get the right name while this share of strangers' faces gets any.

    In each of ten splits half of the people with two faces or more are in the gallery, by at most `confirmed` good
    faces each; all their other faces and all faces of everybody else are probes. A probe gets the name of the nearest
    gallery face, if that is within the threshold.

    Returns:
        None where no split has both known probes and strangers.

    Raises:
        ValueError: the rate is not from 0 to 1, poor_quality no finite number, seed below 0 or confirmed below 1.

    Source: open-set identification (TPIR at FPIR) as in NIST's Face Recognition Vendor Test, part 2.
    """
    checked_number("false_positive_rate", false_positive_rate, least=0, most=1)
    checked_number("poor_quality", poor_quality)
    checked_count("confirmed", confirmed)
    checked_count("seed", seed, least=0)
    trials = list(identification_trials(faces, seed=seed, confirmed=confirmed, poor_quality=poor_quality))
    rates = [
        true_identification_rate(trial.distances, trial.is_right, trial.is_known, false_positive_rate)
        for trial in trials
    ]
    known_probes = [int(trial.is_known.sum()) for trial in trials]
    stranger_probes = [int((~trial.is_known).sum()) for trial in trials]
    if not rates:
        return None
    return IdentificationScore(
        float(np.mean(rates)), float(np.std(rates)), float(np.mean(known_probes)), float(np.mean(stranger_probes))
    )


@dataclass(frozen=True, eq=False)
class Trial:
    """One split: the faces that were looked up.

    probes: shape (n,), rows of the labelled faces. distances: (n,), cosine, to the nearest gallery face. is_right:
    (n,), whether that is the same person. is_known: (n,), whether that person has any face in the gallery.
    """

    probes: NDArray[np.intp]
    distances: NDArray[np.float32]
    is_right: NDArray[np.bool_]
    is_known: NDArray[np.bool_]


def identification_trials(
    faces: LabelledFaces, *, seed: int, confirmed: int = CONFIRMED, poor_quality: float
) -> Iterator[Trial]:
    """The splits of `score_identification` that have both known probes and strangers."""
    people = faces.identities()
    several = np.flatnonzero(np.bincount(people) >= 2)
    for split in range(SPLITS):
        random = np.random.default_rng((seed, split))
        enrolled = random.permutation(several)[: max(len(several) // 2, 1)]
        gallery = _gallery(people, faces.qualities, enrolled, confirmed, poor_quality, random)
        probes = np.setdiff1d(np.arange(len(people)), gallery)
        is_known = np.isin(people[probes], people[gallery])
        if is_known.any() and not is_known.all():
            distances, named = nearest_people(faces.projections[probes], faces.projections[gallery], people[gallery])
            yield Trial(probes, distances, named == people[probes], is_known)


def true_identification_rate(
    distances: NDArray[np.float32],
    right: NDArray[np.bool_],
    known: NDArray[np.bool_],
    false_positive_rate: float,
) -> float:
    """Share of known probes named rightly at the widest threshold that names at most this share of strangers.

    Args:
        distances: shape (n,), cosine, to the nearest gallery face of each probe.
        right: shape (n,): whether that face is the same person.
        known: shape (n,): whether that person has any face in the gallery.

    Raises:
        ValueError: the shapes differ, a distance is not finite, the rate is not from 0 to 1, or there are no known
            probes or no strangers.
    """
    distances = checked_numbers("distances", distances, None)
    right = checked_flags("right", right, len(distances))
    known = checked_flags("known", known, len(distances))
    checked_number("false_positive_rate", false_positive_rate, least=0, most=1)
    if known.all() or not known.any():
        raise ValueError("known must hold known people and strangers.")
    limit = distance_naming(distances[~known], false_positive_rate)
    return float(((distances < limit) & right)[known].mean())


def distance_naming(strangers: NDArray[np.float32], share: float) -> float:
    """The distance below which at most this share of strangers gets a name; infinite if all may.

    Args:
        strangers: shape (n,), cosine distances of strangers to the nearest gallery face.

    Raises:
        ValueError: a distance is not finite, or the share is not from 0 to 1.
    """
    ordered = np.sort(checked_numbers("strangers", strangers, None))
    checked_number("share", share, least=0, most=1)
    allowed = int(share * len(ordered) + 1e-9)
    return float(ordered[allowed]) if allowed < len(ordered) else np.inf


def nearest_people(
    probes: NDArray[np.float32], gallery: NDArray[np.float32], persons: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cosine distance to the nearest gallery face of each probe, and whose that is; rows of unit length.

    Raises:
        ValueError: the gallery is empty, gallery and persons differ in length, probes and gallery in dimensions, or
            something is no finite number.
    """
    probes = checked_numbers("probes", probes, None, None)
    gallery = checked_numbers("gallery", gallery, None, probes.shape[1])
    persons = checked_whole("persons", persons, len(gallery))
    if not len(gallery):
        raise ValueError("gallery must hold at least one face")
    distances = np.empty(len(probes), dtype=np.float32)
    named = np.empty(len(probes), dtype=np.int64)
    at_once = max(BLOCK // len(gallery), 1)
    for start in range(0, len(probes), at_once):
        block = 1 - probes[start : start + at_once] @ gallery.T
        nearest = block.argmin(axis=1)
        distances[start : start + at_once] = block[np.arange(len(block)), nearest]
        named[start : start + at_once] = persons[nearest]
    return distances, named


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
