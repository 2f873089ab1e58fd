"""Boxes and points: fractions of the upright image outside, pixels inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.compiled import compiled

# The five landmarks in MTCNN's order; left and right as seen in the picture.
LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")


TINY = 1e-9  # square pixels; below any area, and keeps boxes without one from being divided by


@dataclass(frozen=True)
class BoundingBox:
    """A rectangle in fractions of the upright image: 0 <= left, left + width <= 1, and so for top and height."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def from_pixels(cls, corners: NDArray[np.float32], size: tuple[int, int]) -> BoundingBox:
        """Make a box from (left, top, right, bottom) in pixels, cut off at the edges of an image of (width, height)."""
        width, height = size
        left, right = np.clip(np.asarray(corners[[0, 2]], dtype=np.float64) / width, 0, 1)
        top, bottom = np.clip(np.asarray(corners[[1, 3]], dtype=np.float64) / height, 0, 1)
        return cls(float(left), float(top), float(right - left), float(bottom - top))

    def to_pixels(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return (left, top, right, bottom) in pixels of an image of (width, height)."""
        width, height = size
        return np.array(
            [
                self.left * width,
                self.top * height,
                (self.left + self.width) * width,
                (self.top + self.height) * height,
            ],
            dtype=np.float32,
        )

    def intersection_over_union(self, other: BoundingBox) -> float:
        """How much two boxes of the same image agree, from 0 (apart) to 1 (equal)."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        common = max(across, 0.0) * max(down, 0.0)
        union = self.width * self.height + other.width * other.height - common
        return common / union if union > 0 else 0.0


def pairwise_overlap(
    boxes: NDArray[np.float32], others: NDArray[np.float32], *, over_smaller: bool = False
) -> NDArray[np.float32]:
    """Common area of each pair of boxes as a share of their union.

    Args:
        boxes: shape (n, 4): left, top, right, bottom in pixels.
        others: shape (m, 4).
        over_smaller: divide by the smaller of the two areas instead, so that a box inside another scores 1.

    Returns:
        Shape (n, m), from 0 to 1.

    Raises:
        ValueError: boxes or others has another shape, or holds a NaN.
    """
    first, second = _checked("boxes", boxes)[:, None], _checked("others", others)[None, :]
    across = np.minimum(first[..., 2], second[..., 2]) - np.maximum(first[..., 0], second[..., 0])
    down = np.minimum(first[..., 3], second[..., 3]) - np.maximum(first[..., 1], second[..., 1])
    common = np.maximum(across, 0) * np.maximum(down, 0)
    areas = (first[..., 2] - first[..., 0]) * (first[..., 3] - first[..., 1])
    other_areas = (second[..., 2] - second[..., 0]) * (second[..., 3] - second[..., 1])
    whole = np.minimum(areas, other_areas) if over_smaller else areas + other_areas - common
    overlap: NDArray[np.float32] = common / np.maximum(whole, np.float32(TINY))
    return overlap


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
        ValueError: boxes or scores has another shape, or holds a NaN.
    """
    order = _best_first(scores, len(boxes))
    kept: NDArray[np.int64] = _suppress(_checked("boxes", boxes), order, np.float32(threshold), over_smaller)
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
        ValueError: boxes, scores or places has another shape, or holds a NaN or a negative number.
    """
    if places.shape != (len(boxes), 2) or not np.issubdtype(places.dtype, np.integer) or (places < 0).any():
        raise ValueError(f"places must be whole numbers from 0, shape ({len(boxes)}, 2), not {places.shape}")
    cells = np.ascontiguousarray(places, dtype=np.int32)
    order = _best_first(scores, len(boxes))
    kept: NDArray[np.int64] = _suppress_on_grid(_checked("boxes", boxes), order, cells, np.float32(threshold))
    return kept


def _checked(name: str, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} must have the shape (n, 4), not {boxes.shape}")
    if np.isnan(boxes).any():
        raise ValueError(f"{name} must not hold a NaN")
    return np.ascontiguousarray(boxes, dtype=np.float32)


def _best_first(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    if scores.shape != (count,):
        raise ValueError(f"scores must have the shape ({count},), not {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores must not hold a NaN")
    return np.argsort(-scores, kind="stable").astype(np.int64)


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


def squared(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Widen or heighten each box, shape (n, 4) in pixels, to a square with the same centre.

    Raises:
        ValueError: boxes has another shape, or holds a NaN.
    """
    boxes = _checked("boxes", boxes)
    # In this order, like facenet-pytorch, whose last digits decide to which whole pixel a corner goes.
    sides = boxes[:, 2:4] - boxes[:, :2]
    longer = sides.max(axis=1, keepdims=True)
    first = boxes[:, :2] + sides * np.float32(0.5) - longer * np.float32(0.5)
    square: NDArray[np.float32] = np.concatenate([first, first + longer], axis=1)
    return square
