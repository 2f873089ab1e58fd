"""Compares names by two projections, over the same faces, and says how much of the difference is chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.calibration import calibration_error
from ml.own_projection.answered import TooFewFaces
from ml.own_projection.naming import Named
from ml.own_projection.progress import Report, part

FALSE_RATE = 0.01
RESAMPLES = 1000
BINS = 10  # of the calibration error

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Of one projection, on held-out confirmed faces. tpir: share of known people's faces named rightly at the
    probability that names 1 % of strangers' faces. tpir_error: its standard error. calibration_error: expected
    calibration error of the likeliest names."""

    tpir: float
    tpir_error: float
    calibration_error: float


@dataclass(frozen=True)
class Comparison:
    """base and own; gain of tpir and the low end of its 95 % interval; the low end of that of the calibration error's
    growth."""

    base: Measured
    own: Measured
    gain: float
    gain_low: float
    error_growth_low: float


def compare(
    base: Named, own: Named, people: NDArray[np.int64], random: np.random.Generator, report: Report
) -> Comparison:
    """Compare by resampling people, whose faces go right or wrong together.

    Args:
        base, own: of the same probes. people: shape (n,), by row.

    Raises:
        TooFewFaces: there are no strangers, such as where everybody has a double, or no known people's faces.
    """
    if base.is_known.all() or not base.is_known.any():
        raise TooFewFaces("measure", 1, 0)
    person = np.unique(people[base.row], return_inverse=True)[1]
    count = int(person.max()) + 1
    weights = random.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)
    as_they_are = np.ones((1, count))
    rates, errors = [], []
    for place, named in enumerate((base, own)):
        here = part(report, place / 2, (place + 1) / 2)
        rate = float(_rates(named, person, as_they_are, here)[0])
        rates.append((rate, _rates(named, person, weights, here)))
        errors.append((calibration_error(named.probability, named.is_right), _errors(named, person, weights)))
    measured = [
        Measured(tpir, float(np.nanstd(drawn)), error) for (tpir, drawn), (error, _) in zip(rates, errors, strict=True)
    ]
    gain = rates[1][1] - rates[0][1]
    growth = errors[1][1] - errors[0][1]
    return Comparison(
        measured[0], measured[1], measured[1].tpir - measured[0].tpir,
        float(np.nanquantile(gain, 0.025)), float(np.nanquantile(growth, 0.025)),
    )  # fmt: skip


def _rates(named: Named, person: NDArray[np.int64], weights: Values, report: Report) -> Values:
    """Share of known probes named rightly where 1 % of strangers are named at all, for each resample, in which people
    weigh as weights, shape (resamples, people), say. NaN where one has no strangers or no known probes."""
    known, strangers = np.flatnonzero(named.is_known), np.flatnonzero(~named.is_known)
    strangers = strangers[np.argsort(-named.probability[strangers], kind="stable")]
    known = known[np.argsort(-named.probability[known], kind="stable")]
    scores, right = named.probability[strangers], named.is_right[known]
    rates = np.full(len(weights), np.nan)
    for number, weight in enumerate(weights):
        report(number / len(weights))
        named_strangers = np.cumsum(weight[person[strangers]])
        each = weight[person[known]]
        if not len(strangers) or not named_strangers[-1] or not each.sum():
            continue
        first = int(np.searchsorted(named_strangers, FALSE_RATE * named_strangers[-1], side="right"))
        limit = scores[min(first, len(scores) - 1)]
        named_known = int(np.searchsorted(-named.probability[known], -limit))
        rates[number] = (each * right)[:named_known].sum() / each.sum()
    return rates


def _errors(named: Named, person: NDArray[np.int64], weights: Values) -> Values:
    """The expected calibration error of each resample."""
    place = np.minimum((named.probability * BINS).astype(int), BINS - 1)
    count = weights.shape[1]
    gaps, probes = np.zeros((count, BINS)), np.bincount(person, minlength=count)
    np.add.at(gaps, (person, place), named.probability - named.is_right)
    errors: Values = np.abs(weights @ gaps).sum(axis=1) / np.maximum(weights @ probes, 1)
    return errors
