"""How far apart two groups of faces are, so that one threshold tells whether they are one person.

The distance is half the energy distance of the two groups, or half the squared distance of their means, but for what
they would have if both were as wide as a person usually is: their mean cosine distance, less half of what each is
wider than usual. A group of few faces does not show how wide it is: it is taken to be as wide as usual, and the more so
the fewer pairs of faces it has.

Source: Székely and Rizzo, Energy statistics: a class of statistics based on distances, J. Stat. Plan. Inference 2013;
what it is worth in docs/decisions/0019.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ml.arguments import checked_number, checked_numbers, checked_whole

# The mean cosine distance of two faces of one person, as a share of the distance up to which two groups are one.
USUAL_WIDTH = 0.57
USUAL_PAIRS = 1.0  # pairs of faces that this counts as many as
# Of pairs of groups whose distance is the threshold, half are one person; a hundredth less makes the odds 1.4 times as
# good (docs/decisions/0019).
STEEPNESS = 33.0


def usual_width(threshold: float) -> float:
    """The mean cosine distance of two faces of one person, where two groups are one up to this threshold.

    Raises:
        ValueError: threshold is no finite number.
    """
    return USUAL_WIDTH * checked_number("threshold", threshold)


def widths_of(
    means: NDArray[np.float32], sizes: NDArray[np.floating] | NDArray[np.integer], *, usual: float
) -> NDArray[np.float64]:
    """How wide groups are: the mean cosine distance of two faces of each, drawn towards what is usual.

    Args:
        means: shape (g, d), the mean of each group's unit rows, whose length shows how far they lie from each other.
        sizes: shape (g,), faces in each group, at least 1.
        usual: what `usual_width` returned.

    Raises:
        ValueError: means or sizes has another shape, or holds what is no finite number, or no face.
    """
    means = checked_numbers("means", means, None, None)
    sizes = checked_numbers("sizes", sizes, len(means)).astype(np.float64)
    checked_number("usual", usual)
    if sizes.min(initial=1) < 1:
        raise ValueError("sizes must be at least 1 each")
    pairs = sizes * (sizes - 1) / 2
    lengths = np.einsum("ij,ij->i", means, means, dtype=np.float64)
    spreads = np.maximum(pairs - (sizes**2 * lengths - sizes) / 2, 0)  # the sum of the distances of all pairs
    widths: NDArray[np.float64] = (USUAL_PAIRS * usual + spreads) / (USUAL_PAIRS + pairs)
    return widths


def group_means(
    rows: NDArray[np.float32], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The mean row of each group.

    Args:
        rows: shape (n, d), rows of unit length. groups: shape (n,): the group of each row.

    Returns:
        Groups in ascending order, shape (g,); their means, shape (g, d); their sizes, shape (g,).

    Raises:
        ValueError: rows is no matrix, groups has another length, or something is no finite or no whole number.
    """
    rows = checked_numbers("rows", rows, None, None)
    groups = checked_whole("groups", groups, len(rows)).astype(np.int64)
    order = np.argsort(groups, kind="stable")
    numbers, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    if not len(numbers):
        return numbers, np.zeros((0, rows.shape[1]), np.float32), sizes
    sums = np.add.reduceat(rows[order].astype(np.float64), starts, axis=0)
    return numbers, (sums / sizes[:, None]).astype(np.float32), sizes


def group_distances(means: NDArray[np.float32], sizes: NDArray[np.integer], *, threshold: float) -> NDArray[np.float64]:
    """Shape (g, g): the distance of each of g groups to each other, to be compared with the threshold.

    Args:
        means, sizes: as `group_means` returns them.
        threshold: distance up to which two groups are one person.

    Raises:
        ValueError: means or sizes has another shape, or holds what is no finite number, or no face.
    """
    usual = usual_width(threshold)
    half = (widths_of(means, sizes, usual=usual) - usual) / 2
    distances: NDArray[np.float64] = 1 - (means @ means.T).astype(np.float64) - half[:, None] - half[None, :]
    return distances


def same_person(distances: NDArray[np.float64], *, threshold: float) -> NDArray[np.float64]:
    """How probable it is that two groups of such distances, of any shape, are one person.

    Raises:
        ValueError: distances hold what is no finite number, or threshold is none.
    """
    distances = checked_numbers("distances", distances, *np.shape(distances)).astype(np.float64)
    checked_number("threshold", threshold)
    return np.asarray(expit(STEEPNESS * (threshold - distances)))
