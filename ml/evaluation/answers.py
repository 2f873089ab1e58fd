"""How many answers it takes until a library's faces have their names, and how others would do with the same faces.

An answer is one click: a question, a face unticked, or a face named alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_flags, checked_number, checked_numbers, checked_whole
from ml.dbscan import NOISE, cluster_embeddings
from ml.neighbours import pairs_within

DBSCAN_THRESHOLDS = tuple(round(0.24 + 0.01 * step, 2) for step in range(24))
NEAREST_THRESHOLDS = tuple(round(0.26 + 0.02 * step, 2) for step in range(16))
CORE_FACES = 3  # what Immich takes to make a person, the face itself among them


@dataclass(frozen=True, eq=False)
class AnswerCurve:
    """What a user's answers brought, one after the other.

    answers, right, wrong: shape (n,): clicks so far, and the faces that bear their name or a wrong one then, of the
    people to be named. faces: how many faces they have.

    Raises:
        ValueError: the arrays differ in length or hold what is no finite number, or there are no faces.
    """

    answers: NDArray[np.int64]
    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    faces: int

    def __post_init__(self) -> None:
        checked_count("faces", self.faces)
        checked_whole("answers", self.answers, None)
        checked_whole("right", self.right, len(self.answers))
        checked_whole("wrong", self.wrong, len(self.answers))

    def answers_per_face(self, share: float) -> float | None:
        """Clicks, as a share of the faces, until such a share of them bears its name; None if that never happens."""
        place = self._place(share)
        return None if place is None else float(self.answers[place] / self.faces)

    def wrong_names(self, share: float) -> float | None:
        """Of the names given by then, the share that is wrong."""
        place = self._place(share)
        if place is None:
            return None
        return float(self.wrong[place] / max(self.right[place] + self.wrong[place], 1))

    def _place(self, share: float) -> int | None:
        checked_number("share", share)
        reached = np.flatnonzero(self.right >= share * self.faces)
        return int(reached[0]) if len(reached) else None


def one_answer_each(people: NDArray[np.int64], to_name: NDArray[np.bool_]) -> AnswerCurve:
    """The floor: a single answer names all faces of a person, those of most faces first.

    Args:
        people: shape (n,): whose each face is. to_name: shape (n,): whether that is somebody to be named.

    Raises:
        ValueError: people or to_name has another shape, or nobody is to be named.
    """
    people, to_name = _checked(people, to_name)
    sizes = np.sort(np.unique(people[to_name], return_counts=True)[1])[::-1]
    return _curve(np.ones(len(sizes), np.int64), sizes, int(to_name.sum()))


def each_face_alone(people: NDArray[np.int64], to_name: NDArray[np.bool_]) -> AnswerCurve:
    """No grouping at all: faces are named one by one as they come; those of strangers are not even counted."""
    people, to_name = _checked(people, to_name)
    faces = int(to_name.sum())
    return _curve(np.ones(faces, np.int64), np.ones(faces, np.int64), faces)


def name_groups(labels: NDArray[np.int64], people: NDArray[np.int64], to_name: NDArray[np.bool_]) -> AnswerCurve:
    """A user names each group, the largest first, and unticks who does not belong; then each face that is left, alone.

    He sees every face of a group, so that no name is wrong.

    Args:
        labels: shape (n,): group numbers, or NOISE. people, to_name: as for `one_answer_each`.

    Raises:
        ValueError: labels, people or to_name has another shape, or nobody is to be named.
    """
    people, to_name = _checked(people, to_name)
    labels = checked_whole("labels", labels, len(people)).astype(np.int64)
    clicks, settled, left = [], [], list(np.flatnonzero(labels == NOISE))
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels[labels != NOISE])]
    for members in sorted(groups, key=lambda members: -len(members)):
        person = Counter(people[members].tolist()).most_common(1)[0][0]
        belongs = people[members] == person
        clicks.append(1 + int((~belongs).sum()))
        settled.append(int((belongs & to_name[members]).sum()))
        left.extend(members[~belongs])
    alone = np.sort(np.array(left, dtype=np.int64))
    clicks.extend([1] * len(alone))
    settled.extend(to_name[alone].astype(int).tolist())
    return _curve(np.array(clicks, np.int64), np.array(settled, np.int64), int(to_name.sum()))


def nearest_neighbour_groups(rows: NDArray[np.float32], *, threshold: float, seed: int = 0) -> NDArray[np.int64]:
    """Group faces one after the other by their nearest neighbours, as Immich documents it.

    A face with at least `CORE_FACES` faces within the threshold, itself among them, joins the person of the nearest
    of these that has one, else of the nearest within the threshold that has one, else it makes a person. Other faces
    wait until all have been looked at once; then they join the person of a neighbour, or stay alone.

    Args:
        rows: shape (n, d), unit rows. threshold: cosine distance. seed: of the order in which faces come.

    Returns:
        Shape (n,): the person of each face from 0, or NOISE.

    Raises:
        ValueError: as for `ml.neighbours.pairs_within`.
    """
    neighbours = _neighbours(rows, threshold)
    labels = np.full(len(rows), NOISE, dtype=np.int64)
    people = 0
    order = np.random.default_rng(seed).permutation(len(rows))
    for is_second_look in (False, True):
        for face in order:
            near = neighbours[face]
            is_core = len(near) + 1 >= CORE_FACES
            if labels[face] != NOISE or not len(near) or not (is_core or is_second_look):
                continue
            with_person = near[labels[near] != NOISE]
            if len(with_person):
                labels[face] = labels[with_person[0]]
            elif is_core:
                labels[face] = people
                people += 1
    return labels


def best_cut(
    group: Callable[[float], NDArray[np.int64]],
    thresholds: Sequence[float],
    people: NDArray[np.int64],
    to_name: NDArray[np.bool_],
    *,
    share: float,
) -> tuple[float, AnswerCurve]:
    """The threshold, and its curve, with which naming groups takes fewest answers to a share of the faces.

    Raises:
        ValueError: there are no thresholds; or as for `name_groups`.
    """
    if not len(thresholds):
        raise ValueError("thresholds must be at least one")
    curves = [(threshold, name_groups(group(threshold), people, to_name)) for threshold in thresholds]
    return min(curves, key=lambda pair: pair[1].answers_per_face(share) or np.inf)


def baselines(
    rows: NDArray[np.float32], people: NDArray[np.int64], to_name: NDArray[np.bool_], *, share: float
) -> dict[str, tuple[float | None, AnswerCurve]]:
    """How others would do, each at the cut that is best for it on these very faces: (cut, curve) by name.

    Args:
        rows: shape (n, d), unit rows. people, to_name: as for `one_answer_each`. share: of faces to bear their name.

    Raises:
        ValueError: rows, people or to_name has another shape, share is no finite number, or nobody is to be named.
    """
    people, to_name = _checked(people, to_name)
    checked_number("share", share)
    rows = checked_numbers("rows", rows, len(people), None).astype(np.float32, copy=False)
    return {
        "each_face": (None, each_face_alone(people, to_name)),
        "dbscan_clusters": best_cut(
            lambda cut: cluster_embeddings(rows, threshold=cut), DBSCAN_THRESHOLDS, people, to_name, share=share
        ),
        "nearest_neighbour": best_cut(
            lambda cut: nearest_neighbour_groups(rows, threshold=cut), NEAREST_THRESHOLDS, people, to_name, share=share
        ),
    }


def _checked(people: NDArray[np.int64], to_name: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    people = checked_whole("people", people, None).astype(np.int64)
    to_name = checked_flags("to_name", to_name, len(people))
    if not to_name.any():
        raise ValueError("to_name must name somebody")
    return people, to_name


def _curve(clicks: NDArray[np.int64], settled: NDArray[np.int64], faces: int) -> AnswerCurve:
    right = np.cumsum(settled)
    return AnswerCurve(np.cumsum(clicks), right, np.zeros(len(right), np.int64), faces)


def _neighbours(rows: NDArray[np.float32], threshold: float) -> list[NDArray[np.int64]]:
    """Of each row those within the threshold, the nearest first."""
    pairs = [np.zeros((0, 2), np.int64)]
    pairs += [np.column_stack(found).astype(np.int64) for found in pairs_within(rows, threshold=threshold)]
    one, other = np.concatenate(pairs).T
    first, second = np.concatenate([one, other]), np.concatenate([other, one])
    distances = np.concatenate(
        [1 - np.einsum("ij,ij->i", rows[part], rows[to]) for part, to in _blocks(first, second)] or [np.zeros(0)]
    )
    order = np.lexsort((second, distances, first))
    return np.split(second[order], np.searchsorted(first[order], np.arange(1, len(rows))))


def _blocks(
    first: NDArray[np.int64], second: NDArray[np.int64], size: int = 100_000
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return [(first[start : start + size], second[start : start + size]) for start in range(0, len(first), size)]
