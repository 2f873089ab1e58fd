"""The faces of a library that stay in memory, with what grouping asks of them, while some come, change and go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_flags, checked_numbers, checked_places, checked_whole
from ml.dbscan import NOISE
from ml.kept_rows import KeptRows
from ml.units import Flags, Numbers, Rows

AT_ONCE = 1 << 14  # faces whose rows are summed up
NO_GROUP = -1


class KeptFaces:
    """Faces at places that are counted from 0, and the groups they are in.

    rows: the unit rows, and which are near others. keys: shape (capacity,), by which faces are in order. photos,
    good: as for `ml.regrouping.regroup`. is_there: whether a place holds a face.
    group: shape (capacity,), the place of each face's group, or NO_GROUP. Of each group, by place: numbers; counts,
    shape (2, groups), its poor and its good faces; means, shape (groups, d), the mean row of its good faces, or of all
    where all are poor.
    """

    def __init__(
        self, keys: Numbers, rows: Rows, before: Numbers, photos: Numbers, good: Flags, *, threshold: float
    ) -> None:
        """Keep n faces; rows: shape (n, d); threshold: cosine distance up to which new faces are compared with them.

        Raises:
            ValueError: an argument has another shape or kind, or as `ml.kept_rows.KeptRows` says of rows and threshold.
        """
        self.rows = KeptRows(rows, threshold=threshold)
        checked = _checked(len(rows), keys, before, photos, good)
        self.keys, self.photos, self.group = (np.zeros(0, dtype=np.int64) for _ in range(3))
        self.good, self.is_there = (np.zeros(0, dtype=bool) for _ in range(2))
        self.numbers = np.zeros(0, dtype=np.int64)
        self.counts = np.zeros((2, 0), dtype=np.int64)
        dimensions = self.rows.rows.shape[1]
        self.means = np.zeros((0, dimensions), dtype=np.float32)
        self._sums = np.zeros((2, 0, dimensions))
        self._place_of_group: dict[int, int] = {}
        self._note(np.arange(len(rows)), *checked)

    def put(
        self, places: NDArray[np.intp], keys: Numbers, rows: Rows, before: Numbers, photos: Numbers, good: Flags
    ) -> None:
        """Put faces at places, shape (n,), in place of those that are there.

        Raises:
            ValueError: an argument has another shape or kind, a row is longer than 1, or a place is below 0.
        """
        places = checked_places("places", places, None)
        checked = _checked(len(places), keys, before, photos, good)
        rows = checked_numbers("rows", rows, len(places), self.means.shape[1]).astype(np.float32, copy=False)
        self._forget(places)
        self.rows.put(places, rows)
        self._note(places, *checked)

    def remove(self, places: NDArray[np.intp]) -> None:
        """Forget faces; their places, shape (n,), are free.

        Raises:
            ValueError: places are no whole numbers of at least 0.
        """
        places = checked_places("places", places, None)
        self._forget(places)
        self.rows.remove(places)

    @property
    def before(self) -> Numbers:
        """Shape (capacity,): the number of each face's group, or NOISE."""
        return self.before_of(np.arange(len(self.group)))

    def before_of(self, places: NDArray[np.intp]) -> Numbers:
        """The same, of places, shape (n,).

        Raises:
            ValueError: places are no whole numbers, or not of places there are.
        """
        places = checked_places("places", places, None)
        if len(places) and places.max() >= len(self.group):
            raise ValueError(f"places must be below {len(self.group)}, not {places.max()}")
        numbers = np.append(self.numbers, NOISE)  # NO_GROUP is the last one's place
        return numbers[self.group[places]]

    def _note(self, places: NDArray[np.intp], keys: Numbers, before: Numbers, photos: Numbers, good: Flags) -> None:
        capacity = len(self.rows.rows)
        for name in ("keys", "photos", "group", "good", "is_there"):
            column = getattr(self, name)
            empty = np.full(capacity - len(column), NO_GROUP if name == "group" else 0, dtype=column.dtype)
            setattr(self, name, np.concatenate([column, empty]))
        self.keys[places], self.photos[places], self.good[places] = keys, photos, good
        self.group[places] = self._places_of(before)
        self.is_there[places] = True
        self._count(places, 1)

    def _forget(self, places: NDArray[np.intp]) -> None:
        known = places[places < len(self.is_there)]
        self._count(known[self.is_there[known]], -1)
        self.is_there[known] = False
        self.group[known] = NO_GROUP

    def _places_of(self, before: Numbers) -> Numbers:
        """The places of groups, made for those that were not there."""
        numbers, inverse = np.unique(before, return_inverse=True)
        fresh = [number for number in numbers.tolist() if number > NOISE and number not in self._place_of_group]
        self._place_of_group |= dict(zip(fresh, range(len(self.numbers), len(self.numbers) + len(fresh)), strict=True))
        self.numbers = np.concatenate([self.numbers, np.array(fresh, dtype=np.int64)])
        more = np.zeros((2, len(fresh), self.means.shape[1]))
        self._sums = np.concatenate([self._sums, more], axis=1)
        self.counts = np.concatenate([self.counts, np.zeros((2, len(fresh)), dtype=np.int64)], axis=1)
        self.means = np.concatenate([self.means, more[0].astype(np.float32)])
        places = [self._place_of_group.get(number, NO_GROUP) for number in numbers.tolist()]
        return np.array(places, dtype=np.int64)[inverse]

    def _count(self, places: NDArray[np.intp], sign: int) -> None:
        """Add faces to the sums of their groups, or take them away."""
        places = places[self.group[places] != NO_GROUP]
        groups = len(self.numbers)
        cells = self.good[places] * groups + self.group[places]
        order = np.argsort(cells, kind="stable")
        places, cells = places[order], cells[order]
        sums = self._sums.reshape(2 * groups, self._sums.shape[2])
        for start in range(0, len(places), AT_ONCE):
            here = slice(start, start + AT_ONCE)
            each, starts = np.unique(cells[here], return_index=True)
            sums[each] += sign * np.add.reduceat(self.rows.rows[places[here]], starts, axis=0, dtype=np.float64)
        self.counts += sign * np.bincount(cells, minlength=2 * groups).reshape(2, groups)
        changed = np.unique(self.group[places])
        counted = (self.counts[1, changed] > 0).astype(np.int64)
        sizes = np.maximum(self.counts[counted, changed], 1)
        self.means[changed] = self._sums[counted, changed] / sizes[:, None]


def _checked(
    count: int, keys: Numbers, before: Numbers, photos: Numbers, good: Flags
) -> tuple[Numbers, Numbers, Numbers, Flags]:
    """Of so many faces."""
    keys, before, photos = (
        checked_whole(name, values, count).astype(np.int64, copy=False)
        for name, values in (("keys", keys), ("before", before), ("photos", photos))
    )
    return keys, before, photos, checked_flags("good", good, count)
