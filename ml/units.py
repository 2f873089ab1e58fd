"""Faces that are grouped as one: those of a group that is there already, and those that are said to be one person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ml.constraints import PairsOfFaces, sets_of_one_person
from ml.dbscan import NOISE

Rows = NDArray[np.float32]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces to be grouped, n of them, and what is known of them.

    rows: shape (n, d). before: (n,), their groups, or NOISE. good: (n,), whether they may found a group. held: (n,),
    whether they stay where they are. placed: (n,), whether they are placed face by face. sets: (n,), the first face of
    those that are said to be one person with each. apart: (k, 2), pairs of faces of two people. sizes: (n,), 1; or how
    many faces of a group, which counts as one and of which nothing else is here, stand behind it. weights: (n,), of how
    many of these the row is the mean.
    """

    rows: Rows
    before: Numbers
    good: Flags
    held: Flags
    placed: Flags
    sets: Numbers
    apart: PairsOfFaces
    sizes: Numbers
    weights: Numbers

    @property
    def stays(self) -> Flags:
        """Faces of groups that count as one."""
        stays: Flags = (self.before > NOISE) & ~self.placed
        return stays

    @property
    def is_out(self) -> Flags:
        """Faces that are held without a group: they take no part."""
        is_out: Flags = self.held & (self.before == NOISE)
        return is_out

    def only(self, places: NDArray[np.integer]) -> Faces:
        """These faces, ascending, as all there are; of each unit all or none."""
        is_among = np.zeros(len(self.rows), dtype=bool)
        is_among[places] = True
        inner = is_among[self.apart].all(axis=1)
        return Faces(
            self.rows[places],
            self.before[places],
            self.good[places],
            self.held[places],
            self.placed[places],
            np.searchsorted(places, self.sets[places]),
            np.searchsorted(places, self.apart[inner]),
            self.sizes[places],
            self.weights[places],
        )

    def units(self) -> Numbers:
        """For each face the first face of its unit."""
        stays = np.flatnonzero(self.stays)
        every = np.arange(len(self.rows))
        first = np.concatenate([self.sets, stays[firsts(self.before[stays])]])
        return hanging_together(len(every), np.concatenate([every, stays]), first)

    def anchors(self, units: Numbers) -> Numbers:
        """Units with held faces, and the groups of these, shape (k, 2)."""
        anchored = self.held & self.stays
        return np.unique(np.column_stack([units[anchored], self.before[anchored]]), axis=0)


def said_to_be_one(before: Numbers, held: Flags, apart: PairsOfFaces, together: PairsOfFaces) -> Numbers:
    """For each face the first of those that are said to be one person with it, held ones of one group at most."""
    is_out = held & (before == NOISE)
    together = together[~is_out[together].any(axis=1)]
    return sets_of_one_person(len(before), together, apart, np.where(held, before, NOISE))


def taken_apart(faces: Faces) -> Faces:
    """Place the faces one by one of groups in which a constraint is broken, or would be by what is said to be one.

    Where that is not enough, because held faces do not move, the others leave them.
    """
    broken = _broken(faces)
    if not broken.any():
        return faces
    broken &= faces.stays & ~faces.held
    faces = replace(faces, placed=faces.placed | broken)
    still = _broken(faces) & ~faces.held
    return replace(faces, sets=np.where(still, np.arange(len(still)), faces.sets))


def _broken(faces: Faces) -> Flags:
    """Faces of units that hold two faces that are apart, or held faces of two groups."""
    units = faces.units()
    first, second = units[faces.apart.T]
    anchored, groups = np.unique(faces.anchors(units)[:, 0], return_counts=True)
    return np.isin(units, np.concatenate([first[first == second], anchored[groups > 1]]))


def firsts(numbers: NDArray[np.integer]) -> Numbers:
    """For each place the first place that has the same number."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    places: Numbers = first[inverse].astype(np.int64)
    return places


def hanging_together(count: int, one: NDArray[np.integer], other: NDArray[np.integer]) -> Numbers:
    """For each of `count` nodes the first of those that it hangs together with by pairs."""
    if not count:
        return np.zeros(0, dtype=np.int64)
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return firsts(connected_components(graph, directed=False)[1])


def by_number(numbers: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each number and the places that have it, ascending."""
    order = np.argsort(numbers, kind="stable")
    borders = np.flatnonzero(np.diff(numbers[order])) + 1
    for places in np.split(order, borders) if len(order) else []:
        yield int(numbers[places[0]]), places


def mean_rows(faces: Faces, numbers: Numbers, among: NDArray[np.integer]) -> tuple[Numbers, Rows, Numbers]:
    """Of some faces by their numbers: the numbers, the mean row of the good faces of each, and how many these are.

    Where all are poor, of all.
    """
    names, inverse = np.unique(numbers[among], return_inverse=True)
    good = faces.good[among]
    counts = np.bincount(inverse[good], minlength=len(names))
    counted = good | (counts == 0)[inverse]
    order = np.argsort(inverse[counted], kind="stable")
    starts = np.searchsorted(inverse[counted][order], np.arange(len(names)))
    chosen = among[counted][order]
    rows, weights = faces.rows[chosen], faces.weights[chosen]
    if not len(names):
        return names, np.zeros((0, rows.shape[1]), dtype=np.float32), names
    sizes = np.add.reduceat(weights, starts)
    weighted = rows if (weights == 1).all() else rows * weights[:, None].astype(np.float64)
    sums = np.add.reduceat(weighted, starts, axis=0, dtype=np.float64)
    return names, (sums / sizes[:, None]).astype(np.float32), sizes
