"""Convolutions in whole numbers: an OpenVINO network whose activations and weights take one byte each.

AVX2 multiplies bytes twice as fast as floats, newer processors (VNNI) four times. Nothing is trained: the network
looks at a few pictures to learn how large its activations grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers
from ml.quiet_openvino import openvino

if TYPE_CHECKING:
    from openvino import Model, Node, Output

LEVELS = 256
# The first two convolutions make two thirds of the error and a twentieth of the work, so they stay in full precision.
FULL_PRECISION = 2
# Other faces excite the network more than those it was shown, and what goes beyond the range is cut off. Up to the
# first branches, which see edges and colours, all faces are much alike, and steps must be fine; later ones differ by
# person.
EARLY_HEADROOM, LATE_HEADROOM = 1.2, 1.8


def quantise(model: Model, pictures: NDArray[np.float32]) -> None:
    """Put a network's convolutions into whole numbers, in place.

    Those that read negative values stay as they are, as processors without VNNI multiply bytes from 0 to 255 only; so
    do the first `FULL_PRECISION`.

    Args:
        model: one input of pixels, convolutions with constant weights.
        pictures: shape (n, height, width, 3), pixels from 0 to 255; typical of what the network will see.

    Raises:
        ValueError: there are no pictures, or they are not finite numbers of such a shape.

    Source: Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only inference,
    CVPR 2018.
    """
    checked_numbers("pictures", pictures, None, None, None, 3)
    if not len(pictures):
        raise ValueError("pictures must hold at least one picture")
    nodes = model.get_ordered_ops()
    convolutions = [node for node in nodes if node.get_type_name() == "Convolution"][FULL_PRECISION:]
    sources = _distinct([node.input_value(0) for node in convolutions])
    lowest, highest = _extremes(model, sources, pictures)
    early = _before_branches(nodes)
    rounded = {
        _key(source): _rounded(source, high * (EARLY_HEADROOM if _key(source)[0] in early else LATE_HEADROOM))
        for source, low, high in zip(sources, lowest, highest, strict=True)
        if low >= 0 and high > 0
    }
    for node in convolutions:
        source = rounded.get(_key(node.input_value(0)))
        if source is not None:
            node.input(0).replace_source_output(source)
            node.input(1).replace_source_output(_bytes(_constant(node.input_value(1))))
    model.validate_nodes_and_infer_types()


def _key(output: Output) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _before_branches(nodes: Sequence[Node]) -> set[str]:
    """Names of the nodes before the first that joins branches; of all where none does."""
    return {node.get_name() for node in takewhile(lambda node: node.get_type_name() != "Concat", nodes)}


def _distinct(outputs: Sequence[Output]) -> list[Output]:
    return list({_key(output): output for output in outputs}.values())


def _extremes(
    model: Model, outputs: Sequence[Output], pictures: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest value that each output takes on the pictures."""
    ops = openvino.opset13
    everywhere = ops.constant(np.arange(4))
    reduced = [
        reduce(output, everywhere, False).output(0) for reduce in (ops.reduce_min, ops.reduce_max) for output in outputs
    ]
    watched = openvino.Model(reduced, model.get_parameters())
    request = openvino.Core().compile_model(watched, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    seen = np.array([[float(value) for value in request.infer([picture[None]]).values()] for picture in pictures])
    lowest, highest = np.split(seen.astype(np.float32), 2, axis=1)
    return lowest.min(axis=0), highest.max(axis=0)


def _rounded(output: Output, highest: float) -> Output:
    """The same values, rounded to one of `LEVELS` from 0 to the highest."""
    ops = openvino.opset13
    low, high = ops.constant(np.float32(0)), ops.constant(np.float32(highest))
    rounded: Output = ops.fake_quantize(output, low, high, low, high, LEVELS).output(0)
    return rounded


def _constant(weights: Output) -> NDArray[np.float32]:
    node: Any = weights.get_node()
    array: NDArray[np.float32] = node.get_data()
    return array


def _bytes(weights: NDArray[np.float32]) -> Output:
    """Weights as bytes times one scale for each output channel."""
    ops = openvino.opset13
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    whole = np.rint(weights / scales).astype(np.int8)
    floats: Node = ops.convert(ops.constant(whole), np.float32)
    scaled: Output = ops.multiply(floats, ops.constant(scales)).output(0)
    return scaled
