"""Convolutions of MTCNN's size, compiled: on a processor quicker than in OpenVINO.

MTCNN's layers have 3 to 64 channels and 3 x 3 places or fewer, so a matrix product is over before it has got going, and
the photo's and the batch's size is new every time, for which OpenVINO prepares itself anew. Here a block of five places
and 16 channels stays in the processor's registers from the first product to the last: as fast as the processor can
multiply, at any size.

Maps have the shape (n, height, width, channels), so that what a kernel sees of one row lies side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numba.core import cgutils
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_numbers
from ml.compiled import compiled
from ml.vectors import FLOAT, Builder, Value, VectorCode, at, index, machine_code

LANES = 8  # floats of one vector, of which a block has two for each of its places: ten of AVX2's sixteen registers
BLOCK = 16  # channels worked out at once
PARTS = range(0, BLOCK, LANES)  # where a block's vectors begin
PLACES = 5  # places worked out at once

Maps = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution and the PReLU after it, packed for `convolve`.

    kernels: shape (blocks, height * width * channels in, 16). biases, slopes: shape (blocks * 16,), with zeros for
    channels that are only there to fill the last block. height, width: of the kernel. channels: given out.
    """

    kernels: NDArray[np.float32]
    biases: NDArray[np.float32]
    slopes: NDArray[np.float32]
    height: int
    width: int
    channels: int

    def __post_init__(self) -> None:
        # Compiled loops check nothing, and would read beyond the end.
        checked_count("height", self.height)
        checked_count("width", self.width)
        checked_count("channels", self.channels)
        blocks = -(-self.channels // BLOCK)
        taps = checked_numbers("kernels", self.kernels, blocks, None, BLOCK).shape[1]
        if not taps or taps % (self.height * self.width):
            raise ValueError(f"kernels must have as many taps as {self.height} x {self.width} places, not {taps}")
        checked_numbers("biases", self.biases, blocks * BLOCK)
        checked_numbers("slopes", self.slopes, blocks * BLOCK)


def pack_layer(
    kernels: NDArray[np.float32], biases: NDArray[np.float32], slopes: NDArray[np.float32] | None = None
) -> Layer:
    """Bring a layer's weights into the order of the arithmetic.

    Args:
        kernels: shape (channels out, channels in, height, width), torch's order.
        biases: shape (channels out,).
        slopes: of PReLU, shape (channels out,); none for a layer without.

    Raises:
        ValueError: kernels, biases or slopes has another shape, no numbers, or some that are not finite.
    """
    channels, _, height, width = checked_numbers("kernels", kernels, None, None, None, None).shape
    checked_numbers("biases", biases, channels)
    given = checked_numbers("slopes", slopes, channels) if slopes is not None else np.ones(channels)
    blocks = -(-channels // BLOCK)
    filled = ((0, blocks * BLOCK - channels),)
    taps = np.pad(kernels.transpose(2, 3, 1, 0).reshape(-1, channels), ((0, 0), *filled))
    return Layer(
        kernels=np.ascontiguousarray(taps.reshape(-1, blocks, BLOCK).swapaxes(0, 1), dtype=np.float32),
        biases=np.pad(biases, filled).astype(np.float32),
        slopes=np.pad(given, filled).astype(np.float32),
        height=height,
        width=width,
        channels=channels,
    )


def convolve(maps: Maps, layer: Layer, *, stride: int = 1, out: Maps | None = None) -> Maps:
    """Apply a layer without padding.

    Args:
        maps: shape (n, height, width, channels in).
        stride: work out only every so manieth place in both directions.
        out: memory for the result; its channels are a multiple of 16.

    Returns:
        Shape (n, height out, width out, channels out).

    Raises:
        ValueError: maps are of another shape or smaller than the kernel, stride is no whole number from 1, or out is
            not such an array in single precision.
    """
    checked_count("stride", stride)
    maps = _usable("maps", maps, 4)
    rows, columns = ((side - 1) // stride + 1 for side in sides_after(maps, layer))
    filled = _room(out, (len(maps), rows, columns, len(layer.biases)))
    _convolve(maps, layer.kernels, layer.biases, layer.slopes, layer.height, layer.width, stride, filled)
    return filled[..., : layer.channels]


def convolve_and_pool(maps: Maps, layer: Layer, square: int, *, out: Maps | None = None) -> Maps:
    """Apply a layer without padding, then take the greatest of every second square in both directions.

    Args:
        maps: shape (n, height, width, channels in).
        square: side of the squares, 2 or 3; at the edge they may be cut off.
        out: memory for the result.

    Returns:
        Shape (n, height out, width out, channels out).

    Raises:
        ValueError: maps are of another shape or smaller than the kernel and a square, square is neither 2 nor 3, or out
            is not such an array in single precision.
    """
    if square not in (2, 3):
        raise ValueError(f"square must be 2 or 3, not {square}")
    maps = _usable("maps", maps, 4)
    rows, columns = (pooled_side(side, square) for side in sides_after(maps, layer))
    if min(rows, columns) < 1:
        raise ValueError(f"maps of shape {maps.shape} have no square of {square}")
    pooled = _room(out, (len(maps), rows, columns, layer.channels))
    _convolve_and_pool(maps, layer.kernels, layer.biases, layer.slopes, layer.height, layer.width, square, pooled)
    return pooled


def convolve_rows(rows: NDArray[np.float32], layer: Layer) -> NDArray[np.float32]:
    """Apply a layer to maps of the kernel's size, each written as one row; a dense layer is that, too.

    Args:
        rows: shape (n, height * width * channels in).

    Returns:
        Shape (n, channels out).

    Raises:
        ValueError: rows has another shape.
    """
    taps = layer.kernels.shape[1]
    rows = _usable("rows", rows, 2)
    if rows.shape[1] != taps:
        raise ValueError(f"rows must have the shape (n, {taps}), not {rows.shape}")
    made = np.empty((len(rows), len(layer.biases)), dtype=np.float32)
    starts = np.arange(len(rows)) * taps
    _work_out(rows.reshape(-1), starts, 0, 1, taps, layer.kernels, layer.biases, layer.slopes, made)
    return made[:, : layer.channels]


def pooled_side(side: int, square: int) -> int:
    """How many squares there are along a side, every second one and those cut off at the end included."""
    return -((square - side) // 2) + 1


def sides_after(maps: Maps, layer: Layer) -> tuple[int, int]:
    """Height and width of what a layer makes of maps.

    Raises:
        ValueError: maps are of another shape, or smaller than the kernel.
    """
    channels = layer.kernels.shape[1] // (layer.height * layer.width)
    if maps.ndim != 4 or maps.shape[3] != channels or maps.shape[1] < layer.height or maps.shape[2] < layer.width:
        least = f"(n, {layer.height} or more, {layer.width} or more, {channels})"
        raise ValueError(f"maps must have the shape {least}, not {maps.shape}")
    return maps.shape[1] - layer.height + 1, maps.shape[2] - layer.width + 1


def _usable(name: str, values: NDArray[np.floating], dimensions: int) -> NDArray[np.float32]:
    """As compiled loops want it: side by side in memory, in single precision, which costs nothing where it is."""
    if not isinstance(values, np.ndarray) or values.ndim != dimensions or values.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be numbers in {dimensions} dimensions")
    return np.require(values, np.float32, ["C", "W"])


def _room(out: Maps | None, shape: tuple[int, ...]) -> Maps:
    if out is None:
        return np.empty(shape, dtype=np.float32)
    if out.shape != shape or out.dtype != np.float32 or not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError(f"out must be in single precision, of the shape {shape}, not {out.dtype} {out.shape}")
    return out


def _write_block(
    places: int, builder: Builder, maps: Value, starts: Value, row_step: Value, height: Value, run: Value,
    kernels: Value, biases: Value, slopes: Value, out: Value, out_step: Value,
) -> None:  # fmt: skip
    """`BLOCK` channels at so many places; arguments as of `_work_out`, but arrays from the block's first float on."""
    code = VectorCode(builder, FLOAT, LANES)
    sums = [[code.variable(code.load(biases, part)) for part in PARTS] for _ in range(places)]
    _write_sums(code, builder, sums, maps, starts, row_step, height, run, kernels)
    for place, parts in enumerate(sums):
        line = at(builder, out, builder.mul(out_step, index(place)))
        for part, variable in zip(PARTS, parts, strict=True):
            total = builder.load(variable)
            lowered = builder.fmul(total, code.load(slopes, part))
            code.store(builder.select(builder.fcmp_ordered(">", total, code.zero), total, lowered), line, part)


def _write_sums(
    code: VectorCode, builder: Builder, sums: list[list[Value]], maps: Value, starts: Value, row_step: Value,
    height: Value, run: Value, kernels: Value,
) -> None:  # fmt: skip
    """Machine code that adds a block's products to sums, vectors of `PARTS` for each place.

    For each row of the kernel and each number of that row: its weights times the number at each place.
    """
    corners = [at(builder, maps, builder.load(at(builder, starts, place))) for place in range(len(sums))]
    block = index(BLOCK)
    with cgutils.for_range(builder, height) as row:
        lines = [at(builder, corner, builder.mul(row.index, row_step)) for corner in corners]
        taps = at(builder, kernels, builder.mul(builder.mul(row.index, run), block))
        with cgutils.for_range(builder, run) as tap:
            weights = at(builder, taps, builder.mul(tap.index, block))
            numbers = [code.spread(builder.load(at(builder, line, tap.index))) for line in lines]
            for number, part in enumerate(PARTS):
                weight = code.load(weights, part)
                for place, parts in enumerate(sums):
                    added = code.multiply_add(weight, numbers[place], builder.load(parts[number]))
                    builder.store(added, parts[number])


_many_places, _one_place = (machine_code(partial(_write_block, places)) for places in (PLACES, 1))


@compiled(
    "void(float32[::1], int64[::1], int64, int64, int64, float32[:,:,::1], float32[::1], float32[::1], float32[:,::1])"
)
def _work_out(maps, starts, row_step, height, run, kernels, biases, slopes, out):  # type: ignore[no-untyped-def]
    """Fill out, shape (places, channels), from the places that start at these floats of the maps."""
    count, channels = out.shape
    floats = out.reshape(-1)
    for block in range(len(kernels)):
        first = block * BLOCK
        taps = kernels[block].reshape(-1)
        if count < PLACES:
            for place in range(count):
                _one_place(
                    maps, starts[place:], row_step, height, run, taps, biases[first:], slopes[first:],
                    floats[place * channels + first :], channels,
                )  # fmt: skip
        else:
            for begin in range(0, count, PLACES):
                place = min(begin, count - PLACES)  # the last block overlaps the one before
                _many_places(
                    maps, starts[place:], row_step, height, run, taps, biases[first:], slopes[first:],
                    floats[place * channels + first :], channels,
                )  # fmt: skip


@compiled(
    "void(float32[:,:,:,::1], float32[:,:,::1], float32[::1], float32[::1], int64, int64, int64, float32[:,:,:,::1])"
)
def _convolve(maps, kernels, biases, slopes, height, width, stride, out):  # type: ignore[no-untyped-def]
    _, _, map_width, channels = maps.shape
    rows, columns = out.shape[1:3]
    starts = np.empty(rows * columns, dtype=np.int64)
    for row in range(rows):
        for column in range(columns):
            starts[row * columns + column] = (row * map_width + column) * stride * channels
    for number in range(len(maps)):
        _work_out(
            maps[number].reshape(-1), starts, map_width * channels, height, width * channels, kernels, biases, slopes,
            out[number].reshape((rows * columns, out.shape[3])),
        )  # fmt: skip


@compiled("void(float32[::1], float32[::1], float32[::1], float32[::1])")
def _greatest(first, second, third, greatest):  # type: ignore[no-untyped-def]
    for place in range(len(greatest)):
        some = first[place] if first[place] > second[place] else second[place]
        greatest[place] = some if some > third[place] else third[place]


@compiled("void(float32[:,:,::1], int64, int64, float32[:,:,::1], float32[:,::1])")
def _pool(lines, columns, square, scratch, pooled):  # type: ignore[no-untyped-def]
    """The greatest of each square of `square` columns and all lines, every second one; at the edge of what there is.

    Whole lines at once and every square, also those between: that is quicker than to pick out the ones wanted.
    """
    channels = lines.shape[2]
    tall, wide = scratch[0].reshape(-1), scratch[1].reshape(-1)
    floats = columns * channels
    last = len(lines) - 1
    _greatest(lines[0].reshape(-1), lines[min(1, last)].reshape(-1), lines[last].reshape(-1), tall[:floats])
    for column in range(columns, columns + square - 1):
        scratch[0, column] = scratch[0, columns - 1]
    _greatest(tall, tall[channels:], tall[(square - 1) * channels :], wide[:floats])
    for column in range(len(pooled)):
        for channel in range(pooled.shape[1]):
            pooled[column, channel] = scratch[1, 2 * column, channel]


@compiled(
    "void(float32[:,:,:,::1], float32[:,:,::1], float32[::1], float32[::1], int64, int64, int64, float32[:,:,:,::1])"
)
def _convolve_and_pool(maps, kernels, biases, slopes, height, width, square, out):  # type: ignore[no-untyped-def]
    """Row by row, so that what is pooled is still in the processor's cache."""
    _, map_height, map_width, channels = maps.shape
    rows, columns = map_height - height + 1, map_width - width + 1
    starts = np.arange(columns) * channels
    lines = np.empty((square, columns, len(biases)), dtype=np.float32)
    scratch = np.empty((2, columns + 2, len(biases)), dtype=np.float32)
    for number in range(len(maps)):
        floats = maps[number].reshape(-1)
        for pooled in range(out.shape[1]):
            ready = 0
            for line in range(min(square, rows - 2 * pooled)):
                if pooled and line < square - 2:
                    lines[line] = lines[line + 2]  # the last row of one square is the first of the next
                else:
                    _work_out(
                        floats[(2 * pooled + line) * map_width * channels :], starts, map_width * channels, height,
                        width * channels, kernels, biases, slopes, lines[line],
                    )  # fmt: skip
                ready += 1
            _pool(lines[:ready], columns, square, scratch, out[number, pooled])
