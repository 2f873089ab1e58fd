"""Average linkage of groups that are already there, some of which must stay apart.

The mean cosine distance between two groups of unit rows is 1 less the product of their means, so a group counts as its
mean and its size, however many faces it has. Two groups that must stay apart are infinitely far from each other, and
whatever one of them has been merged into is, too: no mean with infinity in it is finite.

Source: nearest-neighbour chains, Murtagh, A survey of recent advances in hierarchical clustering algorithms, 1983.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers, checked_whole
from ml.compiled import compiled
from ml.neighbours import LEAST_THRESHOLD


def link(
    means: NDArray[np.float32], sizes: NDArray[np.int64], apart: NDArray[np.integer], *, threshold: float
) -> NDArray[np.int64]:
    """Merge groups as long as two are within the threshold on average, the closest first.

    Args:
        means: shape (n, d), the mean of each group's unit rows; of a single face that is its row.
        sizes: shape (n,), faces in each group, at least 1.
        apart: shape (k, 2), indices of groups that must not be merged.
        threshold: mean cosine distance up to which two groups become one.

    Returns:
        Shape (n,): for each group the index of the first of those it was merged with, or its own. Holds n squared
        distances in single precision: 1.6 GB for 20,000 groups.

    Raises:
        ValueError: means, sizes or apart has another shape or what is no finite or whole number, apart names groups
            that are not there, sizes are not all at least 1, or threshold is not above 0.
    """
    means = np.asarray(checked_numbers("means", means, None, None), dtype=np.float32)
    sizes = checked_whole("sizes", sizes, len(means)).astype(np.float64)
    apart = checked_whole("apart", apart, None, 2)
    checked_number("threshold", threshold, least=LEAST_THRESHOLD)
    if (sizes < 1).any():
        raise ValueError("sizes must be at least 1 each")
    if apart.size and (apart.min() < 0 or apart.max() >= len(means)):
        raise ValueError(f"apart must be of the {len(means)} groups there are")
    distances = np.matmul(-means, means.T)
    distances += 1
    np.maximum(distances, 0, out=distances)  # rounding makes some a little less
    np.fill_diagonal(distances, np.inf)
    distances[apart[:, 0], apart[:, 1]] = np.inf
    distances[apart[:, 1], apart[:, 0]] = np.inf
    found: NDArray[np.int64] = _merge(distances, sizes, threshold)
    return found


@compiled("int64[::1](float32[:,::1], float64[::1], float64)")
def _merge(distances, sizes, threshold):  # type: ignore[no-untyped-def]
    """Follow nearest neighbours until two are each other's, and merge those.

    With average linkage a merger never brings a third group nearer than its nearer half was. So a group whose nearest
    is beyond the threshold is finished, and the order of mergers does not matter.
    """
    count = len(sizes)
    merged_into = np.arange(count)
    is_open = np.ones(count, dtype=np.bool_)
    chain = np.empty(count, dtype=np.int64)
    length = 0
    start = 0
    while True:
        if length == 0:
            while start < count and not is_open[start]:
                start += 1
            if start == count:
                break
            chain[0] = start
            length = 1
        last = chain[length - 1]
        # Of equally near ones the one it came from, else the chain might go round in circles.
        nearest = chain[length - 2] if length > 1 else -1
        least = distances[last, nearest] if length > 1 else np.float32(np.inf)
        row = distances[last]
        for other in range(count):
            if row[other] < least and is_open[other]:
                least = row[other]
                nearest = other
        if nearest < 0 or least > threshold:
            is_open[last] = False
            length -= 1
        elif length > 1 and nearest == chain[length - 2]:
            length -= 2
            kept, gone = min(last, nearest), max(last, nearest)
            is_open[gone] = False
            merged_into[gone] = kept
            both = sizes[kept] + sizes[gone]
            for other in range(count):
                if is_open[other] and other != kept:
                    mean = (sizes[kept] * distances[kept, other] + sizes[gone] * distances[gone, other]) / both
                    distances[kept, other] = mean
                    distances[other, kept] = mean
            sizes[kept] = both
        else:
            chain[length] = nearest
            length += 1
    for group in range(count):  # those before it are done: it went into one of them, or is its own
        merged_into[group] = merged_into[merged_into[group]]
    return merged_into
