"""Writes the networks as OpenVINO files, which a CPU runs faster than torch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ml.compression import compress
from ml.networks import build_network
from ml.quantisation import quantise
from ml.quiet_openvino import openvino
from ml.typical_faces import typical_faces

INT8 = "facenet_int8"

# Any height and width for the fully convolutional P-Net; the others have a fixed input.
INPUT_SHAPES = {
    "pnet_coarse": (-1, -1, 16), "pnet_window": (3, 3, 16), "rnet": (24, 24, 3), "onet": (48, 48, 3),
    "facenet": (160, 160, 3), INT8: (160, 160, 3),
}  # fmt: skip


def export_openvino(network: str, weights: Mapping[str, Tensor], path: Path) -> None:
    """Write one network as OpenVINO IR: `path` (.xml) and the `.bin` beside it.

    In full precision, but for `INT8`: FaceNet with less to compute (`ml.compression`) and in whole numbers
    (`ml.quantisation`).

    Args:
        network: a key of `INPUT_SHAPES`.
        weights: its tensors, as `ml.weights.load_weights` gives them.
        path: ends in .xml.
    """
    torch_network = build_network("facenet" if network == INT8 else network, weights)
    if network == INT8:
        compress(torch_network.network)
    height, width, channels = INPUT_SHAPES[network]
    example = torch.zeros((2, 64 if height < 0 else height, 80 if width < 0 else width, channels))
    with warnings.catch_warnings():
        # Traced although torch calls that deprecated: torch.export breaks PReLU into three operations that OpenVINO
        # does not join again, and P-Net then takes 96 ms instead of 55.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        converted = openvino.convert_model(torch_network, example_input=example)
    converted.reshape([-1, height, width, channels])
    if network == INT8:
        quantise(converted, typical_faces())
    openvino.save_model(converted, path, compress_to_fp16=False)
