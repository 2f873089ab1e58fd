"""How far apart two groups of faces are, as `ml.tree_cut` measures it, for many groups at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ml.arguments import checked_number, checked_numbers, checked_whole
from ml.tree_cut import USUAL_PAIRS, USUAL_WIDTH

# Of pairs of groups whose distance is the threshold, half are one person; a hundredth makes the odds 1.4 times as good.
# Fitted to the merges of tests/quality's album and 1,071 people (docs/decisions/0019).
STEEPNESS = 33.0


def group_means(
    rows: NDArray[np.float32], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
    """The mean of each group's rows, and how wide the group is.

    Args:
        rows: shape (n, d), rows of unit length.
        groups: shape (n,): the group of each row.

    Returns:
        Groups in ascending order, shape (g,); means, shape (g, d); widths, shape (g,): the mean cosine distance of two
        of its faces, drawn towards that of a usual person, the more so the fewer faces it has.

    Raises:
        ValueError: rows is no matrix, groups has another length, or something is no finite or no whole number.
    """
    rows = checked_numbers("rows", rows, None, None)
    groups = checked_whole("groups", groups, len(rows)).astype(np.int64)
    order = np.argsort(groups, kind="stable")
    numbers, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    if not len(numbers):
        return numbers, np.zeros((0, rows.shape[1]), np.float32), np.zeros(0)
    sums = np.add.reduceat(rows[order].astype(np.float64), starts, axis=0)
    pairs = sizes * (sizes - 1) / 2
    spread = pairs - ((sums**2).sum(axis=1) - sizes) / 2  # the sum of the distances of all pairs
    widths = (USUAL_PAIRS * USUAL_WIDTH + np.maximum(spread, 0)) / (USUAL_PAIRS + pairs)
    return numbers, (sums / sizes[:, None]).astype(np.float32), widths


def group_distances(
    means: NDArray[np.float32],
    widths: NDArray[np.float64],
    other_means: NDArray[np.float32],
    other_widths: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Shape (g, h): the distance of each of g groups to each of h others, which `cut_tree` compares with its threshold.

    Args:
        means, widths: of g groups, as `group_means` returns them. other_means, other_widths: of h groups.

    Raises:
        ValueError: means or widths differ in length or dimensions, or hold what is no finite number.
    """
    means = checked_numbers("means", means, None, None)
    widths = checked_numbers("widths", widths, len(means))
    other_means = checked_numbers("other_means", other_means, None, means.shape[1])
    other_widths = checked_numbers("other_widths", other_widths, len(other_means))
    slack = (widths[:, None] + other_widths[None, :]) / 2 - USUAL_WIDTH
    distances: NDArray[np.float64] = 1 - (means @ other_means.T).astype(np.float64) - slack
    return distances


def same_person(distances: NDArray[np.float64], *, threshold: float) -> NDArray[np.float64]:
    """How probable it is that two groups of such distances, any shape, are one person.

    Raises:
        ValueError: distances hold what is no finite number, or threshold is none.
    """
    distances = checked_numbers("distances", distances, *np.shape(distances)).astype(np.float64)
    checked_number("threshold", threshold)
    return np.asarray(expit(STEEPNESS * (threshold - distances)))
