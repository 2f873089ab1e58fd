"""Boxes and points: fractions of the upright image outside, pixels inside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers

# The five landmarks in MTCNN's order; left and right as seen in the picture.
LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")


TINY = 1e-9  # square pixels; below any area, and keeps boxes without one from being divided by


@dataclass(frozen=True)
class BoundingBox:
    """A rectangle in fractions of the upright image: 0 <= left, left + width <= 1, and so for top and height.

    Numbers a little beyond, as rounding or other programs give them, are kept as they are.

    Raises:
        ValueError: left, top, width or height is not a finite number, or width or height is below 0.
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        # Plain, because a page of a library makes thousands.
        if not math.isfinite(self.left + self.top + self.width + self.height) or min(self.width, self.height) < 0:
            raise ValueError(
                "left, top, width and height must be finite numbers, the last two from 0, not "
                f"{self.left}, {self.top}, {self.width}, {self.height}"
            )

    @classmethod
    def from_pixels(cls, corners: NDArray[np.float32], size: tuple[int, int]) -> BoundingBox:
        """Make a box from (left, top, right, bottom) in pixels, cut off at the edges of an image of (width, height).

        One beside the image, or whose right is left of its left, has no width; and so for the height.

        Raises:
            ValueError: corners are not four finite numbers, or size is not two numbers above 0.
        """
        width, height = _sides(size)
        edges = checked_numbers("corners", corners, 4).astype(np.float64)
        left, right = np.clip(edges[[0, 2]] / width, 0, 1)
        top, bottom = np.clip(edges[[1, 3]] / height, 0, 1)
        return cls(float(left), float(top), max(float(right - left), 0.0), max(float(bottom - top), 0.0))

    def to_pixels(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return (left, top, right, bottom) in pixels of an image of (width, height).

        Raises:
            ValueError: size is not two numbers above 0.
        """
        width, height = _sides(size)
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
        ValueError: boxes or others has another shape, or holds what is no finite number.
    """
    first, second = checked_boxes("boxes", boxes)[:, None], checked_boxes("others", others)[None, :]
    across = np.minimum(first[..., 2], second[..., 2]) - np.maximum(first[..., 0], second[..., 0])
    down = np.minimum(first[..., 3], second[..., 3]) - np.maximum(first[..., 1], second[..., 1])
    common = np.maximum(across, 0) * np.maximum(down, 0)
    areas = (first[..., 2] - first[..., 0]) * (first[..., 3] - first[..., 1])
    other_areas = (second[..., 2] - second[..., 0]) * (second[..., 3] - second[..., 1])
    whole = np.minimum(areas, other_areas) if over_smaller else areas + other_areas - common
    overlap: NDArray[np.float32] = common / np.maximum(whole, np.float32(TINY))
    return overlap


def squared(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Widen or heighten each box, shape (n, 4) in pixels, to a square with the same centre.

    Raises:
        ValueError: boxes has another shape, or holds what is no finite number.
    """
    boxes = checked_boxes("boxes", boxes)
    # In this order, like facenet-pytorch, whose last digits decide to which whole pixel a corner goes.
    sides = boxes[:, 2:4] - boxes[:, :2]
    longer = sides.max(axis=1, keepdims=True)
    first = boxes[:, :2] + sides * np.float32(0.5) - longer * np.float32(0.5)
    square: NDArray[np.float32] = np.concatenate([first, first + longer], axis=1)
    return square


def checked_boxes(name: str, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes as the functions here want them, in single precision; raises ValueError, with the argument's name."""
    numbers = checked_numbers(name, boxes, None, 4)
    if np.abs(numbers).max(initial=0) > np.finfo(np.float32).max:
        raise ValueError(f"{name} must be numbers of single precision")
    return np.ascontiguousarray(numbers, dtype=np.float32)


def _sides(size: tuple[int, int]) -> tuple[int, int]:
    if len(size) != 2 or not all(0 < side < math.inf for side in size):
        raise ValueError(f"size must be a width and a height above 0, not {size}")
    return size
