"""Plugs in a face model from an ONNX file of the ArcFace kind: 112 x 112 pixels, aligned by five landmarks.

The file is checked, run once, and written to the models folder as OpenVINO IR with its preprocessing built in, so that
like all other networks it takes RGB pixels from 0 to 255. The original is not needed afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.alignment import ARCFACE_SIDE
from ml.checked_files import WeightsUnavailable, manifest_complaint, replacing, size_differs, write_manifest
from ml.models import (
    MOST_DIMENSIONS,
    FaceModel,
    describe,
    find_model,
    make_plugged_in,
    projection_path,
    thresholds_path,
    write_thresholds,
)
from ml.onnx_files import InputFormat, model_name, onnx_path, read_sidecar
from ml.projection import plain_projection, save_projection
from ml.quiet_openvino import FrontEndManager, openvino

FACES_AT_ONCE = 8
CHANNELS = 3
# A face alone and in a batch may differ by rounding, but not by more.
SAME = 1e-3


def plug_in(models_dir: Path, wanted: str, *, report: Callable[[str], None] = lambda _: None) -> FaceModel:
    """Make a model of an ONNX file, unless it is there already.

    Args:
        models_dir: where the model goes.
        wanted: the path of the file, also as "onnx:/path".

    Raises:
        WeightsUnavailable: the file is not an ONNX model, or not one that turns 112 x 112 pixels into at most 512
            numbers; the sentence says why.
    """
    path = onnx_path(wanted)
    name = model_name(path)
    form, thresholds = read_sidecar(path)
    if manifest_complaint(models_dir / f"{name}.json", (), size_differs, "") is not None:
        report(f"Converting {path.name}.")
        _write(models_dir, path, name, form)
    _keep_thresholds(models_dir, name, thresholds)
    return find_model(models_dir, name)


def _write(models_dir: Path, path: Path, name: str, form: InputFormat) -> None:
    network, dimensions, faces_at_once = _checked(path, form)
    model = make_plugged_in(
        name, description=f"{path.name}, plugged in", crop="landmarks", side=ARCFACE_SIDE, dimensions=dimensions,
        faces_at_once=faces_at_once,
    )  # fmt: skip
    keep_network(models_dir, network, model)


def keep_network(models_dir: Path, network: openvino.Model, model: FaceModel) -> None:
    """Write a network into the models folder, as a model that was plugged in; nothing uses it before it is chosen.

    Args:
        network: takes RGB pixels from 0 to 255, shape (n, side, side, 3).
        model: as by `make_plugged_in`.
    """
    written = models_dir / f"{model.name}.xml"
    with replacing(written) as temporary, replacing(written.with_suffix(".bin")) as temporary_weights:
        out = temporary.with_suffix(".xml")
        openvino.save_model(network, out, compress_to_fp16=False)
        out.with_suffix(".bin").replace(temporary_weights)
        out.replace(temporary)
    projection = projection_path(models_dir, model.name)
    save_projection(projection, plain_projection(model.dimensions))
    describe(models_dir, model)
    write_manifest(models_dir / f"{model.name}.json", [written, written.with_suffix(".bin"), projection])


def _keep_thresholds(models_dir: Path, name: str, thresholds: object | None) -> None:
    """Keep what the file's author says of its distances, unless they were measured here."""
    if thresholds is None or thresholds_path(models_dir, name).exists():
        return
    try:
        write_thresholds(models_dir, find_model(models_dir, name), thresholds)
    except ValueError as error:
        raise WeightsUnavailable(f"The JSON beside the ONNX file cannot be used: {error}.") from error


def _checked(path: Path, form: InputFormat) -> tuple[openvino.Model, int, int]:
    """The network with its preprocessing built in, the dimensions of its output, and how many faces it takes."""
    for batch in (-1, 1):  # many files take any number of faces, some only one
        network = _prepared(path, form, batch)
        try:
            alone = _run(network, _probes()[:1])
            together = alone if batch == 1 else _run(network, _probes())
        except RuntimeError as error:
            reason = f"it cannot be run ({_reason(error)})"
            continue
        reason = _objection(alone, together, len(_probes()) if batch != 1 else 1)
        if not reason:
            return network, alone.shape[1], FACES_AT_ONCE if batch != 1 else 1
    raise WeightsUnavailable(f"{path.name} is not a face model Kith can use: {reason}.")


