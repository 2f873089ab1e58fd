"""Photos that arrive a few at a time: what becomes of the groups, by ways of grouping again.

    python -m ml.studies.arrivals FACES.npz [--recentred] [--at-once 16] [--orders 3] [--settled 10]

FACES.npz is what `python -m ml.evaluation embed` wrote.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_whole
from ml.dbscan import NOISE
from ml.evaluation.clustering import GroupScore, bcubed
from ml.evaluation.labelled_faces import LabelledFaces
from ml.identification import Thresholds, thresholds_for
from ml.models import DEFAULT_MODEL
from ml.projection import library_centre, recentred
from ml.regrouping import SETTLED, regroup

Numbers = NDArray[np.int64]
Grouping = Callable[["Arrived", Numbers, NDArray[np.bool_]], Numbers]


@dataclass(frozen=True, eq=False)
class Arrived:
    """Faces of the photos that are there so far. rows: (n, d), unit rows. qualities, photos: (n,)."""

    rows: NDArray[np.float32]
    qualities: NDArray[np.float32]
    photos: Numbers
    thresholds: Thresholds

    def groups(self, before: Numbers, is_new: NDArray[np.bool_], *, settled: int = SETTLED) -> Numbers:
        return regroup(
            self.rows, before, is_new, proposal_threshold=self.thresholds.grouping,
            linkage_threshold=self.thresholds.linkage, may_seed=self.is_good, photos=self.photos, settled=settled,
        )  # fmt: skip

    @property
    def is_good(self) -> NDArray[np.bool_]:
        return self.qualities >= self.thresholds.poor_quality


@dataclass(frozen=True)
class Outcome:
    """score: of the groups once all are there. moved: per photo added, faces of before that have lost a face they were
    grouped with or were joined by one of before."""

    score: GroupScore
    moved: float


def all_again(faces: Arrived, before: Numbers, is_new: NDArray[np.bool_]) -> Numbers:
    """As peers do: everything is thrown away and grouped again, and only the numbers are kept."""
    return faces.groups(before, np.ones(len(is_new), dtype=bool))


def arrive(faces: Arrived, people: Numbers, order: Numbers, at_once: int, way: Grouping) -> Outcome:
    """Let photos arrive in an order, `at_once` at a time, and group after each time."""
    labels = np.zeros(0, dtype=np.int64)
    there, moved = np.zeros(0, dtype=np.int64), 0
    for start in range(0, len(order), at_once):
        coming = np.flatnonzero(np.isin(faces.photos, order[start : start + at_once]))
        there = np.concatenate([there, coming])
        before = np.concatenate([labels, np.full(len(coming), NOISE)])
        so_far = Arrived(faces.rows[there], faces.qualities[there], faces.photos[there], faces.thresholds)
        after = way(so_far, before, np.arange(len(there)) >= len(labels))
        moved += faces_with_other_mates(labels, after[: len(labels)])
        labels = after
    return Outcome(bcubed(labels, people[there]), moved / len(order))


def faces_with_other_mates(before: Numbers, after: Numbers) -> int:
    """Of faces in both, shape (n,) each, how many are grouped with others than they were.

    Raises:
        ValueError: before and after differ in length, or are not whole numbers.
    """
    before = checked_whole("before", before, None)
    after = checked_whole("after", after, len(before))
    sizes = [_sizes(numbers) for numbers in (before, after)]
    both = _sizes(np.unique(np.column_stack([_alone(before), _alone(after)]), axis=0, return_inverse=True)[1].ravel())
    return int(((both < sizes[0]) | (both < sizes[1])).sum())


def _alone(labels: Numbers) -> Numbers:
    """Numbers in which every face without a group has one of its own."""
    return np.where(labels == NOISE, -1 - np.arange(len(labels)), labels)


def _sizes(labels: Numbers) -> Numbers:
    _, inverse, counts = np.unique(_alone(labels), return_inverse=True, return_counts=True)
    sizes: Numbers = counts[inverse]
    return sizes


def _prepared(faces: LabelledFaces, *, is_recentred: bool) -> Arrived:
    photos = np.unique(faces.files, return_inverse=True)[1]
    thresholds = thresholds_for(DEFAULT_MODEL)
    plain = Arrived(faces.projections, faces.qualities, photos, thresholds)
    if not is_recentred:
        return plain
    labels = all_again(plain, np.full(len(photos), NOISE), np.ones(len(photos), dtype=bool))
    rows = recentred(plain.rows, library_centre(plain.rows, labels))
    return Arrived(rows, faces.qualities, photos, thresholds_for(DEFAULT_MODEL, recentred=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--recentred", action="store_true")
    parser.add_argument("--at-once", type=int, default=16, help="photos")
    parser.add_argument("--settled", type=int, nargs="*", default=[SETTLED], help="faces; see ml.regrouping.regroup")
    parser.add_argument("--all-again", action="store_true", help="also measure grouping all faces again each time")
    parser.add_argument("--orders", type=int, default=3, help="random ones, each measured")
    chosen = parser.parse_args()
    labelled = LabelledFaces.load(chosen.faces)
    faces = _prepared(labelled, is_recentred=chosen.recentred)
    people = labelled.identities()
    ways: dict[str, Grouping] = {
        f"settled from {n} faces": functools.partial(Arrived.groups, settled=n) for n in chosen.settled
    }
    if chosen.all_again:
        ways["all again each time"] = all_again
    for name, way in ways.items():
        for seed in range(chosen.orders):
            order = np.random.default_rng(seed).permutation(np.unique(faces.photos))
            outcome = arrive(faces, people, order, chosen.at_once, way)
            score = outcome.score
            print(
                f"{name:24} order {seed}: precision {score.precision:.4f}, recall {score.recall:.4f}, "
                f"F {score.f:.4f}, faces moved per photo {outcome.moved:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
