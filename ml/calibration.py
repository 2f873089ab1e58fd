"""Turns what speaks for a name into the probability that it is right.

The coefficients below are fitted and measured by `python -m ml.evaluation identify` (docs/decisions/0018). Only they
are kept, nothing of anybody's face.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_flags, checked_number, checked_numbers, checked_whole
from ml.identification import THRESHOLDS
from ml.scoring import Features

Values = NDArray[np.float64]

MEASURED = "facenet-casia"
# Features in cosine distance, which differ in length from model to model.
DISTANCES = ("nearest", "centroid", "margin", "group", "group_margin", "group_reach")
SUREST = 30.0  # log odds beyond which a float64 cannot tell a probability from 0 or 1


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over the features of `ml.scoring.Features`: log odds = intercept + the sum of weight times
    feature.

    Source: J. Platt, Probabilistic outputs for support vector machines, 1999, with these features for an SVM's score.
    """

    intercept: float
    nearest: float
    centroid: float
    margin: float
    faces: float
    gallery: float
    quality: float
    group: float
    group_margin: float
    group_faces: float
    group_reach: float

    @property
    def weights(self) -> Values:
        """Shape (features,), in the order of `Features`."""
        return np.array([getattr(self, field.name) for field in fields(Features)])

    def odds(self, features: Features) -> Values:
        """Logarithm of the odds that each pair of a face and a person is right, shape (pairs,)."""
        odds: Values = self.intercept + features.matrix() @ self.weights
        return np.clip(odds, -SUREST, SUREST)

    def stretched(self, factor: float) -> Calibration:
        """The same for a model whose distances are so many times as long.

        Raises:
            ValueError: factor is not above 0.
        """
        checked_number("factor", factor)
        if factor <= 0:
            raise ValueError("factor must be above 0")
        return replace(self, **{name: getattr(self, name) / factor for name in DISTANCES})

    def as_json(self) -> dict[str, float]:
        return asdict(self)

    @classmethod
    def from_json(cls, written: object) -> Calibration | None:
        """What `as_json` wrote; None for what it did not write, such as that of an earlier version."""
        names = [field.name for field in fields(cls)]
        if not isinstance(written, dict) or set(written) != set(names):
            return None
        if not all(isinstance(value, int | float) and np.isfinite(value) for value in written.values()):
            return None
        return cls(**written)


# As printed by the command above. The second is for projections from which the library's own centre was taken away.
CALIBRATION = Calibration(
    intercept=9.840,
    nearest=2.242,
    centroid=-5.351,
    margin=9.248,
    faces=0.334,
    gallery=-0.073,
    quality=-7.127,
    group=-7.694,
    group_margin=8.583,
    group_faces=0.893,
    group_reach=-3.647,
)
RECENTRED_CALIBRATION = Calibration(
    intercept=13.978,
    nearest=4.070,
    centroid=-9.738,
    margin=5.184,
    faces=0.197,
    gallery=-0.264,
    quality=-6.973,
    group=-9.501,
    group_margin=10.308,
    group_faces=0.191,
    group_reach=-2.531,
)


def calibration_for(suggestion: float, *, recentred: bool = False) -> Calibration:
    """The calibration of a model by the distance up to which it suggests names without the library's centre taken away
    (`Thresholds.suggestion`): where that is longer than for the model measured here, all its distances are.

    Raises:
        ValueError: suggestion is not above 0.
    """
    checked_number("suggestion", suggestion)
    if suggestion <= 0:
        raise ValueError("suggestion must be above 0")
    measured = RECENTRED_CALIBRATION if recentred else CALIBRATION
    return measured.stretched(suggestion / THRESHOLDS[MEASURED].suggestion)


def probabilities_of(odds: Values, probes: NDArray[np.int64]) -> Values:
    """Probabilities from log odds, so that no probe's add up to more than 1; what is missing to 1 is nobody.

    Args:
        odds: shape (pairs,). probes: shape (pairs,): the probe of each pair, 0 and up.

    Raises:
        ValueError: odds or probes has another shape, or holds what is no finite or no whole number of at least 0.
    """
    odds = checked_numbers("odds", odds, None)
    probes = checked_whole("probes", probes, len(odds)).astype(np.int64)
    if len(probes) and probes.min() < 0:
        raise ValueError("probes must be 0 or more")
    each = 1 / (1 + np.exp(-np.clip(odds.astype(np.float64), -SUREST, SUREST)))
    shared: Values = each / np.maximum(np.bincount(probes, each), 1)[probes]
    return shared


# Fitting


def fit_calibration(features: Features, is_right: NDArray[np.bool_], *, weights: Values | None = None) -> Calibration:
    """Fit the curve by maximum likelihood.

    Args:
        is_right: shape (pairs,): whether each pair is right.
        weights: shape (pairs,), how much each counts; or None, the same.

    Raises:
        ValueError: is_right or weights does not match the features, or all pairs are right, or all wrong.
    """
    nobody = Calibration(*[0.0] * len(fields(Calibration)))
    return _fitted(features, is_right, weights, prior=nobody, strength=WEAK)


