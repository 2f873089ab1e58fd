"""Verification: are two faces the same person?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_flags, checked_number, checked_numbers, checked_whole
from ml.projection import Projection, unit_rows

FEWEST_FACES = 50  # whose mean says more about all faces than about these


@dataclass(frozen=True, eq=False)
class PairedFaces:
    """Pairs of faces by row, whether they are of one person, and the fold of each: all of shape (n,).

    Raises:
        ValueError: one of them has another shape, or is not of that type.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    same: NDArray[np.bool_]
    folds: NDArray[np.int64]

    def __post_init__(self) -> None:
        pairs = len(checked_flags("same", self.same, None))
        for name in ("first", "second", "folds"):
            checked_whole(name, getattr(self, name), pairs)


@dataclass(frozen=True, eq=False)
class VerificationScore:
    """accuracy: mean over folds of the share of pairs judged right; accuracy_spread: their standard deviation.

    Accuracies are None with fewer than two folds, the rates where there are no pairs of one person or of two.
    distances: shape (n,), cosine.
    """

    accuracy: float | None
    accuracy_spread: float | None
    tar_at_far_1_percent: float | None
    tar_at_far_01_percent: float | None
    distances: NDArray[np.float32]


def score_verification(distances: NDArray[np.float32], pairs: PairedFaces) -> VerificationScore:
    """All figures for one way of measuring distances, shape (n,).

    Raises:
        ValueError: distances are not one finite number a pair.
    """
    checked_numbers("distances", distances, len(pairs.same))
    same = pairs.same
    both = bool(same.any() and not same.all())
    accuracies = fold_accuracies(distances, same, pairs.folds) if both else np.zeros(0)
    return VerificationScore(
        accuracy=float(accuracies.mean()) if len(accuracies) else None,
        accuracy_spread=float(accuracies.std()) if len(accuracies) else None,
        tar_at_far_1_percent=true_accept_rate(distances, same, 0.01) if both else None,
        tar_at_far_01_percent=true_accept_rate(distances, same, 0.001) if both else None,
        distances=distances,
    )


def pair_distances(rows: NDArray[np.float32], pairs: PairedFaces) -> NDArray[np.float32]:
    """Cosine distance of each pair; rows: shape (faces, d), unit length.

    Raises:
        ValueError: rows has another shape, holds what is no finite number, or lacks a face of a pair.
    """
    _check_rows(rows, pairs)
    return np.asarray(1 - (rows[pairs.first] * rows[pairs.second]).sum(axis=1), dtype=np.float32)


def centred_distances(
    rows: NDArray[np.float32], pairs: PairedFaces, *, fewest_faces: int = FEWEST_FACES
) -> NDArray[np.float32]:
    """Cosine distance of each pair after subtracting the mean face of the other folds.

    The mean is over the faces of all pairs outside the fold, one that is in several pairs counting as often; no face
    of a pair that is tested has a part in it. Where the other folds hold fewer than 50 faces nothing is subtracted:
    their mean would mostly be those people, and not what all faces share.

    Args:
        rows: shape (faces, d).
        pairs: with folds.
        fewest_faces: that make a mean.

    Raises:
        ValueError: as for `pair_distances`; or fewest_faces is not at least 1.

    Source: `subtract_mean` in davidsandberg/facenet's validate_on_lfw, which made the published figures.
    """
    _check_rows(rows, pairs)
    checked_count("fewest_faces", fewest_faces)
    distances = np.empty(len(pairs.same), dtype=np.float32)
    for fold in np.unique(pairs.folds):
        tested = pairs.folds == fold
        others = np.concatenate([pairs.first[~tested], pairs.second[~tested]])
        enough = len(np.unique(others)) >= fewest_faces
        centre = rows[others].mean(axis=0) if enough else np.zeros(rows.shape[1], dtype=np.float32)
        first, second = unit_rows(rows[pairs.first[tested]] - centre), unit_rows(rows[pairs.second[tested]] - centre)
        distances[tested] = 1 - (first * second).sum(axis=1)
    return distances


