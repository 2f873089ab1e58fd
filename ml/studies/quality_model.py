"""Fits the quality model, and says how well a score tells which faces will be recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ml.arguments import checked_flags, checked_number, checked_numbers
from ml.evaluation.labelled_faces import LabelledFaces
from ml.quality import FITTED, Measure, QualityModel
from ml.studies.probes import Probes

CONFIRMED = 3  # photos of each person that are named
DRAWS = 10  # random choices of them
FOLDS = 5
RIDGE = 1.0  # pulls coefficients to 0, as much as one face
MOST_STEPS, LARGEST_STEP = 50, 2.0  # of Newton's method
BINS, FEWEST_IN_BIN = 10, 20


@dataclass(frozen=True, eq=False)
class Recognition:
    """What became of each probe, as a share of the draws, shape (n,).

    suggested: its right name would be suggested, because the nearest confirmed face is of its person and within the
    threshold. nearest: the nearest confirmed face is of its person.
    """

    suggested: NDArray[np.float64]
    nearest: NDArray[np.float64]


def recognise(probes: Probes, gallery: LabelledFaces, threshold: float) -> Recognition:
    """Look each probe up among three photos, not its own, of each person. What is no face is never recognised.

    Raises:
        ValueError: the gallery is empty, its projections have other dimensions than the probes', or the threshold is no
            finite number.
    """
    checked_number("threshold", threshold)
    checked_numbers("gallery.projections", gallery.projections, None, probes.projections.shape[1])
    if not len(gallery):
        raise ValueError("gallery must hold at least one face")
    suggested, nearest = np.zeros(len(probes)), np.zeros(len(probes))
    for draw in range(DRAWS):
        confirmed, place = _drawn(gallery, np.random.default_rng(draw))
        is_own_photo = gallery.files[confirmed][None, :] == probes.files[:, None]
        is_same = gallery.persons[confirmed][None, :] == probes.persons[:, None]
        # Whose own photo is among the first three gets the fourth instead.
        steps_in = (is_own_photo & is_same).any(axis=1, keepdims=True) & is_same
        in_use = (steps_in | (place < CONFIRMED)[None, :]) & ~is_own_photo
        likeness = np.where(in_use, probes.projections @ gallery.projections[confirmed].T, -np.inf)
        best = likeness.argmax(axis=1)
        is_right = is_same[np.arange(len(probes)), best]
        nearest += is_right / DRAWS
        suggested += (is_right & (1 - likeness.max(axis=1) <= threshold)) / DRAWS
    return Recognition(np.minimum(suggested, 1), np.minimum(nearest, 1))


def _drawn(gallery: LabelledFaces, random: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Up to four faces of each person at random, and the place, from 0, of each among them."""
    order = random.permutation(len(gallery.files))
    _, person = np.unique(gallery.persons[order], return_inverse=True)
    by_person = np.argsort(person, kind="stable")
    starts = np.searchsorted(person[by_person], person[by_person], side="left")
    place = np.arange(len(order)) - starts
    kept = place <= CONFIRMED
    return order[by_person[kept]], place[kept]


# Fitting


def fit(measures: NDArray[np.float64], is_face: NDArray[np.bool_], wanted: NDArray[np.float64]) -> QualityModel:
    """Logistic regression on the measures and their squares.

    Args:
        measures: shape (n, 8). is_face: shape (n,); faces set the ranges, or all rows where there are none. wanted:
            shape (n,): from 0 to 1.

    Raises:
        ValueError: one of them has another shape, is empty or holds what is no finite number, or wanted is not from 0
            to 1.
    """
    measures = checked_numbers("measures", measures, None, len(FITTED.measures))
    is_face = checked_flags("is_face", is_face, len(measures))
    _check_shares("wanted", wanted, len(measures))
    if not len(measures):
        raise ValueError("measures must be of one face at least")
    in_range = measures[is_face] if is_face.any() else measures
    low, high = np.percentile(in_range, [1, 99], axis=0).round(2)
    ranged = [
        # One that is left out is the same for all: it needs some range, and says nothing.
        replace(measure, low=float(first), high=max(float(last), float(first) + 0.01))
        for measure, first, last in zip(FITTED.measures, low, high, strict=True)
    ]
    scaled = QualityModel(0.0, tuple(ranged)).scaled(measures)
    columns = np.concatenate([np.ones((len(scaled), 1)), scaled, scaled**2], axis=1)
    start, *rest = _logistic(columns, wanted).round(2).tolist()
    slopes, bends = rest[: len(ranged)], rest[len(ranged) :]
    fitted = [
        Measure(one.name, one.low, one.high, slope, bend)
        for one, slope, bend in zip(ranged, slopes, bends, strict=True)
    ]
    return QualityModel(start, tuple(fitted))


