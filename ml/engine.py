"""Runs the networks: OpenVINO on a CPU, torch on a GPU or where OpenVINO is not installed.

Everything above this module hands over pixels and gets arrays back, and cannot tell which engine ran.
"""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers
from ml.device import Device, cores_available
from ml.mtcnn import Outputs, mtcnn_networks
from ml.precision import choose_precision, processor_flags, this_machine
from ml.weights import MTCNN, load_arrays, load_weights, network_path

INPUTS = {  # of MTCNN's networks: height, width, channels; and the least height and width where they may be any
    "pnet_features": (None, None, 3), "pnet_coarse": (None, None, 16), "pnet_window": (3, 3, 16), "rnet": (24, 24, 3),
    "onet": (48, 48, 3),
}  # fmt: skip
LEAST_SIDES = {"pnet_features": 12, "pnet_coarse": 3}
NETWORKS = (*INPUTS, "facenet")  # the last is that of the embedding model, whichever that is

# Each lane holds a photo and what the networks make of it.
MOST_LANES = 4

Pixels = NDArray[np.float32]  # from 0 to 255; floats, because P-Net's answers depend on fractions of a grey level


class Engine(Protocol):
    """Runs one of `NETWORKS` on a batch of pixels.

    `lanes` threads may call `run` at once; more than that would only wait for one another.
    """

    name: str
    lanes: int

    def run(self, network: str, pixels: Pixels) -> Outputs:
        """Run a network on RGB pixels or features, shape (n, height, width, channels); of "facenet", n is 1 or more.

        Returns:
            Arrays as in `ml.networks.build_network`. Those of "pnet_features" may change when this thread runs that
            network again.

        Raises:
            ValueError: there is no such network, or pixels has another shape than it takes or no finite numbers.
        """
        ...


def _checked(network: str, pixels: Pixels, facenet_side: int | None = None) -> Pixels:
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, not {network}")
    sides = (facenet_side, facenet_side, 3) if network == "facenet" else INPUTS[network]
    checked = checked_numbers("pixels", pixels, None, *sides)
    if min(checked.shape[1:3]) < LEAST_SIDES.get(network, 1):
        raise ValueError(f"pixels must be {LEAST_SIDES[network]} or more each way, not {checked.shape}")
    return np.require(checked, np.float32, ["C", "W"])


class OpenVinoEngine:
    """The CPU: lanes side by side, which share out the cores. MTCNN is compiled (`ml.mtcnn`), OpenVINO embeds.

    precision: of the embedding network, as for `ml.precision.choose_precision`; the reference is "f32".
    """

    name = "OpenVINO"

    def __init__(self, models_dir: Path, model: str, precision: str = "auto") -> None:
        from ml.quiet_openvino import openvino

        self.precision = choose_precision(
            precision,
            has_int8=network_path(models_dir, "facenet_int8", model).is_file(),
            flags=processor_flags(),
            machine=this_machine(),
        )
        cores = cores_available()
        self.lanes = min(cores, MOST_LANES)
        core = openvino.Core()
        settings = {
            "NUM_STREAMS": self.lanes,
            "INFERENCE_NUM_THREADS": cores,
            # Some CPUs would pick bfloat16 by themselves.
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            # What OpenVINO prepares for each new batch size stays in memory; the default keeps 5000 such pieces.
            "CPU_RUNTIME_CACHE_CAPACITY": "300",
            # Else the thread that embeds first is tied to one core, and with it all threads it starts later.
            "ENABLE_CPU_PINNING": False,
        }
        form = "facenet_int8" if self.precision == "int8" else "facenet"
        self._facenet = core.compile_model(network_path(models_dir, form, model), "CPU", settings)
        self._mtcnn = mtcnn_networks(load_arrays(models_dir, MTCNN, model))
        self._own = threading.local()  # an inference request serves one thread at a time
        # OpenVINO's Python binding sets itself up on its first array, and two threads that bring it theirs at the same
        # moment can wait for each other for ever (seen with 2026.4.1). So the first one goes through here.
        self._side = self._facenet.input().partial_shape[1].get_length()
        self.run("facenet", np.zeros((1, self._side, self._side, 3), dtype=np.float32))

    def run(self, network: str, pixels: Pixels) -> Outputs:
        pixels = _checked(network, pixels, self._side)
        if network != "facenet":
            return self._mtcnn[network](pixels)
        if not hasattr(self._own, "request"):
            self._own.request = self._facenet.create_infer_request()
        results = self._own.request.infer([pixels], share_inputs=True)
        return [np.array(results[port]) for port in range(len(results))]


class TorchEngine:
    """torch on any device."""

    name = "torch"
    lanes = 1  # torch spreads one call over all cores itself, and a GPU has one queue

    def __init__(self, models_dir: Path, model: str, device: Device) -> None:
        import torch

        from ml.networks import build_network

        self._torch = torch
        self._device = device
        self._networks = {
            network: build_network(network, load_weights(models_dir, network, model)).to(device) for network in NETWORKS
        }

    def run(self, network: str, pixels: Pixels) -> Outputs:
        pixels = _checked(network, pixels)
        some = pixels if len(pixels) else np.zeros((1, *pixels.shape[1:]), dtype=np.float32)  # torch refuses none
        with self._torch.inference_mode():
            outputs = self._networks[network](self._torch.from_numpy(some).to(self._device))
        parts: Sequence[object] = outputs if isinstance(outputs, tuple) else (outputs,)
        return [np.ascontiguousarray(part.cpu().numpy()[: len(pixels)]) for part in parts]  # type: ignore[attr-defined]


def open_engine(models_dir: Path, model: str, device: Device, precision: str = "auto") -> Engine:
    """Load the networks into whichever engine runs them fastest on this device.

    Args:
        models_dir: the folder that `ml.weights.fetch` filled.
        model: its name there.
        device: where to run.
        precision: as for `ml.precision.choose_precision`; torch always runs in "f32".

    Raises:
        ValueError: the precision is unknown, or the model has no such form.
    """
    if device == "cpu" and importlib.util.find_spec("openvino") is not None:
        return OpenVinoEngine(models_dir, model, precision)
    if precision not in ("auto", "f32"):
        raise ValueError(f"precision {precision}: torch embeds in f32 only")
    return TorchEngine(models_dir, model, device)
