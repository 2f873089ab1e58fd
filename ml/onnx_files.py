"""ONNX files of face models: how they are named here, and how they want their pixels."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ml.checked_files import WeightsUnavailable, sha256_of

ONNX_PREFIX = "onnx:"
CHANNELS = ("RGB", "BGR")
LONGEST_STEM = 40  # with a hyphen and the hash it fits the 50 characters stored with each face
HASH_DIGITS = 8


@dataclass(frozen=True)
class InputFormat:
    """How a network wants its pixels: (x - mean) / scale, channels "RGB" or "BGR". ArcFace's way by default.

    output: name of the output to take, where there are several.
    """

    mean: float = 127.5
    scale: float = 127.5
    channels: str = "RGB"
    output: str = ""


def is_onnx_path(wanted: str) -> bool:
    return wanted.startswith(ONNX_PREFIX) or wanted.lower().endswith(".onnx")


def onnx_path(wanted: str) -> Path:
    return Path(wanted.removeprefix(ONNX_PREFIX)).expanduser()


def sidecar_path(path: Path) -> Path:
    """The JSON beside an ONNX file that says what differs from ArcFace's way."""
    return path.with_suffix(".json")


def model_name(path: Path) -> str:
    """The name of the model in an ONNX file: its stem and a hash of what decides about its embeddings.

    Another file under the same name, or other preprocessing, is another model.

    Raises:
        WeightsUnavailable: there is no such file, or the JSON beside it cannot be used.
    """
    try:
        # Hashing takes a tenth of a second: a file is read again only once it has changed.
        stamps = [_stamp(path), *(_stamp(file) for file in [sidecar_path(path)] if file.exists())]
        return _model_name(path, tuple(stamps))
    except OSError as error:
        raise WeightsUnavailable(f"{path} cannot be read ({error.strerror}).") from error


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(maxsize=8)
def _model_name(path: Path, stamps: tuple[tuple[int, int], ...]) -> str:
    form, _ = read_sidecar(path)
    digest = hashlib.sha256(f"{sha256_of(path)} {json.dumps(asdict(form))}".encode()).hexdigest()
    stem = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:LONGEST_STEM].strip("-") or "model"
    return f"{stem}-{digest[:HASH_DIGITS]}"


def read_sidecar(path: Path) -> tuple[InputFormat, object | None]:
    """Read the JSON beside an ONNX file: how it wants its pixels, and its "thresholds" or None.

    Raises:
        WeightsUnavailable: it is no JSON object, or holds what does not belong there.
    """
    sidecar = sidecar_path(path)
    try:
        said: Any = json.loads(sidecar.read_text())
        if not isinstance(said, dict):
            raise ValueError("it must hold a JSON object")
        thresholds = said.pop("thresholds", None)
        return _input_format(said), thresholds
    except FileNotFoundError:
        return InputFormat(), None
    except (ValueError, OSError) as error:
        raise WeightsUnavailable(f"{sidecar} cannot be used: {error}.") from error


def _input_format(said: dict[str, Any]) -> InputFormat:
    known = {field.name for field in fields(InputFormat)}
    for key in said.keys() - known:
        raise ValueError(f"there is no {key}; use {', '.join(sorted(known))} and thresholds")
    form = InputFormat(**said)
    for key, value in (("mean", form.mean), ("scale", form.scale)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{key} must be a number")
    if form.scale == 0:
        raise ValueError("scale must not be 0")
    if form.channels not in CHANNELS:
        raise ValueError(f"channels must be {' or '.join(CHANNELS)}")
    if not isinstance(form.output, str):
        raise ValueError("output must be a name")
    return form
