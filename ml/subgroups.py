"""Parts of a group that may be different people: average linkage again, stricter the longer it finds none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers, checked_whole
from ml.dbscan import NOISE
from ml.linkage import link

# Shares of the threshold up to which two groups are one, tried in turn until there are two parts. A proposal, which
# somebody looks at: better one cut too many than none. Below the last a person with and without a beard is two.
STRICTER = (1.0, 0.9, 0.8, 0.7, 0.6)
NOBODY = np.zeros((0, 2), dtype=np.int64)


def find_subgroups(
    rows: NDArray[np.float32], *, threshold: float, min_faces: int = 2, max_groups: int = 8
) -> NDArray[np.int64]:
    """Number the parts that the faces of one group, or one person, fall into.

    Args:
        rows: shape (n, d), rows of unit length: the centred projections. n may be 0; n squared distances are held.
        threshold: distance, as `ml.group_distances` defines it, up to which two groups are one person.
        min_faces: smaller parts do not count, 2 or more.
        max_groups: the smallest beyond so many do not count.

    Returns:
        Shape (n,): 0 for faces of the largest part, 1 for the next, and so on; NOISE for those of no part. All 0 when
        no cut down to 0.6 of the threshold divides them.

    Raises:
        ValueError: rows is no matrix of finite numbers, threshold is not above 0, or the others are out of range.
    """
    rows = np.asarray(checked_numbers("rows", rows, None, None), dtype=np.float32)
    checked_number("threshold", threshold, least=0.0)
    if min_faces < 2 or max_groups < 2:
        raise ValueError("min_faces and max_groups must be at least 2")
    singles = np.ones(len(rows), dtype=np.int64)
    for share in STRICTER:
        parts = link(rows, singles, NOBODY, threshold=threshold * share)
        labels = _numbered(checked_whole("parts", parts, len(rows)), min_faces, max_groups)
        if labels.max(initial=0) > 0:
            return labels
    return np.zeros(len(rows), dtype=np.int64)


def _numbered(parts: NDArray[np.int64], min_faces: int, max_groups: int) -> NDArray[np.int64]:
    """The parts by size, the largest first; of equally large ones that of the earliest face."""
    numbers, inverse, sizes = np.unique(parts, return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")[:max_groups]
    order = order[sizes[order] >= min_faces]
    place = np.full(len(numbers), NOISE, dtype=np.int64)
    place[order] = np.arange(len(order))
    labels: NDArray[np.int64] = place[inverse].astype(np.int64)
    return labels
