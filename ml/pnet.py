"""The first two convolutions of P-Net, compiled: on a processor they take twice as long in OpenVINO.

They have 3, 10 and 16 channels, where a processor works on 8 or 16 at a time, and most of what comes between them is
moving numbers about. Here eight neighbouring places of one channel are worked on at a time, and nothing leaves the
processor's cache between the first pixel and the last feature.

Source: Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks, 2016.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml.compiled import compiled

TILE = 192  # columns of features worked on at once
SPARE = 16
LINE = (
    TILE + SPARE
)  # floats from one row to the next in the scratch arrays; fixed, so that the compiler knows distances
POOLED, FEATURES = 10, 16  # channels
MEAN, SCALE = np.float32(127.5), np.float32(1 / 128)  # of pixels, as the network was trained


class PNetFeatures:
    """P-Net up to its second convolution.

    Args:
        weights: MTCNN's arrays by torch name.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        kernels, biases, slopes = _layer(weights, 1)
        # The scaling of pixels is built into the first convolution, as in `ml.networks`.
        self._first = kernels * SCALE, biases - MEAN * SCALE * kernels.sum(axis=(1, 2)), slopes
        self._second = _layer(weights, 2)
        self._buffers = threading.local()

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features of one image, good until this thread asks for the next ones.

        Args:
            pixels: shape (1, height, width, 3), from 0 to 255; height and width 12 or more.

        Returns:
            Shape (1, about height / 2, about width / 2, 16). The same memory each time: to have the system hand out
            new pages for every strip takes as long as a tenth of the arithmetic.

        Raises:
            ValueError: pixels has another shape.
        """
        if pixels.ndim != 4 or pixels.shape[0] != 1 or min(pixels.shape[1:3]) < 12 or pixels.shape[3] != 3:
            raise ValueError(f"pixels must have the shape (1, 12 or more, 12 or more, 3), not {pixels.shape}")
        rows, columns = ((side - 1) // 2 - 2 for side in pixels.shape[1:3])
        count = rows * columns * FEATURES
        buffer = self._buffers.__dict__.get("features")
        if buffer is None or len(buffer) < count:
            buffer = self._buffers.features = np.empty(count, dtype=np.float32)
        features: NDArray[np.float32] = buffer[:count].reshape(1, rows, columns, FEATURES)
        _extract(np.ascontiguousarray(pixels[0], dtype=np.float32), *self._first, *self._second, features[0])
        return features


def _layer(weights: Mapping[str, NDArray[np.float32]], number: int) -> tuple[NDArray[np.float32], ...]:
    """Kernels, shape (out, in, 9), biases and slopes of one layer."""
    kernels = weights[f"pnet.conv{number}.weight"]
    arrays = (
        kernels.reshape(*kernels.shape[:2], 9),
        weights[f"pnet.conv{number}.bias"],
        weights[f"pnet.prelu{number}.weight"],
    )
    return tuple(np.ascontiguousarray(array, dtype=np.float32) for array in arrays)


@compiled("void(float32[:,:,::1], int64, int64, float32[::1])")
def _spread(pixels, left, count, planes):  # type: ignore[no-untyped-def]
    """Sort pixels into planes: of each row the even and the odd columns of red, of green, of blue."""
    height, width = pixels.shape[:2]
    for row in range(height):
        for colour in range(3):
            line = planes[(row * 6 + 2 * colour) * LINE :]
            for pair in range(min(count, (width - left + 1) // 2)):
                line[pair] = pixels[row, left + 2 * pair, colour]
            for pair in range(min(count, (width - left) // 2)):
                line[LINE + pair] = pixels[row, left + 2 * pair + 1, colour]


@compiled("void(float32[::1], float32[::1], int64, float32[::1])", fused=True)
def _convolve_four(planes, kernel, count, sums):  # type: ignore[no-untyped-def]
    """Add to sums one colour's part of the four places of each square that is pooled."""
    k0, k1, k2, k3, k4, k5, k6, k7, k8 = (
        kernel[0], kernel[1], kernel[2], kernel[3], kernel[4], kernel[5], kernel[6], kernel[7], kernel[8]
    )  # fmt: skip
    row1, row2, row3 = 6 * LINE, 12 * LINE, 18 * LINE
    for x in range(count):
        a0, a1, a2, a3 = planes[x], planes[x + LINE], planes[x + 1], planes[x + LINE + 1]
        b0, b1, b2, b3 = planes[x + row1], planes[x + row1 + LINE], planes[x + row1 + 1], planes[x + row1 + LINE + 1]
        c0, c1, c2, c3 = planes[x + row2], planes[x + row2 + LINE], planes[x + row2 + 1], planes[x + row2 + LINE + 1]
        d0, d1, d2, d3 = planes[x + row3], planes[x + row3 + LINE], planes[x + row3 + 1], planes[x + row3 + LINE + 1]
        sums[x] += k0 * a0 + k1 * a1 + k2 * a2 + k3 * b0 + k4 * b1 + k5 * b2 + k6 * c0 + k7 * c1 + k8 * c2
        sums[x + LINE] += k0 * a1 + k1 * a2 + k2 * a3 + k3 * b1 + k4 * b2 + k5 * b3 + k6 * c1 + k7 * c2 + k8 * c3
        sums[x + 2 * LINE] += k0 * b0 + k1 * b1 + k2 * b2 + k3 * c0 + k4 * c1 + k5 * c2 + k6 * d0 + k7 * d1 + k8 * d2
        sums[x + 3 * LINE] += k0 * b1 + k1 * b2 + k2 * b3 + k3 * c1 + k4 * c2 + k5 * c3 + k6 * d1 + k7 * d2 + k8 * d3


