"""Places new faces among those that stay in memory: the groups `ml.regrouping` makes, by a fraction of the work.

Of a settled group that nothing divides only its mean is looked at, how many faces it has, and which photos they are in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.arguments import checked_flags, checked_whole
from ml.constraints import PairsOfFaces, checked_pairs, pairs_of_one_photo
from ml.dbscan import NOISE
from ml.kept_faces import NO_GROUP, KeptFaces
from ml.proposals import ROUNDING, TooLarge
from ml.regrouping import Cuts, faces_to_group, linked_anew
from ml.units import Faces, Flags, Numbers

Places = NDArray[np.intp]
PHOTO_BITS = 40  # of a number that stands for a group and a photo


class CannotPlace(Exception):
    """Only a look at all faces can group these."""


@dataclass(frozen=True, eq=False)
class Moved:
    """Faces, by place, that are in another group now. labels: shape (n,), its number, or NOISE."""

    places: Places
    labels: Numbers


def place_among(
    kept: KeptFaces,
    is_new: Flags,
    *,
    cuts: Cuts,
    held: Flags,
    apart: PairsOfFaces,
    together: PairsOfFaces,
    repeats: ArrayLike = (),
) -> Moved:
    """What `ml.regrouping.regroup` would move if it was given all faces, in the order of their keys.

    Args:
        kept: all faces. Its threshold is that of the proposal.
        is_new, held: shape (capacity,). apart, together: shape (k, 2), places. As for `regroup`.
        repeats: photos in which somebody may be twice.

    Returns:
        Numbers from one more than the highest there is are new groups.

    Raises:
        CannotPlace: use `regroup`.
        ValueError: an argument has another shape or kind, or a pair is not of places there are.
    """
    capacity = len(kept.is_there)
    is_new, held = checked_flags("is_new", is_new, capacity), checked_flags("held", held, capacity)
    apart, together = checked_pairs("apart", apart, capacity), checked_pairs("together", together, capacity)
    repeats = checked_whole("repeats", repeats, None).astype(np.int64)
    reach = _Reach(kept, is_new & kept.is_there, held & kept.is_there, apart, together, repeats, cuts)
    edges = reach.look()
    nodes = _Nodes.of(reach)
    faces = nodes.faces(reach)
    base = int(kept.numbers[kept.counts.sum(axis=0) > 0].max(initial=NOISE)) + 1
    try:
        one, other = (nodes.node_of[places].astype(np.int32) for places in edges)
        labels = linked_anew(faces, faces.units(), base, cuts, lambda share: None, (one, other))
    except TooLarge as error:
        raise CannotPlace from error
    return nodes.moved(kept, faces.before, labels)


class _Reach:
    """What new faces reach.

    is_in: shape (capacity,), faces looked at one by one. is_group_in: shape (groups + 1,), groups that are reached;
    the last one stands for none. is_opened: those of them whose faces are all in.
    """

    def __init__(
        self,
        kept: KeptFaces,
        is_new: Flags,
        held: Flags,
        apart: PairsOfFaces,
        together: PairsOfFaces,
        repeats: Numbers,
        cuts: Cuts,
    ) -> None:
        self.kept, self.is_new, self.held, self.cuts = kept, is_new, held, cuts
        self.apart, self.together, self.repeats = apart, together, repeats
        self.is_in = is_new & ~held
        group = kept.group
        self.is_in[together] = True
        self.is_in[apart[group[apart[:, 0]] == group[apart[:, 1]]]] = True
        self.is_in |= self._twice_in_a_photo()
        self.is_group_in = np.zeros(len(kept.numbers) + 1, dtype=bool)
        # Of these each face is looked at, and of small groups.
        self.is_opened = np.append(kept.counts.sum(axis=0) < cuts.settled, False)
        self.is_opened[group[self.is_in | held]] = True
        self.is_opened[NO_GROUP] = False
        self._close()

    def look(self) -> tuple[Places, Places]:
        """Find what is reached; return the pairs of places that propose who may be one person."""
        kept = self.kept
        placed = self._placed()
        takes_part = kept.is_there & ~(self.held & (kept.group == NO_GROUP))
        good = kept.good & takes_part
        anchor = np.flatnonzero(good & ~placed)[:1]
        if not len(anchor):  # then everything is placed, which is done in another way
            raise CannotPlace
        probes = np.flatnonzero(placed & good)
        number, other = kept.rows.near(kept.rows.rows[probes])
        probe = probes[number]
        loose = kept.group[other] == NO_GROUP
        self._reach(other[takes_part[other] & (kept.good[other] | loose)])
        self._close()
        self._reach_groups(np.flatnonzero(self.is_in & ~kept.good & ~self.held & (placed | self._is_small())))
        self._reach(anchor)
        self._close()
        is_edge = good[other] & (probe != other)
        return probe[is_edge], other[is_edge]

    def _placed(self) -> Flags:
        """New faces, and those of groups that break what is said."""
        nodes = _Nodes.of(self)
        placed = np.zeros(len(self.is_in), dtype=bool)
        placed[nodes.singles] = nodes.faces(self).placed[nodes.node_of[nodes.singles]]
        return placed

    def _is_small(self) -> Flags:
        sizes = np.append(self.kept.counts.sum(axis=0), 0)
        small: Flags = sizes[self.kept.group] < self.cuts.settled
        return small

    def _reach(self, places: NDArray[np.integer]) -> None:
        groups = self.kept.group[places]
        self.is_in[places[groups == NO_GROUP]] = True
        self.is_group_in[groups] = True
        self.is_group_in[NO_GROUP] = False

    def _reach_groups(self, poor: Places) -> None:
        """A poor face joins the nearest group that nothing is against."""
        if len(poor):
            nearest = (self.kept.rows.rows[poor] @ self.kept.means.T).max(axis=0)
            is_near = nearest >= 1 - self.cuts.linkage - ROUNDING
            self.is_group_in[:-1] |= is_near & (self.kept.counts.sum(axis=0) > 0)

    def _close(self) -> None:
        self.is_group_in[self.kept.group[self.is_in]] = True
        self.is_group_in[NO_GROUP] = False
        self.is_in |= (self.is_group_in & self.is_opened)[self.kept.group]

    def _twice_in_a_photo(self) -> Flags:
        """Faces in a group with another one of their photo: something was taken back, and it has to be divided."""
        kept = self.kept
        places = np.flatnonzero(kept.group != NO_GROUP)
        cells = (kept.group[places] << PHOTO_BITS) | kept.photos[places]
        in_order = np.sort(cells)
        twice = in_order[1:][in_order[1:] == in_order[:-1]]
        found = np.zeros(len(kept.is_there), dtype=bool)
        if len(twice):
            found[places[np.isin(cells, twice)]] = True
            found &= ~np.isin(kept.photos, self.repeats)
        return found


@dataclass(frozen=True, eq=False)
class _Nodes:
    """What is grouped: faces, and groups that count as one; in the order of their first faces.

    singles: places of faces. members: places of the faces of groups that count as one. node_of: shape (capacity,), the
    node of each of these. wholes: these groups, and whole_nodes: the node of each.
    """

    singles: Places
    members: Places
    wholes: NDArray[np.intp]
    whole_nodes: Numbers
    node_of: Numbers

    @classmethod
    def of(cls, reach: _Reach) -> _Nodes:
        kept = reach.kept
        is_whole = reach.is_group_in & ~reach.is_opened
        singles, wholes = np.flatnonzero(reach.is_in), np.flatnonzero(is_whole)
        members = np.flatnonzero(is_whole[kept.group])
        first = np.full(len(is_whole), np.iinfo(np.int64).max)
        np.minimum.at(first, kept.group[members], kept.keys[members])
        keys = np.concatenate([kept.keys[singles], first[wholes]])
        rank = np.empty(len(keys), dtype=np.int64)
        rank[np.argsort(keys)] = np.arange(len(keys))
        node_of_group = np.full(len(is_whole), -1)
        node_of_group[wholes] = rank[len(singles) :]
        node_of = node_of_group[kept.group]
        node_of[singles] = rank[: len(singles)]
        return cls(singles, members, wholes, rank[len(singles) :], node_of)

    def faces(self, reach: _Reach) -> Faces:
        kept = reach.kept
        counts = kept.counts[:, self.wholes]
        singles = self.node_of[self.singles]
        count = len(self.singles) + len(self.wholes)
        rows = np.empty((count, kept.means.shape[1]), dtype=np.float32)
        rows[singles], rows[self.whole_nodes] = kept.rows.rows[self.singles], kept.means[self.wholes]
        before, good = np.empty(count, dtype=np.int64), np.empty(count, dtype=bool)
        before[singles], before[self.whole_nodes] = kept.before_of(self.singles), kept.numbers[self.wholes]
        good[singles], good[self.whole_nodes] = kept.good[self.singles], counts[1] > 0
        sizes, weights = (np.ones(count, dtype=np.int64) for _ in range(2))
        sizes[self.whole_nodes] = counts.sum(axis=0)
        weights[self.whole_nodes] = np.where(counts[1] > 0, counts[1], counts[0])
        is_new, held = (np.zeros(count, dtype=bool) for _ in range(2))
        is_new[singles], held[singles] = reach.is_new[self.singles], reach.held[self.singles]
        apart, together = self._pairs(reach.apart), self._pairs(reach.together)
        return faces_to_group(
            rows,
            before,
            is_new,
            may_seed=good,
            held=held,
            apart=apart,
            together=together,
            of_photos=self._of_photos(reach),
            sizes=sizes,
            weights=weights,
        )

    def _pairs(self, places: PairsOfFaces) -> PairsOfFaces:
        """Pairs of places as pairs of nodes, as far as both are there."""
        pairs = self.node_of[places]
        known: PairsOfFaces = pairs[(pairs >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])]
        return known

    def _of_photos(self, reach: _Reach) -> PairsOfFaces:
        places = np.concatenate([self.singles, self.members])
        pairs = places[pairs_of_one_photo(reach.kept.photos[places], reach.repeats)]
        unique: PairsOfFaces = np.unique(np.sort(self._pairs(pairs), axis=1), axis=0)
        return unique

    def moved(self, kept: KeptFaces, before: Numbers, labels: Numbers) -> Moved:
        """Faces, by place, whose label is another than before."""
        is_moved = labels != before
        group_moves = np.append(np.zeros(len(kept.numbers), dtype=bool), False)
        group_moves[self.wholes] = is_moved[self.whole_nodes]
        places = np.concatenate(
            [self.singles[is_moved[self.node_of[self.singles]]], self.members[group_moves[kept.group[self.members]]]]
        )
        moved_to: Numbers = labels[self.node_of[places]]
        return Moved(places, moved_to)
