"""Learns a projection from an owner's answers, and measures it against the base on faces it was not learnt from."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.calibration import Calibration
from ml.own_projection.answered import MOST_FACES, Answered, at_most, check_enough, in_order
from ml.own_projection.comparing import Comparison, Measured, compare
from ml.own_projection.fitting import beginning, fit_projection
from ml.own_projection.folds import Fold, folds_of
from ml.own_projection.naming import Held, calibration_of, held_pairs, joined, named_by_others
from ml.own_projection.progress import Report, part, silent
from ml.own_projection.triplets import Miner, foreign_neighbours, sure_pairs
from ml.projection import Projection, recentred

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OwnProjection:
    """What was learnt, and how good it is.

    projection: centre of shape (512,), basis of at most 128 rows, which need not be orthonormal; it takes raw
    embeddings, and its rows need no library's centre taken away. calibration: for its rows, fitted to held-out faces
    only: those it was learnt from lie nearer to each other than new ones will. base, own: measured on the same
    held-out faces. gain: of tpir; gain_low: low end of its 95 % interval, over people. faces, people: learnt from.
    is_better: beyond chance, and calibrated no worse beyond chance.
    """

    projection: Projection
    calibration: Calibration
    base: Measured
    own: Measured
    gain: float
    gain_low: float
    faces: int
    people: int
    seconds: float
    is_better: bool


def learn_projection(
    answered: Answered,
    base: Projection,
    shipped: Calibration,
    *,
    centre: Matrix | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> OwnProjection:
    """Fit a projection to an owner's answers with triplets, and compare it with the base by cross-validation.

    The same answers and seed give the same projection, in whatever order they come.

    Args:
        base: of the model in use. shipped: the calibration that belongs to it, for recentred rows if there is a centre.
        centre: shape (k,), the library's own, taken away from the base's rows; or None.
        report: called every few hundred milliseconds with the share that is done; what it raises passes through.

    Raises:
        TooFewFaces: nothing can be learnt or measured yet; its text says what is needed.
        ValueError: embeddings, base and centre differ in dimensions.
    """
    started = time.monotonic()
    report = report or silent
    check_enough(answered)
    random = np.random.default_rng(seed)
    chosen = at_most(in_order(answered), MOST_FACES, random)
    check_enough(chosen)
    rows = base.apply(chosen.embeddings)
    rows = rows if centre is None else recentred(rows, centre)
    start = beginning(chosen.embeddings, base, centre)
    neighbours = foreign_neighbours(rows, chosen.people, part(report, 0, 0.1))
    sure = sure_pairs(chosen)
    folds = list(folds_of(chosen, random))
    held: tuple[list[Held], list[Held]] = ([], [])
    for number, fold in enumerate(folds):
        here = part(report, 0.1 + 0.14 * number, 0.1 + 0.14 * (number + 1))
        miner = Miner(chosen.people, fold.is_known, neighbours, sure)
        fitted = fit_projection(chosen, start, miner, random, part(here, 0, 0.4))
        held[0].append(held_pairs(rows, chosen, fold, part(here, 0.4, 0.7)))
        held[1].append(held_pairs(fitted.apply(chosen.embeddings), chosen, fold, part(here, 0.7, 1)))
    compared = _compared(held, folds, chosen, shipped, random)
    report(0.9)
    everything = np.ones(len(chosen), dtype=bool)
    projection = fit_projection(
        chosen, start, Miner(chosen.people, everything, neighbours, sure), random, part(report, 0.9, 1)
    )
    return OwnProjection(
        projection,
        calibration_of(joined(held[1]), shipped),
        compared.base,
        compared.own,
        compared.gain,
        compared.gain_low,
        faces=int(chosen.is_named.sum()),
        people=len(np.unique(chosen.people[chosen.is_named])),
        seconds=time.monotonic() - started,
        is_better=compared.gain_low > 0 and compared.error_growth_low <= 0,
    )


def _compared(
    held: tuple[list[Held], list[Held]],
    folds: list[Fold],
    answered: Answered,
    shipped: Calibration,
    random: np.random.Generator,
) -> Comparison:
    base, own = (named_by_others(parts, folds, shipped) for parts in held)
    return compare(base, own, answered.people, random)