def fold_accuracies(
    distances: NDArray[np.float32], same: NDArray[np.bool_], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Share of pairs judged right in each fold, at the distance that judges most pairs of the other folds right.

    Args:
        distances: shape (n,): a pair at most so far apart as the threshold is taken for one person.
        same: shape (n,): whether it is.
        folds: shape (n,): number of each pair's fold.

    Returns:
        One share a fold; empty with fewer than two folds.

    Raises:
        ValueError: the three differ in shape, are empty, or a distance is not finite.

    Source: Huang et al., Labeled Faces in the Wild, 2007: View 2.
    """
    _check_alike(distances, same, folds=folds)
    numbers = np.unique(folds)
    if len(numbers) < 2:
        return np.zeros(0)
    accuracies = []
    for number in numbers:
        tested = folds == number
        threshold = best_threshold(distances[~tested], same[~tested])
        accuracies.append(((distances[tested] <= threshold) == same[tested]).mean())
    return np.array(accuracies, dtype=np.float64)


def best_threshold(distances: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """The distance that divides pairs of one person from pairs of two with the fewest mistakes.

    It lies in the middle of the gap between two pairs; of equally good gaps it is the middle one.

    Raises:
        ValueError: distances and same differ in shape, are empty, or a distance is not finite.
    """
    _check_alike(distances, same)
    order = np.argsort(distances, kind="stable")
    ordered, right = distances[order].astype(np.float64), same[order]
    # Mistakes if the first k pairs are accepted: different ones among them, same ones among the rest.
    mistakes = np.concatenate([[0], np.cumsum(~right)]) + right.sum() - np.concatenate([[0], np.cumsum(right)])
    edges = np.concatenate([[ordered[0] - 1], ordered, [ordered[-1] + 1]])
    possible = np.append(np.insert(np.diff(ordered) > 0, 0, True), True)
    best = np.flatnonzero(possible & (mistakes == mistakes[possible].min()))
    gap = best[(len(best) - 1) // 2]
    return float((edges[gap] + edges[gap + 1]) / 2)


def true_accept_rate(distances: NDArray[np.float32], same: NDArray[np.bool_], false_accept_rate: float) -> float:
    """Share of same-person pairs accepted at the widest distance that accepts at most this share of the others.

    Raises:
        ValueError: distances and same differ in shape, a distance is not finite, the rate is not from 0 to 1, or there
            are no pairs of one kind.
    """
    _check_alike(distances, same)
    checked_number("false_accept_rate", false_accept_rate, least=0, most=1)
    if same.all() or not same.any():
        raise ValueError("same must hold pairs of one person and pairs of two.")
    strangers = np.sort(distances[~same])
    allowed = int(false_accept_rate * len(strangers) + 1e-9)
    limit = strangers[allowed] if allowed < len(strangers) else np.inf
    return float((distances[same] < limit).mean())


def roc_curve(distances: NDArray[np.float32], same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """False and true accept rates as the threshold widens: shape (steps, 2), from (0, ...) to (1, 1).

    Raises:
        ValueError: as for `best_threshold`.
    """
    _check_alike(distances, same)
    order = np.argsort(distances, kind="stable")
    last_of_equals = np.append(np.diff(distances[order]) > 0, True)
    rates = np.stack([np.cumsum(kind[order]) / max(int(kind.sum()), 1) for kind in (~same, same)], axis=1)
    return np.concatenate([np.zeros((1, 2)), rates[last_of_equals]])


def pair_accuracy(distances: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """Share of pairs judged right in ten folds, where nothing is known of folds: every tenth pair is one.

    Raises:
        ValueError: as for `best_threshold`; or there are fewer than two pairs.
    """
    if np.size(distances) < 2:
        raise ValueError("distances must be of two pairs or more")
    return float(fold_accuracies(distances, same, np.arange(len(distances)) % 10).mean())


def fitted_projection(embeddings: NDArray[np.float32], dimensions: int) -> Projection:
    """Mean and principal components of a set of faces: what the data-free projection is compared with.

    Raises:
        ValueError: embeddings are not finite numbers of shape (n, d), or dimensions not from 1 to n and d.
    """
    embeddings = checked_numbers("embeddings", embeddings, None, None)
    if checked_count("dimensions", dimensions) > min(embeddings.shape):
        raise ValueError(f"dimensions must be at most {min(embeddings.shape)}, not {dimensions}")
    centre = embeddings.mean(axis=0)
    directions = np.linalg.svd(embeddings - centre, full_matrices=False)[2][:dimensions]
    return Projection(centre=centre, basis=directions.astype(np.float32))


def all_pairs(rows: NDArray[np.float32], people: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Cosine distance of every pair of unit rows, shape (n, d), and whether it is of one person.

    Raises:
        ValueError: rows or people has another shape, or holds what is no finite or no whole number.
    """
    rows = checked_numbers("rows", rows, None, None)
    people = checked_whole("people", people, len(rows))
    first, second = np.triu_indices(len(rows), k=1)
    return (1 - rows @ rows.T)[first, second], people[first] == people[second]


def _check_rows(rows: NDArray[np.float32], pairs: PairedFaces) -> None:
    checked_numbers("rows", rows, None, None)
    named = np.concatenate([pairs.first, pairs.second])
    if len(named) and not 0 <= named.min() <= named.max() < len(rows):
        raise ValueError(f"pairs must name rows from 0 to {len(rows) - 1}")


def _check_alike(
    distances: NDArray[np.float32], same: NDArray[np.bool_], folds: NDArray[np.int64] | None = None
) -> None:
    if not len(checked_numbers("distances", distances, None)):
        raise ValueError("distances must not be empty")
    checked_flags("same", same, len(distances))
    if folds is not None:
        checked_whole("folds", folds, len(distances))
