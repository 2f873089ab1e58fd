"""Names and layouts: TensorFlow's frozen FaceNet into facenet-pytorch's InceptionResnetV1.

Batch normalisation is already folded into each convolution of the frozen graph, so the torch layers get an identity:
mean 0, variance 1 - eps, weight 1, bias = the graph's offset. Only the last layer keeps a batch norm of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]

ROOT = "InceptionResnetV1"
# facenet-pytorch's BatchNorm epsilon: a stored variance of 1 - eps makes the layer divide by exactly 1.
EPSILON = 1e-3

STEM = ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3", "4b_3x3")
# Residual blocks: torch name, TensorFlow name, how many (None: a single block), kernels of the branches
BLOCKS: tuple[tuple[str, str, int | None, tuple[tuple[str, ...], ...]], ...] = (
    (
        "repeat_1", "Repeat/block35", 5,
        (("1x1",), ("0a_1x1", "0b_3x3"), ("0a_1x1", "0b_3x3", "0c_3x3")),
    ),
    ("repeat_2", "Repeat_1/block17", 10, (("1x1",), ("0a_1x1", "0b_1x7", "0c_7x1"))),
    ("repeat_3", "Repeat_2/block8", 5, (("1x1",), ("0a_1x1", "0b_1x3", "0c_3x1"))),
    ("block8", "Block8", None, (("1x1",), ("0a_1x1", "0b_1x3", "0c_3x1"))),
)  # fmt: skip
REDUCTIONS: tuple[tuple[str, str, tuple[tuple[str, ...], ...]], ...] = (
    ("mixed_6a", "Mixed_6a", (("1a_3x3",), ("0a_1x1", "0b_3x3", "1a_3x3"))),
    ("mixed_7a", "Mixed_7a", (("0a_1x1", "1a_3x3"), ("0a_1x1", "1a_3x3"), ("0a_1x1", "0b_3x3", "1a_3x3"))),
)


def facenet_from_graph(constants: Mapping[str, NDArray[np.float32]]) -> Tensors:
    """Turn the constants of the frozen FaceNet graph into a state dict of `InceptionResnetV1`.

    Args:
        constants: node name -> array, as `ml.graphdef.float_constants` gives it.

    Returns:
        torch parameter name -> array in torch's layout (OIHW).

    Raises:
        ValueError: constants are those of a different network.
    """
    try:
        return _converted(constants)
    except KeyError as missing:
        raise ValueError(f"constants are not those of the FaceNet we know: {missing} is missing") from missing


def _converted(constants: Mapping[str, NDArray[np.float32]]) -> Tensors:
    tensors: Tensors = {}
    for torch_name, graph_name in _folded_convolutions():
        tensors |= _folded_convolution(constants, torch_name, graph_name)
    for torch_name, graph_name in _up_convolutions():
        tensors[f"{torch_name}.weight"] = _oihw(constants[f"{ROOT}/{graph_name}/weights"])
        tensors[f"{torch_name}.bias"] = constants[f"{ROOT}/{graph_name}/biases"]
    bottleneck = f"{ROOT}/Bottleneck"
    tensors["last_linear.weight"] = np.ascontiguousarray(constants[f"{bottleneck}/weights"].T)
    tensors["last_bn.weight"] = constants[f"{bottleneck}/BatchNorm/Const"]
    tensors["last_bn.bias"] = constants[f"{bottleneck}/BatchNorm/beta"]
    tensors["last_bn.running_mean"] = constants[f"{bottleneck}/BatchNorm/moving_mean"]
    tensors["last_bn.running_var"] = constants[f"{bottleneck}/BatchNorm/moving_variance"]
    return tensors


def _folded_convolutions() -> Iterator[tuple[str, str]]:
    """(torch name, graph name) of every convolution with a folded batch norm."""
    for kernel in STEM:
        yield f"conv2d_{kernel.split('_')[0]}", f"Conv2d_{kernel}"
    for torch_block, graph_block, branches in REDUCTIONS:
        yield from _branches(torch_block, graph_block, branches)
    for torch_block, graph_block, branches in _residual_blocks():
        yield from _branches(torch_block, graph_block, branches)


def _residual_blocks() -> Iterator[tuple[str, str, tuple[tuple[str, ...], ...]]]:
    for torch_name, graph_name, count, branches in BLOCKS:
        if count is None:
            yield torch_name, graph_name, branches
            continue
        for number in range(count):
            yield f"{torch_name}.{number}", f"{graph_name}_{number + 1}", branches


def _up_convolutions() -> Iterator[tuple[str, str]]:
    """(torch name, graph name) of the 1x1 convolutions that end each residual block."""
    for torch_block, graph_block, _ in _residual_blocks():
        yield f"{torch_block}.conv2d", f"{graph_block}/Conv2d_1x1"


def _branches(torch_block: str, graph_block: str, branches: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, str]]:
    for number, kernels in enumerate(branches):
        for place, kernel in enumerate(kernels):
            # facenet-pytorch wraps a branch in a Sequential only when it has more than one convolution
            inner = f"branch{number}.{place}" if len(kernels) > 1 else f"branch{number}"
            yield f"{torch_block}.{inner}", f"{graph_block}/Branch_{number}/Conv2d_{kernel}"


def _folded_convolution(constants: Mapping[str, NDArray[np.float32]], torch_name: str, graph_name: str) -> Tensors:
    weights = _oihw(constants[f"{ROOT}/{graph_name}/weights"])
    channels = weights.shape[0]
    return {
        f"{torch_name}.conv.weight": weights,
        f"{torch_name}.bn.weight": np.ones(channels, dtype=np.float32),
        f"{torch_name}.bn.bias": constants[f"{ROOT}/{graph_name}/Conv2D_bn_offset"],
        f"{torch_name}.bn.running_mean": np.zeros(channels, dtype=np.float32),
        f"{torch_name}.bn.running_var": np.full(channels, 1 - EPSILON, dtype=np.float32),
    }


def _oihw(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """TensorFlow's height, width, in, out -> torch's out, in, height, width."""
    return np.ascontiguousarray(weights.transpose(3, 2, 0, 1))
