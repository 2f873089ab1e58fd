"""Bounds of similarities in whole numbers, of which AVX2 multiplies four times as many at once as of floats.

Of a row a, h are the leading dimensions and t is what is left of it; s is a scale, q the whole numbers nearest to s h
(cut off at `PEAK`), and e = s h - q what rounding loses. Then for two rows

    s s (a . b) = (q + e) . (q' + e') + s s (t . t') = q . q' + e . q' + q . e' + (e . e' + s s (t . t'))

By Cauchy and Schwarz e . q' is at most |e| Q, where Q is the length of the longest q of all rows, and what stands in
parentheses, the product of (e, s t) and (e', s t'), at most half the sum of the squares of their lengths. So with the
slack of a row c = |e| Q + (|e|^2 + s s |t|^2) / 2, rounded up,

    s s (a . b) <= q . q' + c + c'

and no pair of rows whose similarity reaches `least` has q . q' + c + c' < s s least. What arithmetic in single
precision may be off by has to be taken off `least` beforehand.

Sums are kept in 16 bits, where they may run over on the way: only the last sum has to fit. The scale is so small that
none is too large, q . q' being at most (|q|^2 + |q'|^2) / 2. One too far below zero comes out as reaching the least:
such a pair is looked at in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.cpython.unsafe import numbers
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers
from ml.compiled import compiled
from ml.vectors import INDEX, WHOLE, Builder, Value, VectorCode, at, index, machine_code

SHORT = ir.IntType(16)
# Else the processor's own way to multiply bytes is not there, and it takes twice the time or more.
HAS_AVX2: bool = "+avx2" in cpu_target.target_context.codegen().magic_tuple()[2].split(",")
LANES = 16  # sums of one vector
LINES, WIDTH = 6, 2 * LANES  # rows of the one side and of the other worked out at once: 12 of AVX2's 16 registers
# Greatest whole number. The processor multiplies bytes from 0 with signed ones, so it is added to those of the one
# side, and adds up two products: 2 * PEAK * PEAK * 2 is still below MOST.
PEAK = 90
MOST = 2**15 - 1
# The rows are turned at random within the leading dimensions, so that no dimension has much more than its share; then
# so many times the usual number is rare.
RARE = 3.5
# Sums are likely to lie between these, in squares of the longest row; the scale is chosen so that they fit.
LOWEST, GREATEST = -0.5, 1.15
LESS = 0.8  # of a scale at which some do not
ROOM = 1.05  # for rows that come later: so many times as long in the leading dimensions as the longest there are
ROWS_AT_ONCE = 1 << 14  # while they are put into whole numbers

Rows = NDArray[np.float32]

_place_of_lowest_bit: Any = numbers.trailing_zeros


@dataclass(frozen=True, eq=False)
class Coarse:
    """Rows in whole numbers.

    digits: shape (n, k), k even: q. slack: shape (n,): c. least: what bounds have to reach.
    """

    digits: NDArray[np.int8]
    slack: NDArray[np.int64]
    least: int

    def lines(self, first: int, last: int) -> NDArray[np.int32]:
        """Some rows packed as the one side of `reaching`: shape (tiles, 1 + k / 2, `LINES`).

        Each number stands for two dimensions, twice: as it is spread over a vector.
        """
        raised = (self.digits[first:last] + np.int16(PEAK)).astype(np.uint8)
        words = np.column_stack([_wrapped(self.slack[first:last] - self.least), raised.view(np.uint16)])
        return _in_groups(words.astype(np.uint32) * np.uint32(0x10001), LINES).view(np.int32)

    def panels(self, first: int, last: int) -> NDArray[np.int16]:
        """Some rows packed as the other side: shape (panels, 1 + k / 2, `WIDTH`); each number is two dimensions."""
        digits = self.digits[first:last]
        # Takes off again what the other side is raised by.
        corrections = self.slack[first:last] - PEAK * digits.sum(axis=1, dtype=np.int64)
        return _in_groups(np.column_stack([_wrapped(corrections), digits.view(np.uint16)]), WIDTH).view(np.int16)

    def share_reaching(self) -> float:
        """The share of all pairs of these rows that reach the least. Of few rows: all products are held at once."""
        digits = self.digits.astype(np.float32)  # exact
        bounds = digits @ digits.T + (self.slack[:, None] + self.slack)
        return float((bounds >= self.least).mean())


@dataclass(frozen=True, eq=False)
class Frame:
    """How rows are put into whole numbers, so that those put in later compare with those from before.

    axes: shape (d, k), turned. scale: s. length: Q. least: what bounds have to reach.
    """

    axes: Rows
    scale: float
    length: float
    least: int

    def coarse(self, rows: Rows) -> Coarse | None:
        """Rows, shape (n, d), in whole numbers.

        None where they do not fit: a bound could be too low, or a sum run over.
        """
        parts = _in_whole_numbers(rows, self.axes, self.scale)
        is_fit = (parts.lengths <= self.length).all() and 2 * self._most(parts) + 1 - self.least <= MOST
        return self._coarse(parts) if is_fit else None

    def _coarse(self, parts: _Parts) -> Coarse:
        return Coarse(parts.digits, parts.slack(self.length), self.least)

    def _most(self, parts: _Parts) -> float:
        """Half of the greatest bound that a row has with one like itself."""
        return float((parts.lengths**2 / 2 + parts.slack(self.length)).max(initial=0))


def coarse_rows(sides: list[Rows], axes: Rows, least: float, longest: float) -> list[Coarse]:
    """Put rows into whole numbers, of all sides by the same scale.

    Args:
        sides: each of shape (n, d); n may be 0.
        axes: shape (d, k), directions at right angles to each other that the bound looks at.
        least: similarity that no pair wanted is below, with what single precision may be off by taken off.
        longest: square of the length of the longest row.
    """
    frame, parts = _framed(sides, axes, least, longest, 1)
    return [frame._coarse(part) for part in parts]


def frame_for(rows: Rows, axes: Rows, least: float, longest: float) -> Frame:
    """A frame for rows, shape (n, d), and others like them. Arguments as for `coarse_rows`.

    Raises:
        ValueError: rows or axes have another shape or hold what is no finite number, or least or longest is none.
    """
    rows = checked_numbers("rows", rows, None, None).astype(np.float32, copy=False)
    axes = checked_numbers("axes", axes, rows.shape[1], None).astype(np.float32, copy=False)
    checked_number("least", least)
    checked_number("longest", longest, least=0)
    return _framed([rows], axes, least, longest, ROOM)[0]


def _framed(sides: list[Rows], axes: Rows, least: float, longest: float, room: float) -> tuple[Frame, list[_Parts]]:
    turned = _turned(axes)
    span = max(GREATEST * longest - least, least - LOWEST * longest)
    scale = float(min(np.sqrt(0.9 * MOST / span), PEAK * np.sqrt(turned.shape[1] / longest) / RARE))
    while True:
        parts = [_in_whole_numbers(side, turned, scale) for side in sides]
        length = room * max(float(part.lengths.max(initial=0)) for part in parts)
        frame = Frame(turned, scale, length, int(np.floor(scale * scale * least)))
        halves = [frame._most(part) for part in parts]
        if room * (halves[0] + halves[-1]) + 1 - frame.least <= MOST:
            return frame, parts
        scale *= LESS


def _turned(axes: Rows) -> Rows:
    """Other axes of the same space, at random but always the same; one of zeros more where their number is odd."""
    count = axes.shape[1]
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((count, count)))[0]
    return np.pad(axes @ turn, ((0, 0), (0, count % 2))).astype(np.float32)


class _Parts(NamedTuple):
    """Of each row q, its length, that of e, and the square of that of (e, s t)."""

    digits: NDArray[np.int8]
    lengths: NDArray[np.float32]
    lost: NDArray[np.float32]
    left: NDArray[np.float32]

    def slack(self, length: float) -> NDArray[np.int64]:
        """c, where the longest q of all rows is so long."""
        return np.ceil(self.lost * length + self.left / 2).astype(np.int64)


def _in_whole_numbers(rows: Rows, axes: Rows, scale: float) -> _Parts:
    count = len(rows)
    parts = _Parts(
        np.empty((count, axes.shape[1]), dtype=np.int8), *(np.empty(count, dtype=np.float32) for _ in range(3))
    )
    for start in range(0, count, ROWS_AT_ONCE):
        these = slice(start, start + ROWS_AT_ONCE)
        some = np.float32(scale) * rows[these]
        heads = some @ axes
        digits = np.clip(np.rint(heads), -PEAK, PEAK)
        lost = _squares(heads - digits)
        parts.digits[these] = digits
        parts.lengths[these] = np.sqrt(_squares(digits))
        parts.lost[these] = np.sqrt(lost)
        parts.left[these] = lost + np.maximum(_squares(some) - _squares(heads), 0)
    return parts


def _squares(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", rows, rows)
    return squares


def _wrapped(numbers: NDArray[np.int64]) -> NDArray[np.uint16]:
    return numbers.astype(np.uint16)


def _in_groups(words: NDArray[np.unsignedinteger], size: int) -> NDArray[np.unsignedinteger]:
    """Shape (n, k) as (groups, k, size), zeros at the end."""
    filled = np.pad(words, ((0, -len(words) % size), (0, 0)))
    return np.ascontiguousarray(filled.reshape(-1, size, words.shape[1]).swapaxes(1, 2))


# Compiled loops


def _write_marks(
    builder: Builder, tiles: Value, tile: Value, panels: Value, panel: Value, steps: Value, marks: Value
) -> None:
    """One number for each of a tile's lines: its bits say which of a panel's rows reach the least with it."""
    lines = at(builder, tiles, builder.mul(tile, builder.mul(steps, index(LINES))))
    rows = at(builder, panels, builder.mul(panel, builder.mul(steps, index(WIDTH))))
    marks = at(builder, marks, builder.mul(tile, index(LINES)))
    code, words = VectorCode(builder, SHORT, LANES), VectorCode(builder, WHOLE, LANES // 2)
    parts = range(0, WIDTH, LANES)

    def spread(words_of: Value, line: int) -> Value:
        return builder.bitcast(words.spread(builder.load(at(builder, words_of, line))), code.type)

    starts = [code.load(rows, part) for part in parts]
    sums = [[code.variable(builder.add(spread(lines, line), start)) for start in starts] for line in range(LINES)]
    with cgutils.for_range_slice(builder, index(1), steps, index(1), INDEX) as (step, _):
        words_now = at(builder, lines, builder.mul(step, index(LINES)))
        place = at(builder, rows, builder.mul(step, index(WIDTH)))
        numbers = [code.load(place, part) for part in parts]
        for line, totals in enumerate(sums):
            raised = spread(words_now, line)
            for number, total in zip(numbers, totals, strict=True):
                builder.store(builder.add(builder.load(total), _products(builder, raised, number)), total)
    everywhere = ir.Constant(ir.VectorType(WHOLE, WIDTH), list(range(WIDTH)))
    for line, totals in enumerate(sums):
        below = [builder.icmp_signed("<", builder.load(total), code.zero) for total in totals]
        mark = builder.bitcast(builder.shuffle_vector(*below, everywhere), WHOLE)
        builder.store(builder.not_(mark), at(builder, marks, line))


def _products(builder: Builder, raised: Value, signed: Value) -> Value:
    """Of each lane's two bytes, from 0 in the one vector and signed in the other, the sum of both products."""
    if HAS_AVX2:
        of_bytes = ir.VectorType(ir.IntType(8), 2 * LANES)
        signature = ir.FunctionType(raised.type, [of_bytes, of_bytes])
        multiply = cgutils.get_or_insert_function(builder.module, signature, "llvm.x86.avx2.pmadd.ub.sw")
        return builder.call(multiply, [builder.bitcast(factor, of_bytes) for factor in (raised, signed)])
    byte = ir.Constant(raised.type, [8] * LANES)
    lower = builder.mul(builder.lshr(builder.shl(raised, byte), byte), builder.ashr(builder.shl(signed, byte), byte))
    return builder.add(lower, builder.mul(builder.lshr(raised, byte), builder.ashr(signed, byte)))


_mark_tile = machine_code(_write_marks)


@compiled("int32[:,::1](int32[:,:,::1], int64, int16[:,:,::1], int64)")
def reaching(tiles, lines, panels, count):  # type: ignore[no-untyped-def]
    """Places, shape (n, 2), of so many packed lines and so many rows packed in panels whose bound reaches the least."""
    found = np.empty((lines * WIDTH, 2), dtype=np.int32)
    used = 0
    marks = np.empty(len(tiles) * LINES, dtype=np.uint32)
    for panel in range(len(panels)):
        first = panel * WIDTH
        for tile in range(len(tiles)):
            _mark_tile(tiles, tile, panels, panel, tiles.shape[1], marks)
        if used + lines * WIDTH > len(found):
            longer = np.empty((2 * len(found) + lines * WIDTH, 2), dtype=np.int32)
            longer[:used] = found[:used]
            found = longer
        for line in range(lines):
            mark = marks[line]
            while mark:
                other = first + _place_of_lowest_bit(mark)
                mark &= mark - np.uint32(1)
                if other < count:
                    found[used, 0], found[used, 1] = line, other
                    used += 1
    return found[:used].copy()
