"""Finds all pairs of faces within a cosine distance of each other: exactly, and without ever holding all distances.

The rows are turned so that their first dimensions carry most of their length. The product of these dimensions alone,
plus the product of the lengths of what is left, is never less than the similarity (Cauchy and Schwarz). It costs half
of the arithmetic, a CPU does it in whole numbers (`ml.coarse`), and only the few pairs whose bound reaches the
threshold are worked out in full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce

import numpy as np
from numba.core import cgutils
from numpy.typing import ArrayLike, NDArray

from ml.arguments import checked_count, checked_number, checked_numbers, checked_places
from ml.coarse import coarse_rows, reaching
from ml.compiled import compiled
from ml.device import Device, cores_available
from ml.vectors import FLOAT, Builder, Value, VectorCode, at, index, machine_code

ROWS_AT_ONCE = 2048  # of each side
SAMPLE = 1000  # rows by which it is decided how many dimensions the bound looks at
HEADS = (16, 32, 40, 48, 56, 64, 72, 80, 96)  # dimensions that it may look at; else all
# A pair worked out in full fetches two rows from anywhere: as dear as so many dimensions of the bound.
FULL_PAIR, FULL_PAIR_ON_GPU = 4000, 1000
LANES, AT_ONCE = 8, 32  # floats of one vector, and of those multiplied side by side
FEW_PAIRS = 8_000_000  # that are worked out sooner than it is found out how
ROUNDING = 1e-4  # that a bound in single precision may be too small by
LEAST_THRESHOLD = 1e-12  # above 0

Rows = NDArray[np.float32]
Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]  # of each pair the first row and the second
Report = Callable[[float], object]
# Of `ROWS_AT_ONCE` rows from a place on and as many others, the places, shape (n, 2), whose bound reaches the least.
Reaching = Callable[[int, int], NDArray[np.int32]]


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
    sides = [rows] if same else [rows, others]
    longest = max(1.0, *(float(np.einsum("ij,ij->i", side, side).max(initial=1)) for side in sides))
    doubt = ROUNDING * longest
    if device == "cpu" and len(rows) * len(others) <= FEW_PAIRS:
        reaching = _all_of_few(rows, others, 1 - threshold - doubt)
    elif device == "cpu":
        reaching = _on_cpu(sides, 1 - threshold - doubt, longest)
    else:
        reaching = _on_gpu(device, sides, 1 - threshold - doubt)

    def look(first: int, second: int) -> NDArray[np.int32]:
        found = reaching(first, second)
        if same and first == second:
            found = found[found[:, 0] < found[:, 1]]
        return within(found, rows, others, first, second, 1 - threshold, doubt)

    for number, found in enumerate(in_order(look, blocks)):
        if found.size:
            yield found[0], found[1]
        report((number + 1) / len(blocks))


def in_order(look: Callable[[int, int], NDArray[np.int32]], blocks: ArrayLike) -> Iterator[NDArray[np.int32]]:
    """What is found in each block, by a thread on each core.

    Args:
        look: called with the places where a block begins.
        blocks: shape (n, 2), these places.

    Raises:
        ValueError: blocks has another shape, or a place is below 0.
    """
    return _looked_at(look, checked_places("blocks", blocks, None, 2).tolist())


def _looked_at(look: Callable[[int, int], NDArray[np.int32]], blocks: list[list[int]]) -> Iterator[NDArray[np.int32]]:
    """Threads are kept busy, but not so far ahead that results pile up."""
    ahead: deque[Future[NDArray[np.int32]]] = deque()
    with ThreadPoolExecutor(cores_available()) as threads:
        for block in blocks:
            ahead.append(threads.submit(look, *block))
            if len(ahead) > 2 * cores_available():
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def within(
    places: NDArray[np.int32], rows: Rows, others: Rows, first: int, second: int, least: float, doubt: float
) -> NDArray[np.int32]:
    """Those of some pairs whose similarity reaches the least.

    Args:
        places: shape (n, 2), of a row and one of the others, counted from a first one and from a second.
        rows, others: shape (m, d) and (k, d), of finite numbers, which is not looked at: of all rows of a library some
            pairs are asked about again and again.
        least: similarity, worked out in double precision where single is less than `doubt` off.

    Returns:
        Shape (2, n): the places, counted from 0.

    Raises:
        ValueError: an argument has another shape, or a place is not there.
    """
    if not rows.ndim == others.ndim == 2 or rows.shape[1] != others.shape[1]:
        raise ValueError(f"rows and others must have the shapes (m, d) and (k, d), not {rows.shape} and {others.shape}")
    if not rows.dtype == others.dtype == np.float32:
        raise ValueError(f"rows and others must be in single precision, not {rows.dtype} and {others.dtype}")
    checked_number("least", least)
    checked_number("doubt", doubt, least=0)
    ends = len(rows) - checked_count("first", first, least=0), len(others) - checked_count("second", second, least=0)
    checked = checked_places("places", places, None, 2)
    if len(checked) and (checked.max(axis=0) >= ends).any():
        raise ValueError("places must be of rows and others that are there, counted from first and second")
    found: NDArray[np.int32] = _within(checked.astype(np.int32), rows, others, first, second, least, doubt)
    return found


# The bound


def _axes(sides: list[Rows]) -> tuple[Rows, Rows]:
    """A sample of the rows, and directions at right angles, shape (d, d): first those that it is longest in."""
    rows = max(sides, key=len)
    # Evenly over all, and not at random: the same rows are always searched in the same way.
    sample = rows[:: max(len(rows) // SAMPLE, 1)]
    return sample, np.linalg.eigh(sample.T.astype(np.float64) @ sample)[1][:, ::-1].astype(np.float32)


def _cheapest(dimensions: int, full_pair: float, share_reaching: Callable[[int], float]) -> int:
    """The number of dimensions at which the work on a sample of the rows is least."""
    costs: dict[int, float] = {}
    for head in (*(head for head in HEADS if head < dimensions), dimensions):
        if head < min(costs.values(), default=np.inf):
            costs[head] = head + full_pair * share_reaching(head)
    return min(costs, key=lambda head: costs[head])


def _all_of_few(rows: Rows, others: Rows, least: float) -> Reaching:
    def compare(first: int, second: int) -> NDArray[np.int32]:
        products = rows[first : first + ROWS_AT_ONCE] @ others[second : second + ROWS_AT_ONCE].T
        return np.stack(np.nonzero(products >= least), axis=1).astype(np.int32)

    return compare


def bound_axes(rows: Rows, least: float, longest: float, full_pair: float = FULL_PAIR) -> Rows:
    """The directions, shape (d, k), that a bound in whole numbers is to look at; as for `ml.coarse.coarse_rows`.

    full_pair: as dear as so many dimensions of the bound is a pair worked out in full.

    Raises:
        ValueError: rows is not two-dimensional or holds what is no finite number, or a number is none.
    """
    rows = checked_numbers("rows", rows, None, None).astype(np.float32, copy=False)
    checked_number("least", least)
    checked_number("longest", longest, least=0)
    checked_number("full_pair", full_pair, least=0)
    if not len(rows):
        return np.eye(rows.shape[1], dtype=np.float32)
    sample, axes = _axes([rows])

    def share_reaching(head: int) -> float:
        return coarse_rows([sample], axes[:, :head], least, longest)[0].share_reaching()

    return axes[:, : _cheapest(sample.shape[1], full_pair, share_reaching)]


def _on_cpu(sides: list[Rows], least: float, longest: float) -> Reaching:
    coarse = coarse_rows(sides, bound_axes(max(sides, key=len), least, longest), least, longest)
    lines, panels = (
        {start: pack(start, start + ROWS_AT_ONCE) for start in range(0, len(side), ROWS_AT_ONCE)}
        for pack, side in ((coarse[0].lines, sides[0]), (coarse[-1].panels, sides[-1]))
    )
    counts = [len(side) for side in sides]

    def compare(first: int, second: int) -> NDArray[np.int32]:
        sizes = min(ROWS_AT_ONCE, counts[0] - first), min(ROWS_AT_ONCE, counts[-1] - second)
        found: NDArray[np.int32] = reaching(lines[first], sizes[0], panels[second], sizes[1])
        return found

    return compare


def _on_gpu(device: Device, sides: list[Rows], least: float) -> Reaching:
    import torch

    sample, axes = _axes(sides)

    def share_reaching(head: int) -> float:
        heads = _heads(sample, axes[:, :head])
        return float((heads @ heads.T >= least).mean())

    head = _cheapest(sample.shape[1], FULL_PAIR_ON_GPU, share_reaching)
    heads = [torch.from_numpy(_heads(side, axes[:, :head])).to(device) for side in sides]

    def compare(first: int, second: int) -> NDArray[np.int32]:
        products = heads[0][first : first + ROWS_AT_ONCE] @ heads[-1][second : second + ROWS_AT_ONCE].T
        found = torch.nonzero(products >= least).int().cpu().numpy()
        return np.ascontiguousarray(found)

    return compare


def _heads(rows: Rows, axes: Rows) -> Rows:
    """Shape (n, k + 1): products of two of these are bounds of the rows' similarity."""
    seen = rows @ axes
    left = np.maximum(np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", seen, seen), 0)
    return np.column_stack([seen, np.sqrt(left)]).astype(np.float32, copy=False)


# Compiled loops


def _write_product(
    builder: Builder, rows: Value, start: Value, others: Value, other_start: Value, steps: Value, product: Value
) -> None:
    """The product of so many times `AT_ONCE` numbers of the one and of the other."""
    code = VectorCode(builder, FLOAT, LANES)
    one, other = at(builder, rows, start), at(builder, others, other_start)
    sums = [code.variable(code.zero) for _ in range(0, AT_ONCE, LANES)]  # each waits for itself only
    with cgutils.for_range(builder, steps) as step:
        place = builder.mul(step.index, index(AT_ONCE))
        for number, total in enumerate(sums):
            part = builder.add(place, index(number * LANES))
            added = code.multiply_add(code.load(one, part), code.load(other, part), builder.load(total))
            builder.store(added, total)
    first, *others = (builder.load(total) for total in sums)
    builder.store(code.sum(reduce(builder.fadd, others, first)), product)


_multiply = machine_code(_write_product)


@compiled("float64(float32[::1], float32[::1])")
def _similarity(one, other):  # type: ignore[no-untyped-def]
    """In double precision and always summed up in the same order: a pair is a pair, whatever else is compared."""
    similarity = 0.0
    for place in range(len(one)):
        similarity += np.float64(one[place]) * np.float64(other[place])
    return similarity


@compiled("int32[:,::1](int32[:,::1], float32[:,::1], float32[:,::1], int64, int64, float64, float64)")
def _within(places, rows, others, first, second, least, doubt):  # type: ignore[no-untyped-def]
    found = np.empty((2, len(places)), dtype=np.int32)
    count = 0
    product = np.empty(1, dtype=np.float32)
    steps = rows.shape[1] // AT_ONCE
    for number in range(len(places)):
        place, other_place = first + places[number, 0], second + places[number, 1]
        _multiply(rows, place * rows.shape[1], others, other_place * rows.shape[1], steps, product)
        rough = np.float64(product[0])
        for rest in range(steps * AT_ONCE, rows.shape[1]):
            rough += np.float64(rows[place, rest] * others[other_place, rest])
        if rough < least - doubt or (rough < least + doubt and _similarity(rows[place], others[other_place]) < least):
            continue
        found[0, count], found[1, count] = place, other_place
        count += 1
    return found[:, :count].copy()
