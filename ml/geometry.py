"""Boxes and points: fractions of the upright image outside, pixels inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The five landmarks in MTCNN's order; left and right as seen in the picture.
LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")


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
    """
    return paired_overlap(boxes[:, None], others[None, :], over_smaller=over_smaller)


def paired_overlap(
    boxes: NDArray[np.float32], others: NDArray[np.float32], *, over_smaller: bool = False
) -> NDArray[np.float32]:
    """Like `pairwise_overlap`, box by box: shapes (..., 4) that fit one another give shape (...)."""
    across = np.minimum(boxes[..., 2], others[..., 2]) - np.maximum(boxes[..., 0], others[..., 0])
    down = np.minimum(boxes[..., 3], others[..., 3]) - np.maximum(boxes[..., 1], others[..., 1])
    common = np.maximum(across, 0) * np.maximum(down, 0)
    areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    other_areas = (others[..., 2] - others[..., 0]) * (others[..., 3] - others[..., 1])
    whole = np.minimum(areas, other_areas) if over_smaller else areas + other_areas - common
    overlap: NDArray[np.float32] = common / np.maximum(whole, 1e-9)
    return overlap


def suppress_overlaps(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float, *, over_smaller: bool = False
) -> NDArray[np.intp]:
    """Non-maximum suppression: of boxes that overlap by more than the threshold keep the best.

    Args:
        boxes: shape (n, 4): left, top, right, bottom in pixels. n may be 0; time and memory grow with n squared.
        scores: shape (n,).
        threshold: share of the union (or of the smaller box) from 0 to 1.

    Returns:
        Indices of the boxes kept, best first.
    """
    first, second = np.nonzero(np.triu(pairwise_overlap(boxes, boxes, over_smaller=over_smaller) > threshold, k=1))
    return suppress_pairs(scores, first, second)


def suppress_pairs(scores: NDArray[np.float32], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Greedy suppression where the pairs that exclude each other are known.

    Gives what the usual loop gives (take the best, drop what it excludes, go on), but takes in each round every
    candidate that is better than all its remaining rivals; a few rounds do.

    Args:
        scores: shape (n,). Of equal scores the earlier wins.
        first, second: shape (p,): indices of the two candidates of each pair.

    Returns:
        Indices of the candidates kept, best first.
    """
    order = np.argsort(-scores, kind="stable")
    rank = np.empty(len(scores), dtype=np.intp)
    rank[order] = np.arange(len(scores))
    swap = rank[first] > rank[second]
    better, worse = np.where(swap, second, first), np.where(swap, first, second)
    kept = np.ones(len(scores), dtype=bool)
    while better.size:
        beaten = np.zeros(len(scores), dtype=bool)
        beaten[worse] = True
        dropped = np.zeros(len(scores), dtype=bool)
        dropped[worse[~beaten[better]]] = True
        kept &= ~dropped
        # A pair still matters while both may live and the better one is not yet sure to.
        open_pairs = beaten[better] & ~dropped[better] & ~dropped[worse]
        better, worse = better[open_pairs], worse[open_pairs]
    return order[kept[order]]


def squared(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Widen or heighten each box, shape (n, 4) in pixels, to a square with the same centre."""
    centres = (boxes[:, :2] + boxes[:, 2:4]) / 2
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    square: NDArray[np.float32] = np.concatenate([centres - half, centres + half], axis=1)
    return square