def _logistic(columns: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients by Newton's method; the first column is left free, the others are pulled to 0."""
    pull = np.full(columns.shape[1], RIDGE)
    pull[0] = 0
    found = np.zeros(columns.shape[1])
    for _ in range(MOST_STEPS):
        chance = 1 / (1 + np.exp(-columns @ found))
        weight = np.maximum(chance * (1 - chance), 1e-6)
        slope = columns.T @ (wanted - chance) - pull * found
        step = np.linalg.solve((columns * weight[:, None]).T @ columns + np.diag(pull), slope)
        found += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if np.abs(step).max() < 1e-6:
            break
    return found


def held_out(probes: Probes, wanted: NDArray[np.float64], left_out: Sequence[int] = ()) -> NDArray[np.float64]:
    """The quality of each probe by a model that has seen nothing of its person, nor of the picture it is no face of.

    Args:
        wanted: as for `fit`, shape (n,).
        left_out: measures the models do without.

    Raises:
        ValueError: wanted is not from 0 to 1 for each probe, left_out is no number of a measure, or the probes are of
            one person or picture only.
    """
    _check_shares("wanted", wanted, len(probes))
    if not set(left_out) <= set(range(len(FITTED.measures))):
        raise ValueError(f"left_out must be numbers of measures, not {left_out}")
    measures = probes.measures.copy()
    # A measure that is the same for all faces says nothing; two values give it a range.
    measures[:, list(left_out)] = 0
    owner = np.unique(np.where(probes.is_face, probes.persons, probes.files), return_inverse=True)[1]
    if not len(owner) or owner.max() < 1:
        raise ValueError("probes must be of two people or pictures at least")
    fold = np.random.default_rng(0).permutation(owner.max() + 1)[owner] % FOLDS
    quality = np.zeros(len(probes))
    for number in range(FOLDS):
        seen = fold != number
        model = fit(measures[seen], probes.is_face[seen], wanted[seen])
        quality[~seen] = model.probability(measures[~seen])
    return quality


# Judging


def area_under_curve(score: NDArray[np.floating], is_recognised: NDArray[np.bool_]) -> float:
    """The probability that of a recognised and a failed face the recognised one has the higher score; NaN without.

    Raises:
        ValueError: score or is_recognised has another shape, or holds what is no finite number.
    """
    score = checked_numbers("score", score, None)
    is_recognised = checked_flags("is_recognised", is_recognised, len(score))
    right, wrong = int(is_recognised.sum()), int((~is_recognised).sum())
    if not right or not wrong:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[is_recognised].sum() - right * (right + 1) / 2) / (right * wrong))


def by_probability(probability: NDArray[np.floating], happened: NDArray[np.float64]) -> list[float]:
    """Share that happened in each of ten bins of equal width; NaN in those of fewer than twenty faces.

    Raises:
        ValueError: probability or happened is not a number from 0 to 1 for each face.
    """
    _check_shares("probability", probability, None)
    _check_shares("happened", happened, len(probability))
    which = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [
        float(happened[which == number].mean()) if (which == number).sum() >= FEWEST_IN_BIN else float("nan")
        for number in range(BINS)
    ]


def by_tenth(score: NDArray[np.floating], happened: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Mean score and share of failures of each tenth of the faces, the lowest scores first.

    Raises:
        ValueError: score or happened has another shape or holds what is no finite number, or there are fewer than ten.
    """
    if len(checked_numbers("score", score, None)) < BINS:
        raise ValueError(f"score must be of {BINS} faces or more")
    checked_numbers("happened", happened, len(score))
    tenths = np.array_split(np.argsort(score, kind="stable"), BINS)
    return [(float(score[tenth].mean()), float(1 - happened[tenth].mean())) for tenth in tenths]


def _check_shares(name: str, shares: NDArray[np.floating], faces: int | None) -> None:
    values = checked_numbers(name, shares, faces)
    if len(values) and not 0 <= values.min() <= values.max() <= 1:
        raise ValueError(f"{name} must be from 0 to 1")
