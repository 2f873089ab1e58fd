"""Shrinks whole photos and many boxes of them at once, by averaging areas.

MTCNN's answers hang on how its input was resampled: with Pillow's filters, or with grey levels rounded to whole
numbers, only a fifth to four fifths of the boxes agree with the reference (docs/decisions/0003). So this does the same
as torch's `interpolate(mode="area")`, from a summed-area table, in a quarter of its time on one core.

Source: Crow, Summed-area tables for texture mapping, SIGGRAPH 1984.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STRIP = 32  # rows resized at a time: they stay in the processor's cache, and memory stays small


class AreaSampler:
    """Averages over areas of one RGB image. Takes 12 bytes of memory per pixel."""

    def __init__(self, image: Image.Image) -> None:
        pixels = np.asarray(image, dtype=np.uint8)
        self.height, self.width = pixels.shape[:2]
        # Sums over more than 16 million pixels wrap around, and differences of wrapped sums are right all the same.
        table = np.zeros((self.height + 1, self.width + 1, 3), dtype=np.uint32)
        # Row by row: cumsum over the whole array takes 42 ms instead of 24 for 1920 x 1080, and more memory.
        for row in range(self.height):
            np.cumsum(pixels[row], axis=0, dtype=np.uint32, out=table[row + 1, 1:])
            np.add(table[row + 1], table[row], out=table[row + 1])
        self._table = table

    def resized(self, width: int, height: int) -> NDArray[np.float32]:
        """The whole image at another size, shape (height, width, 3), from 0 to 255."""
        top, bottom = _windows(np.zeros(1, dtype=np.intp), np.array([self.height]), height)
        left, right = _windows(np.zeros(1, dtype=np.intp), np.array([self.width]), width)
        averages = np.empty((height, width, 3), dtype=np.float32)
        for start in range(0, height, STRIP):
            strip = slice(start, start + STRIP)
            rows = self._table[bottom[0, strip]]
            rows -= self._table[top[0, strip]]
            sums = rows.take(right[0], axis=1)
            sums -= rows.take(left[0], axis=1)
            areas = (bottom - top)[0, strip, None] * (right - left)[0]
            np.divide(sums, areas[..., None].astype(np.float32), out=averages[strip], casting="unsafe")
        return averages

    def crops(self, corners: NDArray[np.intp], side: int) -> NDArray[np.float32]:
        """Boxes of the image, each shrunk or stretched to a square.

        Args:
            corners: shape (n, 4): left, top, right, bottom in whole pixels inside the image, right > left and so on.
            side: of the squares, pixels.

        Returns:
            Shape (n, side, side, 3), from 0 to 255.
        """
        left, right = _windows(corners[:, 0], corners[:, 2], side)
        top, bottom = _windows(corners[:, 1], corners[:, 3], side)
        table = self._table.reshape(-1, 3)
        line = self.width + 1
        above, below = (top * line)[:, :, None], (bottom * line)[:, :, None]
        before, after = left[:, None, :], right[:, None, :]
        sums = table[below + after]
        sums -= table[below + before]
        sums -= table[above + after]
        sums += table[above + before]
        areas = (bottom - top)[:, :, None] * (right - left)[:, None, :]
        averages: NDArray[np.float32] = sums.astype(np.float32)
        averages /= areas[..., None].astype(np.float32)
        return averages


def _windows(first: NDArray[np.intp], last: NDArray[np.intp], cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Start and end of the pixels averaged for each cell, shapes (n, cells).

    The ranges first..last are cut into equal cells; a pixel that two cells share counts in both, as in torch.
    """
    length = (last - first)[:, None]
    cell = np.arange(cells)[None, :]
    start = first[:, None] + cell * length // cells
    end = first[:, None] - (-(cell + 1) * length) // cells
    return start, end
