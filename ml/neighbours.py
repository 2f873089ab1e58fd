"""Finds all pairs of faces within a cosine distance of each other: exactly, and without ever holding all distances.

The rows are turned so that their first dimensions carry most of their length. The product of these dimensions alone,
plus the product of the lengths of what is left, is never less than the similarity (Cauchy and Schwarz). It costs half
of the arithmetic, and only the few pairs whose bound reaches the threshold are worked out in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers
from ml.compiled import compiled
from ml.device import Device, cores_available

ROWS_AT_ONCE = 2048  # of either side: bounds of 16 MB
SAMPLE = 1000  # rows by which it is decided how many dimensions the bound looks at
HEADS = (16, 32, 48, 64, 96)  # dimensions that it may look at; else all
# A pair worked out in full fetches two rows from anywhere: as dear as so many dimensions in a matrix product.
FULL_PAIR = 2000
ROUNDING = 1e-4  # that a bound in single precision may be too small by
LEAST_THRESHOLD = 1e-12  # above 0

Rows = NDArray[np.float32]
Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]  # of each pair the first row and the second
Report = Callable[[float], object]


def pairs_within(
    rows: Rows, *, threshold: float, device: Device = "cpu", report: Report = lambda share: None
) -> Iterator[Pairs]:
    """All pairs of rows within a cosine distance, piece by piece.

    Args:
        rows: shape (n, d), of unit length. n may be 0.
        threshold: cosine distance (0 same direction, 2 opposite), above 0.
        device: where to multiply.
        report: called with the share of the work that is done, from 0 to 1.

    Returns:
        Pieces, each arrays of equal length: of each pair the row that comes first and the other. No pair comes twice.

    Raises:
        ValueError: rows is not two-dimensional or holds what is no finite number, or threshold is not above 0.
    """
    rows = np.ascontiguousarray(checked_numbers("rows", rows, None, None), dtype=np.float32)
    checked_number("threshold", threshold, least=LEAST_THRESHOLD)
    starts = range(0, len(rows), ROWS_AT_ONCE)
    blocks = [(first, second) for first in starts for second in starts if second >= first]
    return _search(rows, rows, threshold, device, blocks, report)


def pairs_between(
    rows: Rows, others: Rows, *, threshold: float, device: Device = "cpu", report: Report = lambda share: None
) -> Iterator[Pairs]:
    """Like `pairs_within`, of a row and one of the others, shape (m, d).

    Raises:
        ValueError: as there; or the others have other dimensions.
    """
    rows = np.ascontiguousarray(checked_numbers("rows", rows, None, None), dtype=np.float32)
    others = np.ascontiguousarray(checked_numbers("others", others, None, rows.shape[1]), dtype=np.float32)
    checked_number("threshold", threshold, least=LEAST_THRESHOLD)
    starts, other_starts = (range(0, len(some), ROWS_AT_ONCE) for some in (rows, others))
    blocks = [(first, second) for first in starts for second in other_starts]
    return _search(rows, others, threshold, device, blocks, report)


def _search(
    rows: Rows, others: Rows, threshold: float, device: Device, blocks: list[tuple[int, int]], report: Report
) -> Iterator[Pairs]:
    if not blocks:
        return
    same = others is rows
    bound = _choose_bound(rows if len(rows) >= len(others) else others, threshold)
    heads = bound.heads(rows)
    multiply = _multiplier(device, heads, heads if same else bound.heads(others))
    with ThreadPoolExecutor(cores_available()) as threads:
        for number, (first, second) in enumerate(blocks):
            products = multiply(first, second)

            def look(
                lines: slice, products: Rows = products, first: int = first, second: int = second
            ) -> NDArray[np.int32]:
                return _near(products[lines], rows[first + lines.start :], others[second:], bound.least, threshold)

            parts = _parts(len(products), threads._max_workers)
            for lines, found in zip(parts, threads.map(look, parts), strict=True):
                one, other = found[:, 0] + np.int32(first + lines.start), found[:, 1] + np.int32(second)
                if same and first == second:
                    once = one < other
                    one, other = one[once], other[once]
                if len(one):
                    yield one, other
            report((number + 1) / len(blocks))


def _parts(count: int, parts: int) -> list[slice]:
    edges = [count * number // parts for number in range(parts + 1)]
    return [slice(begin, end) for begin, end in pairwise(edges) if end > begin]


# The bound


@dataclass(frozen=True, eq=False)
class _Bound:
    """axes: shape (d, k), the directions it looks at; least: the bound of pairs within the threshold is not below."""

    axes: Rows
    least: np.float32

    def heads(self, rows: Rows) -> Rows:
        """Shape (n, k + 1): products of two of these are bounds of the rows' similarity."""
        seen = rows @ self.axes
        left = np.maximum(np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", seen, seen), 0)
        return np.column_stack([seen, np.sqrt(left)]).astype(np.float32, copy=False)


def _choose_bound(rows: Rows, threshold: float) -> _Bound:
    """The number of dimensions at which the work on a sample of the rows is least."""
    dimensions = rows.shape[1]
    longest = float(np.einsum("ij,ij->i", rows, rows).max(initial=1))
    least = np.float32(1 - threshold - ROUNDING * longest)
    # Evenly over all, and not at random: the same rows are always searched in the same way.
    sample = rows[:: max(len(rows) // SAMPLE, 1)]
    axes = np.linalg.eigh(sample.T.astype(np.float64) @ sample)[1][:, ::-1].astype(np.float32)
    costs = {dimensions: float(dimensions)}
    for head in HEADS:
        if head < dimensions:
            heads = _Bound(axes[:, :head], least).heads(sample)
            costs[head] = head + FULL_PAIR * float((heads @ heads.T >= least).mean())
    return _Bound(np.ascontiguousarray(axes[:, : min(costs, key=lambda head: costs[head])]), least)


def _multiplier(device: Device, heads: Rows, others: Rows) -> Callable[[int, int], Rows]:
    """Products of the rows from one place on with the others from another place on, a block of each."""
    if device == "cpu":
        return lambda first, second: heads[first : first + ROWS_AT_ONCE] @ others[second : second + ROWS_AT_ONCE].T
    import torch

    return _on_gpu(torch.from_numpy(heads).to(device), torch.from_numpy(others).to(device))


def _on_gpu(heads: Any, others: Any) -> Callable[[int, int], Rows]:
    def multiply(first: int, second: int) -> Rows:
        products = heads[first : first + ROWS_AT_ONCE] @ others[second : second + ROWS_AT_ONCE].T
        found: Rows = products.cpu().numpy()
        return found

    return multiply


# Compiled loops


def _near(bounds: Rows, rows: Rows, others: Rows, least: np.float32, threshold: float) -> NDArray[np.int32]:
    """Places in the block, shape (n, 2), of the pairs within the threshold."""
    found: NDArray[np.int32] = _within(_reaching(bounds, least), rows, others, 1 - threshold)
    return found


@compiled("int32[:,::1](float32[:,::1], float32)")
def _reaching(bounds, least):  # type: ignore[no-untyped-def]
    """Places of the bounds that reach the least."""
    chunk = 64
    columns = bounds.shape[1]
    found = np.empty((1024, 2), dtype=np.int32)
    count = 0
    for row in range(len(bounds)):
        for begin in range(0, columns, chunk):
            # Counted first, which the processor does many at a time: most have none.
            some = bounds[row, begin : begin + chunk]
            reach = 0
            for value in some:
                reach += value >= least
            if reach == 0:
                continue
            if count + chunk > len(found):
                longer = np.empty((2 * len(found), 2), dtype=np.int32)
                longer[:count] = found[:count]
                found = longer
            for place in range(len(some)):
                if some[place] >= least:
                    found[count, 0], found[count, 1] = row, begin + place
                    count += 1
    return found[:count].copy()


@compiled("int32[:,::1](int32[:,::1], float32[:,::1], float32[:,::1], float64)")
def _within(places, rows, others, least):  # type: ignore[no-untyped-def]
    """Those whose similarity, in double precision and always summed up in the same order, reaches the least."""
    count = 0
    for number in range(len(places)):
        one, other = rows[places[number, 0]], others[places[number, 1]]
        similarity = 0.0
        for dimension in range(rows.shape[1]):
            similarity += np.float64(one[dimension]) * np.float64(other[dimension])
        if similarity >= least:
            places[count] = places[number]
            count += 1
    return places[:count].copy()