def refit_calibration(shipped: Calibration, features: Features, is_right: NDArray[np.bool_]) -> Calibration:
    """Fit the curve to the answers of one library, as near to the shipped one as the answers allow.

    A prior holds each weight at the shipped one: a handful of answers moves it little, thousands decide.

    Raises:
        ValueError: as for `fit_calibration`.
    """
    return _fitted(features, is_right, None, prior=shipped, strength=PRIOR)


# Keeps features that mostly agree from running away against each other, which made the surest names too sure.
WEAK = 0.5
# Penalty for moving a weight so far that a typical pair's log odds change by one. See docs/decisions/0018.
PRIOR = 10.0


def _fitted(
    features: Features, is_right: NDArray[np.bool_], weights: Values | None, *, prior: Calibration, strength: float
) -> Calibration:
    start = np.append(prior.intercept, prior.weights)
    return Calibration(*fit_curve(features.matrix(), is_right, weights, start=start, strength=strength).tolist())


def fit_curve(
    matrix: Values, is_right: NDArray[np.bool_], weights: Values | None, *, start: Values, strength: float = WEAK
) -> Values:
    """Fit a logistic curve by maximum likelihood, held at a start by a Gaussian prior.

    Args:
        matrix: shape (pairs, features). is_right: shape (pairs,). weights: shape (pairs,), or None: all the same.
        start: shape (1 + features,): intercept and weights at which the prior holds.
        strength: penalty for moving a weight so far that a typical pair's log odds change by one; at least 0.

    Returns:
        Intercept and weights, shape (1 + features,).

    Raises:
        ValueError: something has another shape, or is no finite number; strength is below 0; or all pairs are right,
            or all wrong.
    """
    from scipy.optimize import minimize

    matrix = checked_numbers("matrix", matrix, None, None)
    right = checked_flags("is_right", is_right, len(matrix))
    start = checked_numbers("start", start, 1 + matrix.shape[1])
    checked_number("strength", strength)
    if strength < 0:
        raise ValueError("strength must be at least 0")
    if not right.any() or right.all():
        raise ValueError("is_right must hold right pairs and wrong ones")
    counts = np.ones(len(right)) if weights is None else checked_numbers("weights", weights, len(right))
    counts = counts * len(counts) / counts.sum()
    middle, spread = matrix.mean(axis=0), np.maximum(matrix.std(axis=0), 1e-3)
    inputs = np.column_stack([np.ones(len(right)), (matrix - middle) / spread])
    begin = np.append(start[0] + middle @ start[1:], start[1:] * spread)

    def loss(weight: Values) -> tuple[float, Values]:
        odds = inputs @ weight
        away = weight - begin
        wrong = counts @ np.logaddexp(0, np.where(right, -odds, odds)) + strength / 2 * away @ away
        slope = inputs.T @ (counts * (1 / (1 + np.exp(-np.clip(odds, -500, 500))) - right)) + strength * away
        return float(wrong), slope

    best = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x
    found = best[1:] / spread
    curve: Values = np.append(best[0] - middle @ found, found)
    return curve


def calibration_error(
    probabilities: NDArray[np.floating], is_right: NDArray[np.bool_] | NDArray[np.floating], *, bins: int = 10
) -> float:
    """Expected calibration error: how far the share that is right lies from the probability, on average over probes.

    Args:
        probabilities: shape (n,), 0 to 1. is_right: shape (n,), yes or no, or the share of trials.
        bins: of equal width.

    Raises:
        ValueError: probabilities is empty, holds what is not from 0 to 1, or differs in length from is_right; or bins
            is not a whole number of at least 1.

    Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    probabilities = checked_numbers("probabilities", probabilities, None)
    if not len(probabilities) or probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError("probabilities must not be empty, and from 0 to 1")
    is_right = np.asarray(is_right)
    checked_numbers("is_right", is_right.astype(float) if is_right.dtype == bool else is_right, len(probabilities))
    checked_count("bins", bins)
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.bincount(place, probabilities, bins) - np.bincount(place, is_right.astype(float), bins)
    return float(np.abs(gaps).sum() / len(probabilities))


# What follows from probabilities

# Under a budget no single name is a toss-up, however sure the others are.
LEAST_SURE = 0.9
# The surest names are a little less sure than a logistic curve has it: one in 10,000 counts as one in 1,600.
CAUTION = 0.8


def within_budget(probabilities: Values, *, one_wrong_in: int) -> NDArray[np.bool_]:
    """Which names may be given so that at most one in so many is expected to be wrong: the most probable first.

    Args:
        probabilities: shape (n,), 0 to 1.
        one_wrong_in: at least 2.

    Raises:
        ValueError: probabilities is not from 0 to 1, or one_wrong_in not a whole number of at least 2.
    """
    probabilities = checked_numbers("probabilities", probabilities, None)
    checked_count("one_wrong_in", one_wrong_in, least=2)
    if len(probabilities) and (probabilities.min() < 0 or probabilities.max() > 1):
        raise ValueError("probabilities must be from 0 to 1")
    order = np.argsort(-probabilities, kind="stable")
    wrong = (1 - probabilities[order]) ** CAUTION
    expected = np.cumsum(wrong) / np.arange(1, len(order) + 1)
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order] = (expected <= 1 / one_wrong_in) & (probabilities[order] >= LEAST_SURE)
    return chosen
