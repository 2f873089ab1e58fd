"""Writes FaceNet as OpenVINO files, which a CPU runs faster than torch."""

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

INPUT_SHAPE = (160, 160, 3)  # height, width, channels


def export_openvino(network: str, weights: Mapping[str, Tensor], path: Path) -> None:
    """Write FaceNet as OpenVINO IR: `path` (.xml) and the `.bin` beside it.

    Args:
        network: "facenet" in full precision, or `INT8`: with less to compute (`ml.compression`) and in whole numbers
            (`ml.quantisation`).
        weights: its tensors, as `ml.weights.load_weights` gives them.
        path: ends in .xml.
    """
    torch_network = build_network("facenet", weights)
    if network == INT8:
        compress(torch_network.network)
    with warnings.catch_warnings():
        # Traced, although torch calls that deprecated.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        converted = openvino.convert_model(torch_network, example_input=torch.zeros((2, *INPUT_SHAPE)))
    converted.reshape([-1, *INPUT_SHAPE])
    if network == INT8:
        quantise(converted, typical_faces())
    openvino.save_model(converted, path, compress_to_fp16=False)