@compiled("void(float32[::1], float32[::1], int64, float32[::1])", fused=True)
def _convolve_two(pooled, kernel, count, sums):  # type: ignore[no-untyped-def]
    """Add to sums one channel's part of two rows of features."""
    k0, k1, k2, k3, k4, k5, k6, k7, k8 = (
        kernel[0], kernel[1], kernel[2], kernel[3], kernel[4], kernel[5], kernel[6], kernel[7], kernel[8]
    )  # fmt: skip
    row1, row2, row3 = POOLED * LINE, 2 * POOLED * LINE, 3 * POOLED * LINE
    for x in range(count):
        b0, b1, b2 = pooled[x + row1], pooled[x + row1 + 1], pooled[x + row1 + 2]
        c0, c1, c2 = pooled[x + row2], pooled[x + row2 + 1], pooled[x + row2 + 2]
        above = k0 * pooled[x] + k1 * pooled[x + 1] + k2 * pooled[x + 2]
        below = k6 * pooled[x + row3] + k7 * pooled[x + row3 + 1] + k8 * pooled[x + row3 + 2]
        sums[x] += above + k3 * b0 + k4 * b1 + k5 * b2 + k6 * c0 + k7 * c1 + k8 * c2
        sums[x + LINE] += k0 * b0 + k1 * b1 + k2 * b2 + k3 * c0 + k4 * c1 + k5 * c2 + below


@compiled("void(float32[::1], float32, int64, float32[::1])")
def _pool(sums, slope, count, pooled):  # type: ignore[no-untyped-def]
    """The greatest of four after PReLU. With any slope that is the greatest's or, if it is negative, the least's."""
    zero = np.float32(0)
    for x in range(count):
        a, b, c, d = sums[x], sums[x + LINE], sums[x + 2 * LINE], sums[x + 3 * LINE]
        most, least = max(max(a, b), max(c, d)), min(min(a, b), min(c, d))
        pooled[x] = max(max(most, zero) + slope * min(most, zero), max(least, zero) + slope * min(least, zero))


@compiled("void(float32[::1], float32, float32[:])")
def _finish(sums, slope, features):  # type: ignore[no-untyped-def]
    """PReLU, into one channel of the features."""
    zero = np.float32(0)
    for x in range(len(features)):
        features[x] = max(sums[x], zero) + slope * min(sums[x], zero)


@compiled(
    "void(float32[:,:,::1], float32[:,:,::1], float32[::1], float32[::1], float32[:,:,::1], float32[::1], float32[::1],"
    " float32[:,:,::1])",
    fused=True,
)
def _extract(pixels, kernels1, biases1, slopes1, kernels2, biases2, slopes2, features):  # type: ignore[no-untyped-def]
    height, width = pixels.shape[:2]
    rows, columns = features.shape[:2]
    # One row more than there is, as rows are worked on in pairs.
    planes = np.zeros((height + 1) * 6 * LINE + SPARE, dtype=np.float32)
    pooled = np.zeros((rows + 3) * POOLED * LINE + SPARE, dtype=np.float32)
    sums = np.zeros(4 * LINE, dtype=np.float32)
    for left in range(0, columns, TILE):
        tile = min(TILE, columns - left)
        # Whole blocks of SPARE places, as the compiler does what is left over one by one.
        convolved = (tile + 2 + SPARE - 1) // SPARE * SPARE
        _spread(pixels, 2 * left, tile + 3, planes)
        for row in range(rows + 2):
            window = planes[row * 12 * LINE :]
            for channel in range(POOLED):
                sums[:] = biases1[channel]
                for colour in range(3):
                    _convolve_four(window[2 * colour * LINE :], kernels1[channel, colour], convolved, sums)
                # At an odd edge the last square of four has only one column or row.
                if 2 * (left + tile + 1) + 1 >= width - 2:
                    sums[LINE + tile + 1] = sums[tile + 1]
                    sums[3 * LINE + tile + 1] = sums[2 * LINE + tile + 1]
                if 2 * row + 1 >= height - 2:
                    sums[2 * LINE :] = sums[: 2 * LINE]
                _pool(sums, slopes1[channel], convolved, pooled[(row * POOLED + channel) * LINE :])
        for row in range(0, rows, 2):
            for feature in range(FEATURES):
                sums[:] = biases2[feature]
                for channel in range(POOLED):
                    _convolve_two(
                        pooled[(row * POOLED + channel) * LINE :], kernels2[feature, channel], convolved, sums
                    )
                _finish(sums, slopes2[feature], features[row, left : left + tile, feature])
                if row + 1 < rows:
                    _finish(sums[LINE:], slopes2[feature], features[row + 1, left : left + tile, feature])
