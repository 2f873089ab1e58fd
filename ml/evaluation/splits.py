"""How good names by machine are on people nobody looked at: nothing in Kith was chosen on these splits.

    python -m ml.evaluation splits --data DATA --models MODELS --faces FACES.npz [--recentred]

fits the curve anew on half of the people of each of five random splits, by the recipe of `identify`, and measures it
on the other half; without and with a support vector machine per person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.arguments import checked_count
from ml.calibration import calibration_error
from ml.evaluation.labelled_faces import LabelledFaces
from ml.evaluation.naming import BUDGETS, FACES_PER_PERSON, Best, named_by_curve, named_probes
from ml.identification import Thresholds

SEEDS = (101, 102, 103, 104, 105)
MANY_FACES = (8, 12, 20)  # confirmed, of each person, where a machine has most to learn from


@dataclass(frozen=True, eq=False)
class Split:
    """Names on the people not fitted to, without and with a support vector machine."""

    plain: Best
    with_machine: Best


def measure_split(
    faces: LabelledFaces, *, limits: Thresholds, seed: int, confirmed: tuple[int, ...] = FACES_PER_PERSON
) -> Split:
    """Fit on a random half of the people, and name the faces of the others.

    Args:
        confirmed: how many faces of each person are known, of one library after the other.

    Raises:
        ValueError: as for `named_probes`.
    """
    checked_count("seed", seed, least=0)
    people = np.random.default_rng(seed).permutation(faces.identities().max() + 1)
    half = len(people) // 2
    fitted_on = named_probes(faces, people[:half], limits=limits, seed=10 * seed, confirmed=confirmed)
    held_out = named_probes(faces, people[half:], limits=limits, seed=10 * seed + 1, confirmed=confirmed)
    return Split(
        named_by_curve(fitted_on, held_out, has_machine=False), named_by_curve(fitted_on, held_out, has_machine=True)
    )


def print_splits(faces: LabelledFaces, limits: Thresholds) -> None:
    """Measure five splits, for libraries as `identify` draws them and for those of many faces per person."""
    for confirmed in (FACES_PER_PERSON, MANY_FACES):
        print(f"\nlibraries of {', '.join(map(str, confirmed))} confirmed faces per person")
        print(f"split   ECE     TPIR    with SVM: ECE, TPIR   named, wrong at 1 in {', '.join(map(str, BUDGETS))}")
        splits = [measure_split(faces, limits=limits, seed=seed, confirmed=confirmed) for seed in SEEDS]
        for seed, split in zip(SEEDS, splits, strict=True):
            rows = [f"{error:.4f}  {share:.4f}" for error, share in map(_figures, (split.plain, split.with_machine))]
            budgets = "   ".join(", ".join(map(str, split.plain.wrong_within(budget))) for budget in BUDGETS)
            print(f"{seed}   {rows[0]}   {rows[1]}      {budgets}")
        _print_middle("without", [split.plain for split in splits])
        _print_middle("with SVM", [split.with_machine for split in splits])


def _figures(best: Best) -> tuple[float, float]:
    return calibration_error(best.score, best.is_right), best.at_false_rate()


def _print_middle(name: str, measured: list[Best]) -> None:
    errors, shares = zip(*map(_figures, measured), strict=True)
    for what, values in (("ECE", errors), ("TPIR", shares)):
        print(f"{name}: {what} {np.median(values):.4f} ({min(values):.4f} to {max(values):.4f})")
    for budget in BUDGETS:
        print(f"{name}: 1 wrong in {budget}: least p of a binomial test {_least_p(measured, budget):.3f}")


def _least_p(measured: list[Best], budget: int) -> float:
    """How likely so many wrong names or more are, if the budget is just honoured, in the worst split."""
    from scipy.stats import binomtest

    counts = [best.wrong_within(budget) for best in measured]
    chances = [
        float(binomtest(wrong, named, 1 / budget, alternative="greater").pvalue) for named, wrong in counts if named
    ]
    return min(chances, default=1.0)
