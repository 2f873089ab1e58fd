"""Shrinks whole photos and many boxes of them at once, by averaging areas.

MTCNN's answers hang on how its input was resampled: with Pillow's filters, or with grey levels rounded to whole
numbers, only a fifth to four fifths of the boxes agree with the reference (docs/decisions/0003). So this averages as
torch's `interpolate(mode="area")` does: whole pixels, each cell over all pixels it touches.
"""

from __future__ import annotations

import numpy as np
from numba.core import cgutils
from numpy.typing import NDArray
from PIL import Image

from ml.arguments import checked_count, checked_whole
from ml.compiled import compiled
from ml.vectors import FLOAT, WHOLE, Builder, Value, VectorCode, at, index, machine_code

THREE = index(3)  # numbers of a pixel
MOST_PIXELS = 2**24  # of a cell, whose sum must not run over


class AreaSampler:
    """Averages over areas of one image.

    Args:
        image: of any mode; what is not RGB is converted, without regard to transparency (`ml.images` has that).

    Raises:
        ValueError: image is not a PIL image.
    """

    def __init__(self, image: Image.Image) -> None:
        if not isinstance(image, Image.Image):
            raise ValueError(f"image must be a PIL image, not {type(image).__name__}")
        self._pixels = np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)
        self.height, self.width = self._pixels.shape[:2]

    def resized(self, width: int, height: int, *, rows: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """The whole image at another size, shape (height, width, 3), from 0 to 255.

        Args:
            width, height: pixels.
            rows: make only these rows of it, from the first to before the last.

        Raises:
            ValueError: width or height is below 1 or so small that cells have more than 16 million pixels, rows are not
                some of the height, or the image has no pixels.
        """
        width, height = checked_count("width", width), checked_count("height", height)
        if not self._pixels.size:
            raise ValueError("image has no pixels")
        if _pixels_of_a_cell(self.width, self.height, width, height) > MOST_PIXELS:
            raise ValueError(f"width and height of {width} and {height} are too small for so large an image")
        first, last = rows if rows is not None else (0, height)
        if not (isinstance(first, int) and isinstance(last, int) and 0 <= first < last <= height):
            raise ValueError(f"rows must be some from 0 to {height}, not {first} to {last}")
        averages = np.empty((last - first, width, 3), dtype=np.float32)
        _average(self._pixels, 0, 0, self.width, self.height, averages, first, height)
        return averages

    def crops(self, corners: NDArray[np.intp], side: int) -> NDArray[np.float32]:
        """Boxes of the image, each shrunk or stretched to a square.

        Args:
            corners: shape (n, 4): left, top, right, bottom in whole pixels inside the image, right > left and so on.
            side: of the squares, pixels.

        Returns:
            Shape (n, side, side, 3), from 0 to 255.

        Raises:
            ValueError: corners has another shape or type, or boxes that are empty, reach beyond the image or make cells
                of more than 16 million pixels; or side is no whole number from 1.
        """
        corners = checked_whole("corners", corners, None, 4)
        checked_count("side", side)
        limits = np.array([self.width, self.height])
        if len(corners) and (corners[:, :2].min() < 0 or (corners[:, 2:] > limits).any()):
            raise ValueError("corners must lie inside the image")
        if (corners[:, 2:] <= corners[:, :2]).any():
            raise ValueError("corners must be of boxes with a width and a height")
        widest, highest = (corners[:, 2:] - corners[:, :2]).max(axis=0, initial=1)
        if _pixels_of_a_cell(int(widest), int(highest), side, side) > MOST_PIXELS:
            raise ValueError(f"corners are of boxes too large for a side of {side}")
        averages = np.empty((len(corners), side, side, 3), dtype=np.float32)
        _average_boxes(self._pixels, np.ascontiguousarray(corners, dtype=np.int64), averages)
        return averages


def _pixels_of_a_cell(width: int, height: int, columns: int, rows: int) -> int:
    return -(-width // columns) * -(-height // rows)


def _write_cell_means(
    builder: Builder, sums: Value, running: Value, columns: Value, begins: Value, ends: Value, height: Value,
    means: Value, cells: Value,
) -> None:  # fmt: skip
    """Fill means from sums of whole columns, both with three numbers a column and one to spare at the end.

    A cell's sum is the difference of two running sums: that takes the same for cells of any width. The three colours
    are worked on together, with the number after them: what comes of that one is overwritten by the next column's.
    """
    _write_running_sums(builder, sums, running, columns)
    _write_means(builder, running, begins, ends, means, cells, height)


def _write_running_sums(builder: Builder, sums: Value, running: Value, columns: Value) -> None:
    code = VectorCode(builder, WHOLE, 4)
    total = code.variable(code.zero)
    code.store(code.zero, running, 0)
    with cgutils.for_range(builder, columns) as column:
        place = builder.mul(column.index, THREE)
        builder.store(builder.add(builder.load(total), code.load(sums, place)), total)
        code.store(builder.load(total), running, builder.add(place, THREE))


def _write_means(
    builder: Builder, running: Value, begins: Value, ends: Value, means: Value, cells: Value, height: Value
) -> None:
    wholes, floats = VectorCode(builder, WHOLE, 4), VectorCode(builder, FLOAT, 4)
    with cgutils.for_range(builder, cells) as cell:
        begin, end = (builder.load(at(builder, edges, cell.index)) for edges in (begins, ends))
        before, after = (wholes.load(running, builder.mul(column, THREE)) for column in (begin, end))
        pixels = builder.fmul(builder.sitofp(builder.sub(end, begin), FLOAT), height)
        mean = builder.fdiv(builder.uitofp(builder.sub(after, before), floats.type), floats.spread(pixels))
        floats.store(mean, means, builder.mul(cell.index, THREE))


_cell_means = machine_code(_write_cell_means)


@compiled("void(uint8[:,:,::1], int64, int64, int64, int64, uint32[::1])")
def _add_rows(pixels, first, last, left, right, sums):  # type: ignore[no-untyped-def]
    for place, grey in enumerate(pixels[first, left:right].reshape(-1)):
        sums[place] = grey
    for row in range(first + 1, last):
        # Slices, as numba then knows that no index is negative, and the compiler adds eight at a time.
        for place, grey in enumerate(pixels[row, left:right].reshape(-1)):
            sums[place] += grey


@compiled("void(uint8[:,:,::1], int64, int64, int64, int64, float32[:,:,::1], int64, int64)")
def _average(pixels, left, top, right, bottom, averages, row_before, rows):  # type: ignore[no-untyped-def]
    """Fill averages from one box of the pixels: from row_before on, as many of `rows` rows as the averages have.

    The box is cut into equal cells; a pixel that two cells share counts in both.
    """
    columns = averages.shape[1]
    width, height = right - left, bottom - top
    begins, ends = np.empty(columns, dtype=np.int64), np.empty(columns, dtype=np.int64)
    for column in range(columns):
        begins[column] = column * width // columns
        ends[column] = -(-(column + 1) * width // columns)
    sums, running = np.zeros(width * 3 + 1, dtype=np.uint32), np.empty(width * 3 + 4, dtype=np.uint32)
    means = np.empty(columns * 3 + 1, dtype=np.float32)
    for number in range(averages.shape[0]):
        row = row_before + number
        first = top + row * height // rows
        last = top - (-(row + 1) * height) // rows
        _add_rows(pixels, first, last, left, right, sums)
        _cell_means(sums, running, width, begins, ends, np.float32(last - first), means, columns)
        averages[number].reshape(-1)[:] = means[: columns * 3]


@compiled("void(uint8[:,:,::1], int64[:,::1], float32[:,:,:,::1])")
def _average_boxes(pixels, corners, averages):  # type: ignore[no-untyped-def]
    """Fill averages, shape (n, side, side, 3), from the boxes with these corners, shape (n, 4)."""
    for box in range(len(corners)):
        left, top, right, bottom = corners[box]
        _average(pixels, left, top, right, bottom, averages[box], 0, averages.shape[1])
