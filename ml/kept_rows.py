"""Rows that stay in memory, packed for the search (`ml.neighbours`), while single ones come, change and go.

To pack 200,000 rows takes ten times as long as to compare a thousand with them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers, checked_places
from ml.coarse import WIDTH, Coarse, frame_for, reaching
from ml.neighbours import LEAST_THRESHOLD, ROUNDING, ROWS_AT_ONCE, Pairs, Rows, bound_axes, in_order, within

MOST_THRESHOLD = 0.999  # a row of zeros is near nothing
FULL_PAIR = 12_000  # of a thousand probes and 207,000 rows: 0.15 s of processor time, and not 0.175
LONGEST = 1.001  # square of the length of a unit row in single precision


class KeptRows:
    """Unit rows at places that are counted from 0, and those near them.

    rows: shape (capacity, d), zeros where there is none. One row takes 4 d bytes here and about d packed.
    """

    def __init__(self, rows: Rows, *, threshold: float) -> None:
        """Keep rows, shape (n, d), to be searched up to a cosine distance.

        Raises:
            ValueError: rows is not two-dimensional, holds what is no finite number, or rows that are longer than 1; or
                threshold is not above 0 and below 1.
        """
        rows = np.ascontiguousarray(checked_numbers("rows", rows, None, None), dtype=np.float32)
        self.threshold = checked_number("threshold", threshold, least=LEAST_THRESHOLD, most=MOST_THRESHOLD)
        self.rows = np.zeros((0, rows.shape[1]), dtype=np.float32)
        self._pack(rows)
        self.put(np.arange(len(rows)), rows)

    def put(self, places: NDArray[np.integer], rows: Rows) -> None:
        """Put rows, shape (n, d), at places, shape (n,), in place of those that are there.

        Raises:
            ValueError: rows or places have another shape or kind, a row is longer than 1, or a place is below 0.
        """
        rows = self._checked("rows", rows)
        places = checked_places("places", places, len(rows))
        if not len(places):
            return
        if (np.einsum("ij,ij->i", rows, rows) > LONGEST).any():
            raise ValueError("rows must be of unit length")
        self._make_room(int(places.max()) + 1)
        self.rows[places] = rows
        coarse = self._frame.coarse(rows)
        if coarse is None:
            self._pack(self.rows)
        else:
            packed = coarse.panels(0, len(rows)).swapaxes(1, 2).reshape(-1, self._panels.shape[1])
            self._panels[places // WIDTH, :, places % WIDTH] = packed[: len(rows)]

    def remove(self, places: NDArray[np.integer]) -> None:
        """Forget rows; their places, shape (n,), are found no more.

        Raises:
            ValueError: places are no whole numbers of at least 0.
        """
        places = checked_places("places", places, None)
        self.put(places, np.zeros((len(places), self.rows.shape[1]), dtype=np.float32))

    def near(self, probes: Rows) -> Pairs:
        """All pairs, exactly, of a probe, shape (n, d), and a row within the threshold: numbers of both.

        Raises:
            ValueError: probes have another shape, or hold what is no finite number.
        """
        probes = self._checked("probes", probes)
        if not len(probes) or not len(self.rows):
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32)
        coarse = self._frame.coarse(probes)
        if coarse is None:
            coarse = self._pack(self.rows, probes)
        lines = coarse.lines(0, len(probes))

        def look(first: int, second: int) -> NDArray[np.int32]:
            panels = self._panels[second // WIDTH : (second + ROWS_AT_ONCE) // WIDTH]
            found = reaching(lines, len(probes), panels, len(panels) * WIDTH)
            doubt = ROUNDING * LONGEST
            return within(found, probes, self.rows, first, second, 1 - self.threshold, doubt)

        blocks = [(0, second) for second in range(0, len(self.rows), ROWS_AT_ONCE)]
        probe, place = np.concatenate(list(in_order(look, blocks)), axis=1)
        return probe, place

    def _checked(self, name: str, rows: Rows) -> Rows:
        checked = checked_numbers(name, rows, None, self.rows.shape[1])
        return np.ascontiguousarray(checked, dtype=np.float32)

    def _pack(self, rows: Rows, probes: Rows | None = None) -> Coarse:
        """Pack what is kept anew, so that these fit; return the probes in whole numbers."""
        probes = np.zeros((0, rows.shape[1]), dtype=np.float32) if probes is None else probes
        least = 1 - self.threshold - ROUNDING * LONGEST
        some = np.concatenate([rows, probes])
        self._frame = frame_for(some, bound_axes(some, least, LONGEST, FULL_PAIR), least, LONGEST)
        self._panels = self._packed(self.rows).panels(0, len(self.rows))
        return self._packed(probes)

    def _packed(self, rows: Rows) -> Coarse:
        """Of rows that the frame was made for."""
        coarse = self._frame.coarse(rows)
        assert coarse is not None
        return coarse

    def _make_room(self, count: int) -> None:
        """For so many places; an eighth more than there are, so that it is seldom."""
        if count <= len(self.rows):
            return
        capacity = -(-max(count, len(self.rows) * 9 // 8) // WIDTH) * WIDTH
        more = np.zeros((capacity - len(self.rows), self.rows.shape[1]), dtype=np.float32)
        self.rows = np.concatenate([self.rows, more])
        self._panels = np.concatenate([self._panels, self._packed(more).panels(0, len(more))])
