"""Rows that stay in memory, packed for the search (`ml.neighbours`), while single ones come, change and go.

To pack 200,000 rows takes ten times as long as to compare a thousand with them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers
from ml.coarse import WIDTH, Coarse, frame_for, reaching
from ml.device import cores_available
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
        """Put rows, shape (n, d), at places, shape (n,), in place of those that are there."""
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
        """Forget rows; their places are found no more."""
        self.put(places, np.zeros((len(places), self.rows.shape[1]), dtype=np.float32))

    def near(self, probes: Rows) -> Pairs:
        """All pairs, exactly, of a probe, shape (n, d), and a row within the threshold: numbers of both."""
        coarse = self._frame.coarse(probes)
        if coarse is None:
            coarse = self._pack(self.rows, probes)
        lines = coarse.lines(0, len(probes))

        def look(first: int, second: int) -> NDArray[np.int32]:
            panels = self._panels[second // WIDTH : (second + ROWS_AT_ONCE) // WIDTH]
            found = reaching(lines, len(probes), panels, len(panels) * WIDTH)
            doubt = ROUNDING * LONGEST
            pairs: NDArray[np.int32] = within(found, probes, self.rows, first, second, 1 - self.threshold, doubt)
            return pairs

        blocks = [(0, second) for second in range(0, len(self.rows), ROWS_AT_ONCE)] if len(probes) else []
        with ThreadPoolExecutor(cores_available()) as threads:
            found = [np.zeros((2, 0), dtype=np.int32), *in_order(threads, look, blocks)]
        probe, place = np.concatenate(found, axis=1)
        return probe, place

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
