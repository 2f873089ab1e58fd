"""How good names by machine are: libraries of known people and strangers, made of a labelled set, named and counted.

    python -m ml.evaluation identify --data DATA --models MODELS --faces FACES.npz [--recentred]

fits the calibration on half of the people and measures it on the other half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_number, checked_numbers, checked_whole
from ml.calibration import (
    DISTANCES,
    SUREST,
    Calibration,
    calibration_error,
    fit_calibration,
    fit_curve,
    probabilities_of,
    refit_calibration,
    within_budget,
)
from ml.clustering import group_faces
from ml.evaluation.labelled_faces import LabelledFaces
from ml.evaluation.machines import machine_values
from ml.identification import Thresholds
from ml.projection import unit_rows
from ml.scoring import Evidence, Features, Gallery, Probes, weigh
from ml.separation import FEWEST_FACES, separate

# Galleries of many sizes, because the one of a new library grows from one face to thousands.
PEOPLE_IN_GALLERY = (2, 10, 40, 150)
FACES_PER_PERSON = (1, 3, 10)
PROBES_PER_PERSON = 30
PROBES_PER_SIZE = 500
RIVALS = 3  # pairs of a probe that are fitted: the nearest people
FALSE_RATE = 0.01
SUGGESTED = 0.3
BUDGETS = (50, 200, 1000)
DRAWS = 10
MACHINE_FACES = 5


@dataclass(frozen=True, eq=False)
class NamedProbes:
    """Probes of several libraries and what speaks for their likeliest people.

    evidence: pairs; probes are numbered through all libraries. is_right: shape (pairs,). is_known: shape (probes,):
    whether the person is in the gallery. weights: shape (pairs,): each library counts the same. l2: shape (probes,):
    distance to the nearest gallery face by the classic rule, on 512-d embeddings; l2_right: whether it is that person.
    machine: shape (pairs,), of a support vector machine, 0 for who has fewer than `MACHINE_FACES` faces.
    """

    evidence: Evidence
    is_right: NDArray[np.bool_]
    is_known: NDArray[np.bool_]
    weights: NDArray[np.float64]
    l2: NDArray[np.float64]
    l2_right: NDArray[np.bool_]
    machine: NDArray[np.float64]


def named_probes(
    faces: LabelledFaces,
    people: NDArray[np.int64],
    *,
    limits: Thresholds,
    seed: int,
    confirmed: Sequence[int] = FACES_PER_PERSON,
) -> NamedProbes:
    """Look faces up in random galleries of some people; for each face of a known person one of a stranger.

    Probes are grouped as the product groups faces that wait for a name.

    Args:
        faces: a labelled set. people: numbers, as in `faces.identities()`, of those who may occur.
        limits: of the projections in it.
        confirmed: how many faces of each person are known, of one library after the other.

    Raises:
        ValueError: confirmed is empty or below 1; people are not such numbers, fewer than two of them have two faces,
            or none of those a good one; or seed is below 0.
    """
    checked_count("seed", seed, least=0)
    if not len(confirmed):
        raise ValueError("confirmed must not be empty")
    for count in confirmed:
        checked_count("confirmed", count)
    _check_people(faces, checked_whole("people", people, None), limits.poor_quality)
    random = np.random.default_rng(seed)
    drawn = [
        part
        for size in PEOPLE_IN_GALLERY
        for count in confirmed
        for part in _libraries_of(faces, people, size, count, limits, random)
    ]
    return _joined(drawn)


def _check_people(faces: LabelledFaces, people: NDArray[np.int64], poor_quality: float) -> None:
    identities = faces.identities()
    counts = np.bincount(identities)
    if not len(people) or people.min() < 0 or people.max() >= len(counts):
        raise ValueError("people must be numbers of faces.identities()")
    several = people[counts[people] >= 2]
    if len(several) < 2 or not (np.isin(identities, several) & (faces.qualities >= poor_quality)).any():
        raise ValueError("people must hold two with two faces each, one of them good")


def _libraries_of(
    faces: LabelledFaces,
    people: NDArray[np.int64],
    size: int,
    confirmed: int,
    limits: Thresholds,
    random: np.random.Generator,
) -> Iterator[NamedProbes]:
    """Libraries of one size, until there are enough probes."""
    identities = faces.identities()
    several = people[np.bincount(identities)[people] >= 2]
    seen = 0
    while seen < PROBES_PER_SIZE:
        known = random.permutation(several)[: min(size, len(several) // 2)]
        gallery: list[int] = []
        probes: list[int] = []
        for person in known:
            members = random.permutation(np.flatnonzero(identities == person))
            good = members[faces.qualities[members] >= limits.poor_quality][: min(confirmed, len(members) - 1)]
            gallery.extend(good)
            probes.extend(np.setdiff1d(members, good)[:PROBES_PER_PERSON] if len(good) else ())
        wanted = 2 * len(probes)
        for person in random.permutation(np.setdiff1d(people, known)):
            if len(probes) >= wanted:
                break
            probes.extend(np.flatnonzero(identities == person)[:PROBES_PER_PERSON])
        if gallery:
            seen += len(probes)
            yield _looked_up(faces, np.array(gallery), np.array(probes), limits)


def _looked_up(
    faces: LabelledFaces, gallery: NDArray[np.int64], probes: NDArray[np.int64], limits: Thresholds
) -> NamedProbes:
    rows, identities, qualities = faces.projections, faces.identities(), faces.qualities
    groups = group_faces(
        rows[probes],
        proposal_threshold=limits.grouping,
        linkage_threshold=limits.linkage,
        may_seed=qualities[probes] >= limits.poor_quality,
    )
    known = Gallery(rows[gallery], identities[gallery])
    found = weigh(Probes(rows[probes], qualities[probes], groups), known)
    evidence = found.only(found.is_among_nearest(RIVALS))
    squared = 2 - 2 * faces.embeddings[probes] @ faces.embeddings[gallery].T
    return NamedProbes(
        evidence=evidence,
        is_right=evidence.person == identities[probes][evidence.probe],
        is_known=np.isin(identities[probes], identities[gallery]),
        weights=np.full(len(evidence.probe), 1 / len(probes)),
        l2=np.sqrt(np.maximum(squared.min(axis=1), 0)).astype(np.float64),
        l2_right=identities[gallery][squared.argmin(axis=1)] == identities[probes],
        machine=machine_values(rows[probes], evidence, known, fewest=MACHINE_FACES),
    )


def _joined(parts: list[NamedProbes]) -> NamedProbes:
    starts = np.cumsum([0] + [len(part.is_known) for part in parts])
    evidence = Evidence(
        np.concatenate([part.evidence.probe + start for part, start in zip(parts, starts[:-1], strict=True)]),
        np.concatenate([part.evidence.person for part in parts]),
        np.concatenate([part.evidence.face for part in parts]),
        parts[0].evidence.features.joined(*(part.evidence.features for part in parts[1:])),
    )
    names = [field.name for field in fields(NamedProbes) if field.name != "evidence"]
    return NamedProbes(evidence, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))


# Measuring


@dataclass(frozen=True, eq=False)
class Best:
    """The likeliest name of each probe, each of shape (probes,): its probability or other score, whether it is right,
    and whether the person is in the gallery at all."""

    score: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    is_known: NDArray[np.bool_]

    def at_false_rate(self, rate: float = FALSE_RATE) -> float:
        """Share of known people's probes that are named rightly at the score which names so many strangers' probes."""
        least = np.quantile(self.score[~self.is_known], 1 - rate)
        return float((self.is_right & (self.score > least)).sum() / max(self.is_known.sum(), 1))

    def suggested(self, least: float) -> tuple[float, float]:
        """Precision and recall of names whose score is at least so much."""
        chosen = self.score >= least
        right = (self.is_right & chosen).sum()
        return float(right / max(chosen.sum(), 1)), float(right / max(self.is_known.sum(), 1))

    def best_f(self) -> tuple[float, float, float]:
        """The best harmonic mean of precision and recall that any score gives, and that precision and recall."""
        order = np.argsort(-self.score, kind="stable")
        right = np.cumsum(self.is_right[order])
        precision, recall = right / np.arange(1, len(order) + 1), right / max(self.is_known.sum(), 1)
        means = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
        best = int(means.argmax())
        return float(means[best]), float(precision[best]), float(recall[best])

    def wrong_within(self, one_wrong_in: int) -> tuple[int, int]:
        """How many names a budget lets the machine give, and how many of them are wrong."""
        chosen = within_budget(self.score, one_wrong_in=one_wrong_in)
        return int(chosen.sum()), int((chosen & ~self.is_right).sum())


def best_names(probes: NamedProbes, odds: NDArray[np.float64]) -> Best:
    """The likeliest person of each probe by log odds of shape (pairs,).

    Raises:
        ValueError: odds has another shape, or holds what is no finite number.
    """
    checked_numbers("odds", odds, len(probes.is_right))
    probabilities = probabilities_of(odds, probes.evidence.probe)
    order = np.argsort(probabilities, kind="stable")  # the last one written stays
    score, right = np.zeros(len(probes.is_known)), np.zeros(len(probes.is_known), dtype=bool)
    score[probes.evidence.probe[order]] = probabilities[order]
    right[probes.evidence.probe[order]] = probes.is_right[order]
    return Best(score, right, probes.is_known)


def classic(probes: NamedProbes) -> Best:
    """The classic rule: the nearest face by L2 distance on 512-d embeddings, if it is near enough."""
    return Best(2 - probes.l2, probes.l2_right, probes.is_known)


WITHOUT_GROUPS = ("nearest", "centroid", "margin", "faces", "gallery", "quality")
EARLIER = ("nearest", "margin", "gallery")


def fit_only(probes: NamedProbes, names: tuple[str, ...]) -> Calibration:
    """Fit a calibration that looks at some features only.

    Raises:
        ValueError: as for `fit_calibration`.
    """
    return fit_calibration(only(probes.evidence.features, names), probes.is_right, weights=probes.weights)


def named_by_curve(fitted_on: NamedProbes, held_out: NamedProbes, *, has_machine: bool) -> Best:
    """The likeliest names by a curve fitted to all features, and where asked for to the support vector machine of each
    person and whether there is one.

    Raises:
        ValueError: all pairs fitted on are right, or all wrong.
    """
    matrix, other = (_inputs(probes, has_machine) for probes in (fitted_on, held_out))
    curve = fit_curve(matrix, fitted_on.is_right, fitted_on.weights, start=np.zeros(1 + matrix.shape[1]))
    return best_names(held_out, np.clip(curve[0] + other @ curve[1:], -SUREST, SUREST))


def _inputs(probes: NamedProbes, has_machine: bool) -> NDArray[np.float64]:
    plain = probes.evidence.features.matrix()
    return np.column_stack([plain, probes.machine, probes.machine != 0]) if has_machine else plain


def only(features: Features, names: tuple[str, ...]) -> Features:
    """The features with all others 0."""
    values = {field.name: getattr(features, field.name) for field in fields(Features)}
    return Features(**{name: value if name in names else np.zeros(len(value)) for name, value in values.items()})


def print_names(faces: LabelledFaces, limits: Thresholds, shipped: Calibration) -> None:
    """Fit on half of the people, and print the coefficients and how good they are on the other half."""
    people = np.random.default_rng(0).permutation(faces.identities().max() + 1)
    half = len(people) // 2
    fitted_on = named_probes(faces, people[:half], limits=limits, seed=1)
    held_out = named_probes(faces, people[half:], limits=limits, seed=2)
    everything = tuple(field.name for field in fields(Features))
    fitted = fit_only(fitted_on, everything)
    print(f"fitted on {half} people, {len(fitted_on.is_known)} faces:\nCalibration(")
    print("".join(f"    {name}={value:.3f},\n" for name, value in fitted.as_json().items()) + ")")
    print(f"measured on {len(people) - half} other people, {len(held_out.is_known)} faces, half of them strangers'\n")
    print(f"{'':36}  ECE   TPIR@FPIR 1 %  precision, recall from {SUGGESTED}   best F (P, R)")
    _print_row("nearest by L2, one distance", classic(held_out), is_probability=False)
    for name, names in (("nearest, margin, size of gallery", EARLIER), ("without groups", WITHOUT_GROUPS)):
        odds = fit_only(fitted_on, names).odds(only(held_out.evidence.features, names))
        _print_row(name, best_names(held_out, odds))
    _print_row("everything", best_names(held_out, fitted.odds(held_out.evidence.features)))
    _print_row("everything and an SVM", named_by_curve(fitted_on, held_out, has_machine=True))
    best = best_names(held_out, shipped.odds(held_out.evidence.features))
    _print_row("everything, as shipped", best)
    _print_reliability(best)
    for budget in BUDGETS:
        named, wrong = best.wrong_within(budget)
        print(f"at most 1 wrong in {budget}: {named} named, {wrong} wrong, 1 in {named / max(wrong, 1):.0f}")
    print_refit(faces, limits, shipped)
    alike = score_alike(faces, shipped)
    print(f"\nof the 40 most alike pairs of people, {alike.faces} faces, the share that gets the other's name")
    print(f"nearest face {alike.nearest:.4f}, calibration {alike.calibrated:.4f}, with a plane {alike.separated:.4f}")


def print_refit(faces: LabelledFaces, limits: Thresholds, shipped: Calibration) -> None:
    """How a calibration that was fitted to a library of longer distances does on other people of it."""
    people = np.random.default_rng(3).permutation(faces.identities().max() + 1)
    half = len(people) // 2
    answers = named_probes(faces, people[:half], limits=limits, seed=4)
    held_out = named_probes(faces, people[half:], limits=limits, seed=5)
    random = np.random.default_rng(6)
    print("\nin a library whose distances are 15 % longer, calibration error on other people of it")
    for count in (0, 50, 200, 1000, 5000):
        chosen = np.isin(answers.evidence.probe, random.permutation(len(answers.is_known))[:count])
        features, right = wider(answers.evidence.features.only(chosen)), answers.is_right[chosen]
        fitted = refit_calibration(shipped, features, right) if count else shipped
        best = best_names(held_out, fitted.odds(wider(held_out.evidence.features)))
        print(f"after {count:5} answers: {calibration_error(best.score, best.is_right):.4f}")


def wider(features: Features, factor: float = 1.15) -> Features:
    """The features of the same faces if distances were so many times as long.

    Raises:
        ValueError: factor is no finite number.
    """
    checked_number("factor", factor)
    return replace(features, **{name: factor * getattr(features, name) for name in DISTANCES})


@dataclass(frozen=True)
class AlikeScore:
    """Of faces of two people who are alike, the share given to the other one: by nearest face, by the calibration, and
    by that and a plane between the two. faces: how many were looked at."""

    nearest: float
    calibrated: float
    separated: float
    faces: int


def score_alike(
    faces: LabelledFaces, calibration: Calibration, *, pairs: int = 40, known: int = 8, fewest: int = 12
) -> AlikeScore:
    """Tell the most alike pairs of people apart by `known` faces of each, in ten draws; the others are looked up.

    Args:
        pairs: how many pairs. fewest: people with fewer faces do not take part.

    Raises:
        ValueError: no two people have so many faces, known is less than 5, or something is no whole number above 0.
    """
    checked_count("pairs", pairs)
    checked_count("known", known, least=FEWEST_FACES)
    checked_count("fewest", fewest, least=known + 1)
    people = faces.identities()
    members = [np.flatnonzero(people == person) for person in np.flatnonzero(np.bincount(people) >= fewest)]
    if len(members) < 2:
        raise ValueError(f"faces must hold two people of {fewest} faces")
    centroids = unit_rows(np.stack([faces.projections[mine].mean(axis=0) for mine in members]))
    first, second = np.triu_indices(len(members), 1)
    alike = np.argsort(-(centroids[first] * centroids[second]).sum(axis=1))[:pairs]
    counts = np.zeros(4, dtype=np.int64)
    for draw in range(DRAWS):
        random = np.random.default_rng(draw)
        for pair in alike:
            counts += _told_apart(faces, members[first[pair]], members[second[pair]], calibration, known, random)
    wrong = counts[:3] / counts[3]
    return AlikeScore(float(wrong[0]), float(wrong[1]), float(wrong[2]), int(counts[3]))


def _told_apart(
    faces: LabelledFaces,
    one: NDArray[np.intp],
    other: NDArray[np.intp],
    calibration: Calibration,
    known: int,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Wrong names by the three ways, and how many faces."""
    one, other = random.permutation(one), random.permutation(other)
    rows, probes = faces.projections, np.concatenate([one[known:], other[known:]])
    is_one = np.repeat([True, False], [len(one) - known, len(other) - known])
    gallery = Gallery(rows[np.concatenate([one[:known], other[:known]])], np.repeat(np.array([0, 1]), known))
    found = weigh(Probes(rows[probes], faces.qualities[probes]), gallery)
    odds = calibration.odds(found.features).reshape(-1, 2)
    nearest = found.features.nearest.reshape(-1, 2)
    sides = separate(rows[one[:known]], rows[other[:known]]).sides(rows[probes])
    decided = [nearest[:, 1] - nearest[:, 0], odds[:, 0] - odds[:, 1], odds[:, 0] - odds[:, 1] + sides]
    return np.array([*(((score > 0) != is_one).sum() for score in decided), len(probes)])


def _print_row(name: str, best: Best, *, is_probability: bool = True) -> None:
    error = f"{calibration_error(best.score, best.is_right):.4f}" if is_probability else "     -"
    precision, recall = best.suggested(SUGGESTED) if is_probability else (np.nan, np.nan)
    f, at_precision, at_recall = best.best_f()
    print(
        f"{name:36}{error} {best.at_false_rate():13.4f} {precision:18.4f} {recall:7.4f}"
        f" {f:18.4f} ({at_precision:.4f}, {at_recall:.4f})"
    )


def _print_reliability(best: Best) -> None:
    print("\nprobability      faces   mean  right")
    edges = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 1.0001)
    for low, high in pairwise(edges):
        chosen = (best.score >= low) & (best.score < high)
        if chosen.any():
            mean, right = best.score[chosen].mean(), best.is_right[chosen].mean()
            print(f"{low:.3f} to {min(high, 1):.3f} {chosen.sum():7} {mean:7.4f} {right:7.4f}")