def _prepared(path: Path, form: InputFormat, batch: int) -> openvino.Model:
    network = _read(path)
    refusal = f"{path.name} is not a face model Kith can use: "
    if len(network.inputs) != 1:
        raise WeightsUnavailable(f"{refusal}it has {len(network.inputs)} inputs, not one.")
    side, shape = ARCFACE_SIDE, network.input().get_partial_shape()
    layouts = {"NCHW": [batch, CHANNELS, side, side], "NHWC": [batch, side, side, CHANNELS]}
    fitting = [layout for layout, wanted in layouts.items() if _fits(shape, wanted[1:])]
    if not fitting:
        raise WeightsUnavailable(f"{refusal}its input is {shape}, not {CHANNELS} x {side} x {side}.")
    try:
        network.reshape(layouts[fitting[0]])
        return _with_preprocessing(_with_one_output(network, form), form, fitting[0])
    except RuntimeError as error:
        raise WeightsUnavailable(f"{refusal}{_reason(error)}.") from error
    except ValueError as error:
        raise WeightsUnavailable(f"{refusal}{error}.") from error


def _read(path: Path) -> openvino.Model:
    # A copy far from the other files of its folder: the hash in the name would not tell weights apart that lie there.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.onnx"
        shutil.copyfile(path, copy)
        try:
            # Not Core.read_model, which would try every format it knows on a file that is no ONNX.
            reader = FrontEndManager().load_by_framework("onnx")
            return reader.convert(reader.load(str(copy)))
        except Exception as error:  # its errors share no class of their own
            raise WeightsUnavailable(
                f"{path.name} cannot be read as an ONNX model that holds its own weights ({_reason(error)})."
            ) from error


def _fits(shape: openvino.PartialShape, wanted: list[int]) -> bool:
    if shape.rank.is_dynamic:
        return True
    sizes = list(shape)[1:]
    return len(sizes) == len(wanted) and all(
        size.is_dynamic or size.get_length() == side for size, side in zip(sizes, wanted, strict=True)
    )


def _with_one_output(network: openvino.Model, form: InputFormat) -> openvino.Model:
    names = [output.get_any_name() for output in network.outputs]
    if form.output:
        if form.output not in names:
            raise ValueError(f"it has no output {form.output}, but {', '.join(names)}")
        chosen = network.output(form.output)
    elif len(names) > 1:
        raise ValueError(f'it has the outputs {", ".join(names)}; say which in the JSON beside it, as "output"')
    else:
        chosen = network.output()
    return openvino.Model([chosen], network.get_parameters())


def _with_preprocessing(network: openvino.Model, form: InputFormat, layout: str) -> openvino.Model:
    """Make the network take RGB pixels from 0 to 255, shape (n, 112, 112, 3), and give float32."""
    steps = openvino.preprocess.PrePostProcessor(network)
    pixels = steps.input()
    pixels.tensor().set_element_type(openvino.Type.f32).set_layout(openvino.Layout("NHWC"))
    pixels.model().set_layout(openvino.Layout(layout))
    if form.channels == "BGR":
        pixels.preprocess().reverse_channels()
    pixels.preprocess().mean(form.mean).scale(form.scale)
    steps.output().tensor().set_element_type(openvino.Type.f32)
    return steps.build()


def _run(network: openvino.Model, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    result = openvino.Core().compile_model(network, "CPU", settings).create_infer_request().infer([pixels])[0]
    array = np.array(result, dtype=np.float32)
    return array.reshape(array.shape[0], -1) if array.ndim else array.reshape(1, 1)


def _probes() -> NDArray[np.float32]:
    """Three different pictures: any network tells them apart if it looks at its input at all."""
    random = np.random.default_rng(112)
    return random.integers(0, 256, (3, ARCFACE_SIDE, ARCFACE_SIDE, CHANNELS)).astype(np.float32)


def _objection(alone: NDArray[np.float32], together: NDArray[np.float32], faces: int) -> str:
    """What is wrong with the outputs for one face and for several; "" if nothing."""
    dimensions = alone.shape[1]
    if len(alone) != 1 or together.shape != (faces, dimensions):
        return f"{faces} faces give {' x '.join(map(str, together.shape))} numbers"
    if not 1 < dimensions <= MOST_DIMENSIONS:
        return f"it gives {dimensions} numbers a face, not 2 to {MOST_DIMENSIONS}"
    if not np.isfinite(together).all() or not np.abs(together).max(axis=1).all():
        return "it gives no usable numbers"
    if np.abs(together[0] - alone[0]).max() > SAME * np.abs(alone).max():
        return "a face in a batch gives other numbers than alone"
    return ""


def _reason(error: Exception) -> str:
    """OpenVINO's errors run over many lines, some of which only say where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    places = ("Exception from", "Check '", "While ", "FrontEnd API failed")
    said = [line for line in lines if not line.startswith(places)]
    return " ".join(said or lines or [type(error).__name__]).rstrip(".:")[:200]
