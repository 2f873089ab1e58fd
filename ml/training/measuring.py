"""How good an embedder is: an SVM on its embeddings, and verification of people it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ml.arguments import checked_whole
from ml.evaluation.labels import LabelledFace, LabelledPhoto
from ml.evaluation.pairs import made_pairs
from ml.evaluation.verification import (
    PairedFaces,
    VerificationScore,
    fold_accuracies,
    pair_distances,
    score_verification,
)
from ml.training.backbones import Embedder

FACES_AT_ONCE = 64
MOST_FACES = 100  # of a person, that the SVM learns from: its time grows with their square
FOLDS_TO_COMPARE = 5  # with fewer a difference says nothing
SURE = 2.0  # standard errors


@dataclass(frozen=True)
class Difference:
    """What training changed in verification: gain, and the low end of its 95 % interval, None with too few folds."""

    gain: float
    gain_low: float | None

    @property
    def is_better(self) -> bool:
        return self.gain_low is not None and self.gain_low > 0


def embed_rows(
    embedder: Embedder,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.intp],
    device: str = "cpu",
    *,
    progress: Callable[[int], object] = lambda faces: None,
) -> NDArray[np.float32]:
    """Embed some faces, in single precision, as recognition does.

    Args:
        embedder: on that device; it is left in the mode it was in.
        pixels: shape (n, side, side, 3).
        rows: shape (m,): which.
        progress: called with the number of faces done since the last call.

    Returns:
        Shape (m, dim), unit rows.
    """
    was_training = embedder.training
    embedder.eval()
    parts = [np.zeros((0, embedder.dim), dtype=np.float32)]
    with torch.inference_mode():
        for start in range(0, len(rows), FACES_AT_ONCE):
            batch = torch.from_numpy(np.array(pixels[rows[start : start + FACES_AT_ONCE]])).to(device)
            parts.append(embedder(batch).cpu().numpy())
            progress(len(batch))
    embedder.train(was_training)
    return np.concatenate(parts)


def svm_accuracy(
    train: NDArray[np.float32],
    train_people: NDArray[np.int64],
    test: NDArray[np.float32],
    test_people: NDArray[np.int64],
) -> float | None:
    """Share of faces that a linear SVM names right which learned from other photos of the same people.

    Embeddings are scaled to the mean and spread of those learned from, so that a network whose rows all lie close
    together is not at a loss.

    Args:
        train, test: shape (n, d) and (m, d).
        train_people, test_people: shape (n,) and (m,).

    Returns:
        None without two people to learn, or anything to test.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    rows = _first_of_each(checked_whole("train_people", train_people, len(train)))
    if not len(test) or len(np.unique(train_people)) < 2:
        return None
    machine = make_pipeline(StandardScaler(), SVC(kernel="linear", C=1.0 / train.shape[1]))
    machine.fit(train[rows], train_people[rows])
    return float(machine.score(test, test_people))


def verification_pairs(people: NDArray[np.int64], *, seed: int) -> PairedFaces:
    """Pairs of faces of one person and as many of two, in up to ten folds that share nobody where that can be.

    Args:
        people: shape (n,): whose each face is; pairs are numbers of its rows.
        seed: the same seed gives the same pairs.
    """
    named = [
        LabelledPhoto(str(row), (LabelledFace(str(person), None),), "name_only") for row, person in enumerate(people)
    ]
    pairs = made_pairs(named, seed).pairs
    return PairedFaces(
        first=np.array([int(pair.first.file) for pair in pairs], dtype=np.intp),
        second=np.array([int(pair.second.file) for pair in pairs], dtype=np.intp),
        same=np.array([pair.same for pair in pairs], dtype=bool),
        folds=np.array([pair.fold for pair in pairs], dtype=np.int64),
    )


def verify_rows(rows: NDArray[np.float32], pairs: PairedFaces) -> VerificationScore:
    """Verification by plain cosine distance; rows: shape (n, d), unit length."""
    return score_verification(pair_distances(rows, pairs), pairs)


def separation(rows: NDArray[np.float32], pairs: PairedFaces) -> float | None:
    """How likely two faces of one person are nearer than two of two (area under the ROC curve); None without both.

    It changes with every pair, where an accuracy jumps: the better measure to steer by.
    """
    from sklearn.metrics import roc_auc_score

    if pairs.same.all() or not pairs.same.any():
        return None
    return float(roc_auc_score(pairs.same, -pair_distances(rows, pairs)))


def compare(
    before: VerificationScore, after: VerificationScore, pairs: PairedFaces, people: NDArray[np.int64]
) -> Difference | None:
    """What changed in accuracy, on the same pairs, fold by fold; None where either has no accuracy.

    The interval needs five folds that share nobody: what two folds say of one person is one thing said twice.

    Args:
        people: shape (n,): whose each row is that pairs name.
    """
    if before.accuracy is None or after.accuracy is None:
        return None
    accuracies = [fold_accuracies(score.distances, pairs.same, pairs.folds) for score in (before, after)]
    gains = accuracies[1] - accuracies[0]
    gain = float(gains.mean())
    if len(gains) < FOLDS_TO_COMPARE or _share_people(pairs, people):
        return Difference(gain, None)
    return Difference(gain, gain - SURE * float(gains.std(ddof=1)) / len(gains) ** 0.5)


def _share_people(pairs: PairedFaces, people: NDArray[np.int64]) -> bool:
    shown = np.concatenate([people[pairs.first], people[pairs.second]])
    # Every person with every fold they are in.
    with_folds = np.unique(np.stack([shown, np.tile(pairs.folds, 2)]), axis=1)
    return bool(with_folds.shape[1] > len(np.unique(shown)))


def _first_of_each(people: NDArray[np.int64]) -> NDArray[np.intp]:
    """Rows of the first hundred faces of each person."""
    chosen = [np.flatnonzero(people == person)[:MOST_FACES] for person in np.unique(people)]
    return np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.intp)
