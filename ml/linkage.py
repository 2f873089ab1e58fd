"""Average linkage of groups that are already there, some of which must stay apart; and where it stops.

The mean cosine distance between two groups of unit rows is 1 less the product of their means, so a group counts as its
mean and its size, however many faces it has. Two groups that must stay apart are infinitely far from each other, and
whatever one of them has been merged into is, too: no mean with infinity in it is finite.

The mean distance says in which order groups are merged, but too little about whether they are one person: two tight
groups 0.45 apart are two people, two wide ones are one person at two ages. So half of what each is wider than usual is
taken away (`ml.group_distances`), and mergers above one that this speaks against do not count either.

Source: nearest-neighbour chains, Murtagh, A survey of recent advances in hierarchical clustering algorithms, 1983.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers, checked_whole
from ml.compiled import compiled
from ml.group_distances import USUAL_PAIRS, usual_width, widths_of
from ml.neighbours import LEAST_THRESHOLD

FARTHEST = 1.0  # mean distance of two groups that have nothing in common: no merger beyond it could count


def link(
    means: NDArray[np.float32], sizes: NDArray[np.int64], apart: NDArray[np.integer], *, threshold: float
) -> NDArray[np.int64]:
    """Merge groups as long as two are one person by their distance, the closest first.

    Args:
        means: shape (n, d), the mean of each group's unit rows; of a single face that is its row.
        sizes: shape (n,), faces in each group, at least 1.
        apart: shape (k, 2), indices of groups that must not be merged.
        threshold: distance, as `ml.group_distances` defines it, up to which two groups become one.

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
    usual = usual_width(threshold)
    widths = widths_of(means, sizes, usual=usual)
    mergers, heights = _mergers(distances, sizes.copy(), FARTHEST)
    found: NDArray[np.int64] = _those_that_count(mergers, heights, sizes, widths, threshold, usual, USUAL_PAIRS)
    return found


@compiled("Tuple((int64[:,::1], float64[::1]))(float32[:,::1], float64[::1], float64)")
def _mergers(distances, sizes, farthest):  # type: ignore[no-untyped-def]
    """Pairs of groups that are merged, (k, 2), the second into the first, and their mean distances, (k,).

    Follows nearest neighbours until two are each other's, and merges those. With average linkage a merger never brings
    a third group nearer than its nearer half was. So a group whose nearest is beyond the farthest is finished, and
    parts come before the whole, though not in order of distance.

    Rounding must not undo either: of faces that are all but equal it makes one distance two, the way there and the way
    back, and a mean less than both halves. Then neighbours would be followed round in circles, and out of the chain.
    """
    count = len(sizes)
    for one in range(count):
        for other in range(one):
            nearer = min(distances[one, other], distances[other, one])
            distances[one, other] = nearer
            distances[other, one] = nearer
    mergers = np.empty((max(count - 1, 0), 2), dtype=np.int64)
    heights = np.empty(max(count - 1, 0))
    found = 0
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
        if nearest < 0 or least > farthest:
            is_open[last] = False
            length -= 1
        elif length > 1 and nearest == chain[length - 2]:
            length -= 2
            kept, gone = min(last, nearest), max(last, nearest)
            is_open[gone] = False
            mergers[found, 0], mergers[found, 1], heights[found] = kept, gone, least
            found += 1
            both = sizes[kept] + sizes[gone]
            for other in range(count):
                if is_open[other] and other != kept:
                    mean = (sizes[kept] * distances[kept, other] + sizes[gone] * distances[gone, other]) / both
                    mean = max(mean, np.float64(min(distances[kept, other], distances[gone, other])))
                    distances[kept, other] = mean
                    distances[other, kept] = mean
            sizes[kept] = both
        else:
            chain[length] = nearest
            length += 1
    return mergers[:found].copy(), heights[:found].copy()


@compiled(
    "int64[::1](int64[:,::1], float64[::1], float64[::1], float64[::1], float64, float64, float64)",
)
def _those_that_count(mergers, heights, sizes, widths, threshold, usual, usual_pairs):  # type: ignore[no-untyped-def]
    """For each group the first of those it hangs together with by mergers that the distance does not speak against."""
    count = len(sizes)
    merged_into = np.arange(count)
    is_whole = np.ones(count, dtype=np.bool_)  # no merger below was left out
    sizes = sizes.copy()
    spreads = widths * (usual_pairs + sizes * (sizes - 1) / 2)  # sums of the distances of all pairs, and the usual one
    for number in range(len(mergers)):
        kept, gone = mergers[number]
        slack = -2 * usual
        for part in (kept, gone):
            slack += spreads[part] / (usual_pairs + sizes[part] * (sizes[part] - 1) / 2)
        is_whole[kept] = is_whole[kept] and is_whole[gone] and heights[number] - slack / 2 <= threshold
        spreads[kept] += spreads[gone] + sizes[kept] * sizes[gone] * heights[number] - usual_pairs * usual
        sizes[kept] += sizes[gone]
        if is_whole[kept]:
            merged_into[gone] = kept
    for group in range(count):  # those before it are done: it went into one of them, or is its own
        merged_into[group] = merged_into[merged_into[group]]
    return merged_into
