"""Finds all pairs of faces within a cosine distance of each other: exactly, and without ever holding all distances.

The rows are turned so that their first dimensions carry most of their length. The product of these dimensions alone,
plus the product of the lengths of what is left, is never less than the similarity (Cauchy and Schwarz). It costs half
of the arithmetic, and only the few pairs whose bound reaches the threshold are worked out in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers
from ml.compiled import compiled
from ml.convolution import BLOCK, LANES, PARTS, PLACES, pack_layer, write_sums
from ml.device import Device, cores_available
from ml.vectors import FLOAT, Builder, Value, VectorCode, at, index, machine_code

ROWS_AT_ONCE, LINES_AT_ONCE = 2048, 256  # of the one side and the other
SAMPLE = 1000  # rows by which it is decided how many dimensions the bound looks at
HEADS = (16, 32, 48, 64, 96)  # dimensions that it may look at; else all
# A pair worked out in full fetches two rows from anywhere: as dear as so many dimensions in a matrix product.
FULL_PAIR = 1000
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
    reaching = _comparer(device, heads, heads if same else bound.heads(others), bound.least)

    def look(first: int, last: int, second: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = _within(
            reaching(slice(first, last), second), rows[first:], others[second:], 1 - threshold, bound.doubt
        )
        found += np.array([first, second], dtype=np.int32)
        return found[found[:, 0] < found[:, 1]] if same and second < last else found

    with ThreadPoolExecutor(cores_available()) as threads:
        for number, (first, second) in enumerate(blocks):
            edges = [*range(first, min(first + ROWS_AT_ONCE, len(rows)), LINES_AT_ONCE)]
            edges.append(min(first + ROWS_AT_ONCE, len(rows)))
            for found in threads.map(look, edges[:-1], edges[1:], [second] * len(edges)):
                if len(found):
                    yield found[:, 0].copy(), found[:, 1].copy()
            report((number + 1) / len(blocks))


# The bound


@dataclass(frozen=True, eq=False)
class _Bound:
    """axes: shape (d, k), the directions it looks at; least: the bound of pairs within the threshold is not below.

    doubt: that a similarity in single precision may be off by.
    """

    axes: Rows
    least: np.float32
    doubt: float

    def heads(self, rows: Rows) -> Rows:
        """Shape (n, k + 1): products of two of these are bounds of the rows' similarity."""
        seen = rows @ self.axes
        left = np.maximum(np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", seen, seen), 0)
        return np.column_stack([seen, np.sqrt(left)]).astype(np.float32, copy=False)


def _choose_bound(rows: Rows, threshold: float) -> _Bound:
    """The number of dimensions at which the work on a sample of the rows is least."""
    dimensions = rows.shape[1]
    longest = float(np.einsum("ij,ij->i", rows, rows).max(initial=1))
    doubt = ROUNDING * longest
    least = np.float32(1 - threshold - doubt)
    # Evenly over all, and not at random: the same rows are always searched in the same way.
    sample = rows[:: max(len(rows) // SAMPLE, 1)]
    axes = np.linalg.eigh(sample.T.astype(np.float64) @ sample)[1][:, ::-1].astype(np.float32)
    costs = {dimensions: float(dimensions)}
    for head in HEADS:
        if head < dimensions:
            heads = _Bound(axes[:, :head], least, doubt).heads(sample)
            costs[head] = head + FULL_PAIR * float((heads @ heads.T >= least).mean())
    return _Bound(np.ascontiguousarray(axes[:, : min(costs, key=lambda head: costs[head])]), least, doubt)


def _comparer(
    device: Device, heads: Rows, others: Rows, least: np.float32
) -> Callable[[slice, int], NDArray[np.int32]]:
    """Finds, of some rows and `ROWS_AT_ONCE` others from a place on, those whose product reaches the least: (n, 2)."""
    if device != "cpu":
        return _on_gpu(device, heads, others, least)
    starts = range(0, len(others), ROWS_AT_ONCE)
    # As the kernels of a layer: for so few dimensions that is quicker than a matrix product, and no product is stored.
    packed = {start: _as_kernels(others[start : start + ROWS_AT_ONCE]) for start in starts}

    def compare(lines: slice, second: int) -> NDArray[np.int32]:
        found: NDArray[np.int32] = _reaching(
            heads[lines], packed[second], min(ROWS_AT_ONCE, len(others) - second), least
        )
        return found

    return compare


def _as_kernels(rows: Rows) -> Rows:
    return pack_layer(rows[:, :, None, None], np.zeros(len(rows), dtype=np.float32)).kernels


def _on_gpu(device: Device, heads: Rows, others: Rows, least: np.float32) -> Callable[[slice, int], NDArray[np.int32]]:
    import torch

    these, those = (torch.from_numpy(some).to(device) for some in (heads, others))

    def compare(lines: slice, second: int) -> NDArray[np.int32]:
        products = these[lines] @ those[second : second + ROWS_AT_ONCE].T
        found = torch.nonzero(products >= float(least)).int().cpu().numpy()
        return np.ascontiguousarray(found)

    return compare


# Compiled loops


def _write_marks(
    places: int, builder: Builder, rows: Value, starts: Value, run: Value, kernels: Value, least: Value, marks: Value
) -> None:
    """One number for each place: its bits say which of a block's 16 sums are not below the least."""
    code = VectorCode(builder, FLOAT, LANES)
    sums = [[code.variable(code.zero) for _ in PARTS] for _ in range(places)]
    write_sums(code, builder, sums, rows, starts, index(0), index(1), run, kernels)
    for place, parts in enumerate(sums):
        mark = ir.Constant(ir.IntType(16), 0)
        for part, variable in zip(PARTS, parts, strict=True):
            bits = builder.bitcast(
                builder.fcmp_ordered(">=", builder.load(variable), code.spread(least)), ir.IntType(LANES)
            )
            mark = builder.or_(mark, builder.shl(builder.zext(bits, mark.type), ir.Constant(mark.type, part)))
        builder.store(mark, at(builder, marks, place))


_mark_places = machine_code(partial(_write_marks, PLACES))


@compiled("int32[:,::1](float32[:,::1], float32[:,:,::1], int64, float32)")
def _reaching(rows, kernels, count, least):  # type: ignore[no-untyped-def]
    """Places, shape (n, 2), of rows and of the `count` others packed as kernels whose product reaches the least."""
    found = np.empty((1024, 2), dtype=np.int32)
    used = 0
    lines = len(rows)
    floats = rows.reshape(-1)
    # Whole blocks of places; what is too much is the last row again.
    starts = np.minimum(np.arange(-(-lines // PLACES) * PLACES), lines - 1) * rows.shape[1]
    marks = np.empty(len(starts), dtype=np.uint16)
    for block in range(len(kernels)):
        taps = kernels[block].reshape(-1)
        for line in range(0, len(starts), PLACES):
            _mark_places(floats, starts[line:], rows.shape[1], taps, least, marks[line:])
        if used + lines * BLOCK > len(found):
            longer = np.empty((2 * len(found) + lines * BLOCK, 2), dtype=np.int32)
            longer[:used] = found[:used]
            found = longer
        for line in range(lines):
            mark = marks[line]
            if mark:
                for other in range(block * BLOCK, min(block * BLOCK + BLOCK, count)):
                    if mark >> (other - block * BLOCK) & 1:
                        found[used, 0], found[used, 1] = line, other
                        used += 1
    return found[:used].copy()


def _write_products(builder: Builder, one: Value, other: Value, vectors: Value, sums: Value) -> None:
    """Eight sums of the products of two rows."""
    code = VectorCode(builder, FLOAT, LANES)
    total = code.variable(code.zero)
    with cgutils.for_range(builder, vectors) as vector:
        place = builder.mul(vector.index, index(LANES))
        factors = code.load(one, place), code.load(other, place)
        builder.store(code.multiply_add(*factors, builder.load(total)), total)
    code.store(builder.load(total), sums, 0)


_add_products = machine_code(_write_products)


@compiled("float64(float32[::1], float32[::1])")
def _similarity(one, other):  # type: ignore[no-untyped-def]
    """In double precision and always summed up in the same order: a pair is a pair, whatever else is compared."""
    similarity = 0.0
    for place in range(len(one)):
        similarity += np.float64(one[place]) * np.float64(other[place])
    return similarity


@compiled("int32[:,::1](int32[:,::1], float32[:,::1], float32[:,::1], float64, float64)")
def _within(places, rows, others, least, doubt):  # type: ignore[no-untyped-def]
    """Those whose similarity reaches the least; in double precision where single precision leaves a doubt."""
    count = 0
    sums = np.empty(LANES, dtype=np.float32)
    vectors = rows.shape[1] // LANES
    for number in range(len(places)):
        one, other = rows[places[number, 0]], others[places[number, 1]]
        _add_products(one, other, vectors, sums)
        rough = np.float64(sums.sum())
        for place in range(vectors * LANES, rows.shape[1]):
            rough += np.float64(one[place] * other[place])
        if rough < least - doubt or (rough < least + doubt and _similarity(one, other) < least):
            continue
        places[count] = places[number]
        count += 1
    return places[:count].copy()
