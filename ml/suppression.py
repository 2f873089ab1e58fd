"""Non-maximum suppression, compiled: of boxes that overlap the best is kept.

Apart from `ml.geometry`, because web processes use that and need not load the compiler.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers, checked_whole
from ml.compiled import compiled
from ml.geometry import TINY, checked_boxes

MOST_CELLS = 2**26  # of a grid, above any photo's; four bytes each


def suppress_overlaps(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float, *, over_smaller: bool = False
) -> NDArray[np.int64]:
    """Non-maximum suppression: of boxes that overlap by more than the threshold keep the best.

    Args:
        boxes: shape (n, 4): left, top, right, bottom in pixels. n may be 0; time grows with n squared, memory with n.
        scores: shape (n,). Of equal scores the earlier wins.
        threshold: share of the union (or of the smaller box) from 0 to 1.

    Returns:
        Indices of the boxes kept, best first.

    Raises:
        ValueError: boxes or scores has another shape, or they or the threshold hold what is no finite number.
    """
    checked_number("threshold", threshold)
    boxes = checked_boxes("boxes", boxes)
    kept: NDArray[np.int64] = _suppress(boxes, _best_first(scores, len(boxes)), np.float32(threshold), over_smaller)
    return kept


def suppress_neighbours(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], places: NDArray[np.int32], threshold: float
) -> NDArray[np.int64]:
    """Like `suppress_overlaps` for windows on a grid that overlap by so much only within two cells of each other.

    Args:
        boxes, scores: as there; time grows with n.
        places: shape (n, 2): row and column of each window's cell, from 0 and no two the same.
        threshold: share of the union from 0 to 1.

    Raises:
        ValueError: boxes, scores or places has another shape, or holds what is no finite, or no whole number from 0, or
            places lie in a grid of more than 67 million cells.
    """
    checked_number("threshold", threshold)
    boxes = checked_boxes("boxes", boxes)
    places = checked_whole("places", places, len(boxes), 2)
    if (places < 0).any():
        raise ValueError("places must be whole numbers from 0")
    if len(places) and math.prod(int(most) + 1 for most in places.max(axis=0)) > MOST_CELLS:
        raise ValueError(f"places must lie in a grid of at most {MOST_CELLS} cells")
    cells = np.ascontiguousarray(places, dtype=np.int32)
    order = _best_first(scores, len(boxes))
    kept: NDArray[np.int64] = _suppress_on_grid(boxes, order, cells, np.float32(threshold))
    return kept


def _best_first(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    return np.argsort(-checked_numbers("scores", scores, count).astype(np.float64), kind="stable").astype(np.int64)


@compiled("boolean(float32[:,::1], int64, int64, float32, boolean)")
def _excludes(boxes, one, other, threshold, over_smaller):  # type: ignore[no-untyped-def]
    """Whether two boxes overlap by more than the threshold. In single precision, like the reference."""
    zero = np.float32(0)
    across = max(min(boxes[one, 2], boxes[other, 2]) - max(boxes[one, 0], boxes[other, 0]), zero)
    down = max(min(boxes[one, 3], boxes[other, 3]) - max(boxes[one, 1], boxes[other, 1]), zero)
    common = across * down
    area = (boxes[one, 2] - boxes[one, 0]) * (boxes[one, 3] - boxes[one, 1])
    other_area = (boxes[other, 2] - boxes[other, 0]) * (boxes[other, 3] - boxes[other, 1])
    whole = min(area, other_area) if over_smaller else area + other_area - common
    return common / max(whole, np.float32(TINY)) > threshold


@compiled("int64[::1](float32[:,::1], int64[::1], float32, boolean)")
def _suppress(boxes, order, threshold, over_smaller):  # type: ignore[no-untyped-def]
    kept = np.empty(len(order), dtype=np.int64)
    count = 0
    for candidate in order:
        stays = True
        for better in range(count):
            if _excludes(boxes, kept[better], candidate, threshold, over_smaller):
                stays = False
                break
        if stays:
            kept[count] = candidate
            count += 1
    return kept[:count].copy()


@compiled("int64[::1](float32[:,::1], int64[::1], int32[:,::1], float32)")
def _suppress_on_grid(boxes, order, places, threshold):  # type: ignore[no-untyped-def]
    kept = np.empty(len(order), dtype=np.int64)
    count = 0
    if len(order) == 0:
        return kept
    # A rim of two cells, so that every cell has all its neighbours.
    winner_at = np.full((places[:, 0].max() + 5, places[:, 1].max() + 5), -1, dtype=np.int32)
    for candidate in order:
        row, column = places[candidate, 0] + 2, places[candidate, 1] + 2
        stays = True
        for other in range(row - 2, row + 3):
            for beside in range(column - 2, column + 3):
                winner = winner_at[other, beside]
                if winner >= 0 and _excludes(boxes, winner, candidate, threshold, False):
                    stays = False
        if stays:
            winner_at[row, column] = candidate
            kept[count] = candidate
            count += 1
    return kept[:count].copy()
