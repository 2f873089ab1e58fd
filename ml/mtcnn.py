"""MTCNN's three networks on a processor. `ml.networks` has the same for torch and says why P-Net is in parts.

Source: Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks, 2016.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.convolution import Layer, Maps, convolve, convolve_and_pool, convolve_rows, pack_layer, pooled_side, sides_after

MEAN, SCALE = 127.5, 1 / 128  # of pixels, as the networks were trained

Weights = Mapping[str, NDArray[np.float32]]
Outputs = list[NDArray[np.float32]]


def mtcnn_networks(weights: Weights) -> dict[str, Callable[[Maps], Outputs]]:
    """MTCNN's networks by their names in `ml.networks.build_network`, which says what goes in and what comes out.

    Args:
        weights: MTCNN's arrays by torch name, the three networks' prefixed "pnet." and so on.
    """
    pnet = PNet(weights)
    return {
        "pnet_features": pnet.features,
        "pnet_coarse": pnet.coarse,
        "pnet_window": pnet.window,
        "rnet": CropNetwork(weights, "rnet", pooling=(3, 3), outputs=("dense5_2", "dense5_1")),
        "onet": CropNetwork(weights, "onet", pooling=(3, 3, 2), outputs=("dense6_2", "dense6_3", "dense6_1")),
    }


class PNet:
    """P-Net: features, and from these the answers at every other window or at single ones."""

    def __init__(self, weights: Weights) -> None:
        self._first, self._second, self._third = (_convolution(weights, "pnet", number) for number in (1, 2, 3))
        # Log-odds instead of the logits of no face and of a face: softmax of two is a sigmoid of their difference.
        odds, offsets = weights["pnet.conv4_1.weight"], weights["pnet.conv4_2.weight"]
        bias, offset_biases = weights["pnet.conv4_1.bias"], weights["pnet.conv4_2.bias"]
        self._head = pack_layer(
            np.concatenate([odds[1:] - odds[:1], offsets]), np.concatenate([bias[1:] - bias[:1], offset_biases])
        )
        self._memory = _Memory()

    def features(self, pixels: Maps) -> Outputs:
        """What it gives is good until this thread asks for the next ones."""
        sides = [pooled_side(side, 2) for side in sides_after(pixels, self._first)]
        pooled = self._memory.take("pooled", (len(pixels), *sides, self._first.channels))
        convolve_and_pool(pixels, self._first, 2, out=pooled)
        features = self._memory.take(
            "features", (len(pixels), *sides_after(pooled, self._second), self._second.channels)
        )
        return [convolve(pooled, self._second, out=features)]

    def coarse(self, features: Maps) -> Outputs:
        sides = [(side - 1) // 2 + 1 for side in sides_after(features, self._third)]
        seen = self._memory.take("seen", (len(features), *sides, self._third.channels))
        return [convolve(convolve(features, self._third, stride=2, out=seen), self._head)]

    def window(self, features: Maps) -> Outputs:
        return [convolve_rows(convolve_rows(_as_rows(features), self._third), self._head)]


class CropNetwork:
    """R-Net or O-Net: looks at crops of one size.

    Args:
        weights: MTCNN's arrays by torch name.
        name: "rnet" or "onet".
        pooling: sides of the squares that are pooled after the first layers.
        outputs: names of its last layers; that of the probabilities comes last.
    """

    def __init__(self, weights: Weights, name: str, *, pooling: Sequence[int], outputs: Sequence[str]) -> None:
        layers = [_convolution(weights, name, number) for number in range(1, len(pooling) + 2)]
        self._pooled, self._last = list(zip(layers, pooling, strict=False)), layers[-1]
        self._dense = _dense(weights, name, len(pooling) + 2, self._last.channels)
        self._head = pack_layer(
            np.concatenate([weights[f"{name}.{output}.weight"] for output in outputs])[:, :, None, None],
            np.concatenate([weights[f"{name}.{output}.bias"] for output in outputs]),
        )
        self._ends = np.cumsum([len(weights[f"{name}.{output}.bias"]) for output in outputs])[:-1]

    def __call__(self, crops: Maps) -> Outputs:
        maps = crops
        for layer, square in self._pooled:
            maps = convolve_and_pool(maps, layer, square)
        answers = convolve_rows(convolve_rows(_as_rows(convolve(maps, self._last)), self._dense), self._head)
        *found, logits = np.split(answers, self._ends, axis=1)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return [*found, odds / odds.sum(axis=1, keepdims=True)]


class _Memory:
    """Arrays of each thread, kept from one call to the next.

    To have the system hand out new pages for every strip of a photo takes as long as a tenth of the arithmetic.
    """

    def __init__(self) -> None:
        self._kept = threading.local()

    def take(self, name: str, shape: tuple[int, ...]) -> Maps:
        """An array of any content, which is the caller's until this thread takes that name again."""
        count = math.prod(shape)
        kept: Maps | None = self._kept.__dict__.get(name)
        if kept is None or kept.size < count:
            kept = self._kept.__dict__[name] = np.empty(count, dtype=np.float32)
        return kept[:count].reshape(shape)


def _convolution(weights: Weights, network: str, number: int) -> Layer:
    """One convolution with its PReLU; the scaling of pixels is built into the first, as in `ml.networks`."""
    kernels, biases = weights[f"{network}.conv{number}.weight"], weights[f"{network}.conv{number}.bias"]
    if number == 1:
        kernels, biases = kernels * SCALE, biases - MEAN * SCALE * kernels.sum(axis=(1, 2, 3))
    return pack_layer(kernels, biases, weights[f"{network}.prelu{number}.weight"])


def _dense(weights: Weights, network: str, number: int, channels: int) -> Layer:
    """A dense layer over all numbers of a map."""
    kernels = weights[f"{network}.dense{number}.weight"]
    side = round((kernels.shape[1] / channels) ** 0.5)
    # The reference flattens maps column by column.
    by_row = kernels.reshape(-1, side, side, channels).transpose(0, 2, 1, 3).reshape(len(kernels), -1)
    biases, slopes = weights[f"{network}.dense{number}.bias"], weights[f"{network}.prelu{number}.weight"]
    return pack_layer(by_row[:, :, None, None], biases, slopes)


def _as_rows(maps: Maps) -> NDArray[np.float32]:
    return maps.reshape(len(maps), math.prod(maps.shape[1:]))
