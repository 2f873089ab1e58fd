"""Names held-out faces by one projection, and turns what speaks for the names into probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.calibration import Calibration, probabilities_of, refit_calibration
from ml.own_projection.answered import Answered
from ml.own_projection.folds import Fold
from ml.own_projection.progress import Report
from ml.scoring import Features, Gallery, Probes, weigh

RIVALS = 3  # people each face is compared with when a calibration is fitted, the nearest
BLOCK = 500  # probes at a time
TAKEN = 0.5  # probability from which a face would be taken for somebody
DOUBLE_FACES = 5  # of a stranger, at least, before it can be said that it is somebody's double

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Held:
    """Pairs of a held-out face and a likely person. row: shape (pairs,), the face's; person: shape (pairs,); features;
    is_right: shape (pairs,)."""

    row: NDArray[np.int64]
    person: NDArray[np.int64]
    features: Features
    is_right: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> Held:
        """Some of the pairs, by mask."""
        return Held(self.row[chosen], self.person[chosen], self.features.only(chosen), self.is_right[chosen])


def held_pairs(rows: Matrix, answered: Answered, fold: Fold, report: Report) -> Held:
    """Look the faces that are held out and the strangers' up in the gallery of one fold; rows as projected."""
    gallery = Gallery(rows[fold.is_known & answered.is_named], answered.people[fold.is_known & answered.is_named])
    probes = np.flatnonzero(fold.is_held_out | fold.is_stranger)
    parts = []
    for start in range(0, len(probes), BLOCK):
        some = probes[start : start + BLOCK]
        found = weigh(Probes(rows[some], answered.qualities[some].astype(np.float32)), gallery)
        near = found.only(found.is_among_nearest(RIVALS))
        row = some[near.probe]
        parts.append(Held(row, near.person, near.features, near.person == answered.people[row]))
        report(min(start + BLOCK, len(probes)) / len(probes))
    return joined(parts)


def joined(parts: list[Held]) -> Held:
    """Pairs of all parts."""
    return Held(
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.person for part in parts]),
        parts[0].features.joined(*(part.features for part in parts[1:])),
        np.concatenate([part.is_right for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class Named:
    """The likeliest name of each probe of all folds, shape (probes,) each: its row, the person named, the probability
    of that, and whether it is right and the face's person was in the gallery."""

    row: NDArray[np.int64]
    person: NDArray[np.int64]
    probability: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    is_known: NDArray[np.bool_]


def named_by_others(held: list[Held], folds: list[Fold], shipped: Calibration, report: Report) -> Named:
    """Names of each fold, with probabilities fitted to the other folds."""
    every = []
    for number, (mine, fold) in enumerate(zip(held, folds, strict=True)):
        others = joined([part for place, part in enumerate(held) if place != number])
        every.append(_named(mine, fold, calibration_of(others, shipped)))
        report((number + 1) / len(folds))
    return together(every)


def together(parts: list[Named]) -> Named:
    """Names of all parts."""
    return Named(*(np.concatenate([getattr(part, name) for part in parts]) for name in Named.__dataclass_fields__))


def calibration_of(held: Held, shipped: Calibration) -> Calibration:
    """Fitted to held-out pairs; the shipped one where all of them are right, or all wrong.

    The galleries of all folds are about as large, so what little they differ in says nothing about one that is larger,
    as the one is that the calibration is for: how its size counts stays as it was.
    """
    if not held.is_right.any() or held.is_right.all():
        return shipped
    sizes = held.features.gallery
    features = replace(held.features, gallery=np.full(len(sizes), sizes.mean()))
    return refit_calibration(shipped, features, held.is_right)


def doubles_of(held: Held, fold: Fold, people: NDArray[np.int64], shipped: Calibration) -> NDArray[np.int64]:
    """Rows of strangers most of whose faces are taken for one same person: a twin, or who has two names.

    They are as alike as two can be of whom only one is known, and some of them would set the limit for all strangers.
    Both are known, though, and what matters is that they are told apart. So as strangers they do not count.

    Args:
        held: pairs by the base projection. people: shape (n,), by row.
    """
    named = _named(held, fold, shipped)
    strangers = ~named.is_known
    found = []
    for stranger in np.unique(people[named.row[strangers]]).tolist():
        theirs = strangers & (people[named.row] == stranger)
        taken_for = named.person[theirs & (named.probability >= TAKEN)]
        most = np.unique(taken_for, return_counts=True)[1].max(initial=0)
        if theirs.sum() >= DOUBLE_FACES and most > theirs.sum() / 2:
            found.append(named.row[theirs])
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def names_of(
    rows: Matrix, qualities: NDArray[np.float64], gallery: Matrix, persons: NDArray[np.int64], calibration: Calibration
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest person of each of n faces among confirmed ones, and the probability of that.

    Args:
        rows: shape (n, d), qualities: (n,), of the faces; gallery: shape (m, d), persons: (m,), of the confirmed ones;
            unit rows of one projection. calibration: for that projection.

    Returns:
        Shape (n,) each.
    """
    found = weigh(Probes(rows, qualities.astype(np.float32)), Gallery(gallery, persons))
    best, probabilities = _likeliest(found.features, found.probe, calibration)
    return found.person[best], probabilities


def _named(held: Held, fold: Fold, calibration: Calibration) -> Named:
    probes, place = np.unique(held.row, return_inverse=True)
    best, probabilities = _likeliest(held.features, place.astype(np.int64), calibration)
    return Named(probes, held.person[best], probabilities, held.is_right[best], fold.is_held_out[probes])


def _likeliest(
    features: Features, probe: NDArray[np.int64], calibration: Calibration
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best pair of each probe, shape (probes,), and its probability; every probe has a pair."""
    probabilities = probabilities_of(calibration.odds(features), probe)
    order = np.argsort(probabilities, kind="stable")  # the last one written stays
    best = np.empty(int(probe.max(initial=-1)) + 1, dtype=np.int64)
    best[probe[order]] = order
    return best, probabilities[best]
