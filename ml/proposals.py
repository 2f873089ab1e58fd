"""Which units may be one person at all: those that good faces near each other connect."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ml.dbscan import NOISE, cluster_embeddings, join, roots_of
from ml.neighbours import Pairs, Report, pairs_between, pairs_within
from ml.units import Faces, Flags, Numbers, by_number, firsts

# Linkage needs all distances of a component at once: of 20,000 units they are 1.6 GB.
LARGEST_COMPONENT = 20_000
TIGHTER = 0.8  # by which a component too large is cut again
COPIES = 1e-5  # faces nearer than this are copies of one
ROUNDING = 1e-4  # of a mean distance


class TooLarge(Exception):
    """A component has to be cut, for which faces must be there that a group stands for."""


def reached(
    faces: Faces, units: Numbers, news: Flags, threshold: float, may_move: Flags, report: Report
) -> NDArray[np.intp]:
    """Places, ascending, of faces that grouping may move or compares those with: whole units and groups.

    Args:
        faces: all of them. units: shape (n,), the first face of each one's.
        news: shape (n,), faces of units in which one is placed or that are only now one.
        threshold: cosine distance that neither a proposal nor the mean distance between two groups is above.
        may_move: shape (n,), faces that are placed one by one when something touches them.
        report: as for `ml.neighbours.pairs_within`.
    """
    is_in = news.copy()
    others = np.flatnonzero(~faces.placed & ~faces.is_out)
    _reach(faces, np.flatnonzero(faces.placed), others, threshold, is_in, report)
    is_in = _whole(is_in, units, faces.before)
    # A poor face joins any group that is near it. Where a mean is within a distance, so is one face at least.
    poor = np.flatnonzero(is_in & ~faces.good & ~faces.placed & may_move)
    _reach(faces, poor, np.flatnonzero(faces.stays & ~is_in), threshold, is_in, lambda share: None)
    # What is placed among others is connected in another way than where everything is placed.
    is_in[others[faces.good[others]][:1]] = True
    return np.flatnonzero(_whole(is_in, units, faces.before))


def _whole(is_in: Flags, units: Numbers, groups: Numbers) -> Flags:
    """Those that are in, and all of their units and groups."""
    before = -1
    while before < (now := int(np.count_nonzero(is_in))):
        before = now
        for numbers in (units, groups):
            reached_numbers = np.zeros(numbers.max() + 2, dtype=bool)
            reached_numbers[numbers[is_in]] = True
            reached_numbers[NOISE] = False
            is_in = is_in | reached_numbers[numbers]
    return is_in


def _reach(
    faces: Faces, some: NDArray[np.intp], others: NDArray[np.intp], threshold: float, is_in: Flags, report: Report
) -> None:
    threshold += ROUNDING
    for _, other in pairs_between(faces.rows[some], faces.rows[others], threshold=threshold, report=report):
        is_in[others[other]] = True


def propose(faces: Faces, units: Numbers, among: Flags, threshold: float, min_faces: int, report: Report) -> Numbers:
    """For each face a number of the component it is in: of units that a placed face is within the threshold of.

    Args:
        faces: all of them. units: shape (n,), the first face of each one's. among: shape (n,), those to connect.
        threshold, min_faces: of DBSCAN, where all faces are placed; else two faces are enough.
        report: as for `ml.neighbours.pairs_within`.
    """
    places = np.flatnonzero(faces.good & among)
    return _connected(faces, units, places, threshold, min_faces, report)


def connected(units: Numbers, edges: Pairs) -> Numbers:
    """Like `propose`, by pairs that are known."""
    parents = units.astype(np.int32)
    _join(*edges, parents)
    roots: Numbers = roots_of(parents).astype(np.int64)
    return roots


def _connected(
    faces: Faces, units: Numbers, places: NDArray[np.intp], threshold: float, min_faces: int, report: Report
) -> Numbers:
    parents = units.astype(np.int32)
    placed, others = places[faces.placed[places]], places[~faces.placed[places]]
    if not len(others):
        found = cluster_embeddings(faces.rows[placed], threshold=threshold, min_faces=min_faces, report=report)
        clustered = placed[found > NOISE]
        _join(clustered, clustered[firsts(found[found > NOISE])], parents)
    else:
        for one, other in pairs_within(faces.rows[placed], threshold=threshold):
            _join(placed[one], placed[other], parents)
        for one, other in pairs_between(faces.rows[placed], faces.rows[others], threshold=threshold, report=report):
            _join(placed[one], others[other], parents)
    roots: Numbers = roots_of(parents).astype(np.int64)
    return roots


def _join(one: NDArray[np.integer], other: NDArray[np.integer], parents: NDArray[np.int32]) -> None:
    cores = np.ones(len(parents), dtype=np.int32)
    join(one.astype(np.int32), other.astype(np.int32), cores, 1, parents)


def small_components(
    faces: Faces, units: Numbers, components: Numbers, among: Flags, threshold: float, min_faces: int
) -> Iterator[NDArray[np.intp]]:
    """Faces of each component of two units or more; one too large for linkage is cut again at a tighter threshold."""
    places = np.flatnonzero(among & np.isin(components, _of_several(units[among], components[among])))
    for _, part in by_number(components[places]):
        yield from _cut(faces, units, places[part], threshold * TIGHTER, min_faces)


def _of_several(units: Numbers, components: Numbers) -> Numbers:
    """Components of two units or more."""
    different = np.unique(np.column_stack([components, units]), axis=0)[:, 0]
    several: Numbers = different[1:][different[1:] == different[:-1]]
    return several


def _cut(
    faces: Faces, units: Numbers, members: NDArray[np.intp], threshold: float, min_faces: int
) -> Iterator[NDArray[np.intp]]:
    own = np.unique(units[members])
    if len(own) <= LARGEST_COMPONENT:
        yield members
    elif (faces.sizes[members] > 1).any():
        raise TooLarge
    elif _all_alike(faces, members) or threshold < COPIES:
        # No threshold divides copies of one face: they are one group, piece by piece.
        for piece in np.array_split(own, -(-len(own) // LARGEST_COMPONENT)):
            yield members[np.isin(units[members], piece)]
    else:
        seeds = members[faces.good[members]]
        inner = _connected(faces, units, seeds, threshold, min_faces, lambda share: None)
        several = members[np.isin(inner[members], _of_several(units[members], inner[members]))]
        for _, part in by_number(inner[several]):
            yield from _cut(faces, units, several[part], threshold * TIGHTER, min_faces)


def _all_alike(faces: Faces, members: NDArray[np.intp]) -> bool:
    return bool(((1 - faces.rows[members] @ faces.rows[members[0]]) < COPIES).all())
