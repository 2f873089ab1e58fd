"""Learns a projection from an owner's answers, and measures it against the base on faces it was not learnt from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_number
from ml.calibration import Calibration
from ml.own_projection.answered import MOST_FACES, Answered, at_most, check_enough, in_order
from ml.own_projection.comparing import Comparison, Measured, compare
from ml.own_projection.fitting import HOLD, beginning, fit_projection
from ml.own_projection.folds import Fold, folds_of
from ml.own_projection.naming import Held, calibration_of, doubles_of, held_pairs, joined, named_by_others, together
from ml.own_projection.progress import Report, part, silent
from ml.own_projection.triplets import Miner, foreign_neighbours, sure_pairs
from ml.projection import Projection, recentred

DIVISIONS = 3  # one of them alone names other strangers than the next, and so finds another gain

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OwnProjection:
    """What was learnt, and how good it is.

    projection: centre of shape (512,), basis of at most 128 rows, which need not be orthonormal; it takes raw
    embeddings, and its rows need no library's centre taken away. calibration: for its rows, fitted to held-out faces
    only: those it was learnt from lie nearer to each other than new ones will. base_calibration: for the base's rows,
    fitted to the same faces. base, own: measured on these. gain: of tpir; gain_low: low end of its 95 % interval, over
    people. faces, people: learnt from. is_better: beyond chance, and calibrated no worse beyond chance.
    """

    projection: Projection
    calibration: Calibration
    base_calibration: Calibration
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
    hold: float = HOLD,
    divisions: int = DIVISIONS,
) -> OwnProjection:
    """Fit a projection to an owner's answers with triplets, and compare it with the base by cross-validation.

    The same answers and seed give the same projection, in whatever order they come.

    Args:
        base: of the model in use. shipped: the calibration that belongs to it, for recentred rows if there is a centre.
        centre: shape (k,), the library's own, taken away from the base's rows; or None.
        report: called every few hundred milliseconds with the share that is done; what it raises passes through.
        hold: how firmly the projection is held near the base; at least 0.
        divisions: how often the faces are divided anew to be measured.

    Raises:
        TooFewFaces: nothing can be learnt or measured yet; its text says what is needed.
        ValueError: embeddings, base and centre differ in dimensions, hold is below 0, or divisions below 1.
    """
    import scipy.optimize  # noqa: F401 - its own BLAS must be there when threads are limited
    from threadpoolctl import threadpool_limits

    started = time.monotonic()
    report = report or silent
    checked_number("hold", hold, least=0)
    checked_count("divisions", divisions)
    check_enough(answered)
    random = np.random.default_rng(seed)
    chosen = at_most(in_order(answered), MOST_FACES, random)
    check_enough(chosen)
    with threadpool_limits(limits=1):  # products this small take much longer on two busy cores than on one
        return Learning(chosen, base, shipped, centre, random, report, hold, divisions).result(started)


@dataclass(frozen=True, eq=False)
class Tried:
    """What speaks for the names of one fold's probes, by the base and by a projection that knows none of them."""

    fold: Fold
    base: Held
    own: Held


class Learning:
    """One run: what all its parts need."""

    def __init__(
        self,
        answered: Answered,
        base: Projection,
        shipped: Calibration,
        centre: Matrix | None,
        random: np.random.Generator,
        report: Report,
        hold: float,
        divisions: int,
    ) -> None:
        self._answered, self._shipped = answered, shipped
        self._hold, self._divisions = hold, divisions
        self._random, self._report = random, report
        rows = base.apply(answered.embeddings)
        self._base_rows = rows if centre is None else recentred(rows, centre)
        self._start = beginning(answered.embeddings, base, centre)
        self._neighbours = foreign_neighbours(self._base_rows, answered.people, part(report, 0, 0.1))
        self._sure = sure_pairs(answered)

    def result(self, started: float) -> OwnProjection:
        """Cross-validate, and fit to everything."""
        tried = self._cross_validated()
        compared = self._compared(tried, part(self._report, 0.8, 0.9))
        once = tried[0]  # each face, so that each counts as one answer
        everything = np.ones(len(self._answered), dtype=bool)
        projection = self._fitted(everything, part(self._report, 0.9, 1))
        named = self._answered.people[self._answered.is_named]
        return OwnProjection(
            projection,
            calibration_of(joined([fold.own for fold in once]), self._shipped),
            calibration_of(joined([fold.base for fold in once]), self._shipped),
            compared.base,
            compared.own,
            compared.gain,
            compared.gain_low,
            faces=len(named),
            people=len(np.unique(named)),
            seconds=time.monotonic() - started,
            is_better=compared.gain_low > 0 and compared.error_growth_low <= 0,
        )

    def _cross_validated(self) -> list[list[Tried]]:
        """By division and fold."""
        report = part(self._report, 0.1, 0.8)
        tried = []
        for number in range(self._divisions):
            folds = list(folds_of(self._answered, self._random))
            shares = [(number + place / len(folds)) / self._divisions for place in range(len(folds) + 1)]
            here = [part(report, first, last) for first, last in pairwise(shares)]
            tried.append([self._tried(fold, said) for fold, said in zip(folds, here, strict=True)])
        return tried

    def _tried(self, fold: Fold, report: Report) -> Tried:
        fitted = self._fitted(fold.is_known, part(report, 0, 0.4))
        base = held_pairs(self._base_rows, self._answered, fold, part(report, 0.4, 0.7))
        doubles = doubles_of(base, fold, self._answered.people, self._shipped)
        fold, base = fold.without(doubles), base.only(~np.isin(base.row, doubles))
        own_rows = fitted.apply(self._answered.embeddings)
        return Tried(fold, base, held_pairs(own_rows, self._answered, fold, part(report, 0.7, 1)))

    def _fitted(self, is_used: NDArray[np.bool_], report: Report) -> Projection:
        miner = Miner(self._answered.people, is_used, self._neighbours, self._sure)
        return fit_projection(self._answered, self._start, miner, self._random, report, hold=self._hold)

    def _compared(self, tried: list[list[Tried]], report: Report) -> Comparison:
        base, own = [], []
        for number, division in enumerate(tried):
            here = part(report, 0.6 * number / len(tried), 0.6 * (number + 1) / len(tried))
            folds = [one.fold for one in division]
            base.append(named_by_others([one.base for one in division], folds, self._shipped, part(here, 0, 0.5)))
            own.append(named_by_others([one.own for one in division], folds, self._shipped, part(here, 0.5, 1)))
        return compare(together(base), together(own), self._answered.people, self._random, part(report, 0.6, 1))
