"""Tells two people apart who are easily confused, by faces of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers

FEWEST_FACES = 5  # of each of the two
MOST_CERTAIN = 3.0  # log odds: of two people few faces are known, so a side is never certain


@dataclass(frozen=True, eq=False)
class Separator:
    """A plane between two people: direction, shape (d,), and offset. Positive sides are the first one's."""

    direction: NDArray[np.float64]
    offset: float

    def sides(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log odds of each face, shape (n, d), being the first of the two, -3 to 3.

        Raises:
            ValueError: rows has another shape, or holds what is no finite number.
        """
        rows = checked_numbers("rows", rows, None, len(self.direction))
        return np.clip(rows @ self.direction + self.offset, -MOST_CERTAIN, MOST_CERTAIN)


def separate(first: NDArray[np.float32], second: NDArray[np.float32]) -> Separator:
    """Fit the plane by linear discriminant analysis, with shrinkage, for there are fewer faces than dimensions.

    Args:
        first, second: shape (n, d) and (m, d), unit rows, 5 at least of each.

    Raises:
        ValueError: first or second has fewer rows, or their dimensions differ.

    Source: O. Ledoit and M. Wolf, Honey, I shrunk the sample covariance matrix, 2004, for the shrinkage.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    first = checked_numbers("first", first, None, None)
    second = checked_numbers("second", second, None, first.shape[1])
    for name, rows in (("first", first), ("second", second)):
        if len(rows) < FEWEST_FACES:
            raise ValueError(f"{name} must have {FEWEST_FACES} rows or more, not {len(rows)}")
    is_first = np.repeat([True, False], [len(first), len(second)])
    plane = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    plane.fit(np.concatenate([first, second]), is_first)
    return Separator(plane.coef_[0].astype(np.float64), float(plane.intercept_[0]))
