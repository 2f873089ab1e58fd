"""Matches faces found with faces that people saw in the same photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ml.arguments import checked_flags, checked_numbers
from ml.evaluation.labels import Pixels
from ml.geometry import pairwise_overlap

LEAST_OVERLAP = 0.3  # boxes drawn by hand are too loose for more
NONE = -1


def corners_of(boxes: Sequence[Pixels]) -> NDArray[np.float32]:
    """Left, top, right, bottom of boxes given as left, top, width, height: shape (n, 4).

    Raises:
        ValueError: boxes are not four finite numbers each.
    """
    sides = checked_numbers("boxes", boxes if len(boxes) else np.zeros((0, 4)), None, 4).astype(np.float32)
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)


def match_boxes(found: NDArray[np.float32], drawn: NDArray[np.float32]) -> NDArray[np.intp]:
    """Match boxes one to one: as many as possible, and of those ways the one whose boxes overlap most.

    A box found fits one drawn if its centre lies in it, or their intersection over union is at least 0.3.

    Args:
        found: shape (n, 4): left, top, right, bottom in pixels. n may be 0.
        drawn: shape (m, 4). m may be 0.

    Returns:
        Shape (m,): for each box drawn the index of the box found, or -1.

    Raises:
        ValueError: found or drawn has another shape, or holds something that is no number.
    """
    found, drawn = checked_numbers("found", found, None, 4), checked_numbers("drawn", drawn, None, 4)
    matches = np.full(len(drawn), NONE, dtype=np.intp)
    overlap = pairwise_overlap(found, drawn)
    centres = (found[:, None, :2] + found[:, None, 2:]) / 2
    inside = ((centres >= drawn[None, :, :2]) & (centres <= drawn[None, :, 2:])).all(axis=2)
    fits = inside | (overlap >= LEAST_OVERLAP)
    # An overlap counts less than a match in any photo of fewer than a thousand faces.
    rows, columns = linear_sum_assignment(fits * (1000 + overlap), maximize=True)
    fitting = fits[rows, columns]
    matches[columns[fitting]] = rows[fitting]
    return matches


def main_face(found: NDArray[np.float32], size: tuple[int, int], free: NDArray[np.bool_]) -> int | None:
    """The face a photo with one name and no box is of: large, and near the middle.

    Args:
        found: shape (n, 4): left, top, right, bottom in pixels.
        size: width and height of the photo.
        free: shape (n,): False for those that belong to somebody else.

    Returns:
        The index of that face, or None where no face is free.

    Raises:
        ValueError: found or free has another shape or holds what is no finite number, or size is not two numbers.

    Source: align_dataset_mtcnn of davidsandberg/facenet, which made the published figures.
    """
    found = checked_numbers("found", found, None, 4)
    checked_numbers("size", size, 2)
    if not checked_flags("free", free, len(found)).any():
        return None
    areas = (found[:, 2:] - found[:, :2]).prod(axis=1)
    off_middle = (found[:, :2] + found[:, 2:]) / 2 - np.array(size, dtype=np.float32) / 2
    merit = areas - 2 * (off_middle**2).sum(axis=1)
    return int(np.where(free, merit, -np.inf).argmax())
