"""Puts a trained embedder into the folder of models, from where it can be chosen."""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path

import torch

from ml.alignment import FACE_SIDE
from ml.models import FaceModel, find_model, make_plugged_in
from ml.onnx_files import HASH_DIGITS, LONGEST_STEM
from ml.plugging import FACES_AT_ONCE, keep_network
from ml.training.backbones import Embedder

INPUT_SHAPE = (FACE_SIDE, FACE_SIDE, 3)  # height, width, channels: as Kith cuts faces out


def keep_embedder(models_dir: Path, embedder: Embedder, stem: str, description: str) -> FaceModel:
    """Write an embedder as OpenVINO IR beside the other models. No face is embedded with it before somebody says so.

    Args:
        models_dir: an existing folder.
        embedder: on the CPU.
        stem: what its name begins with; a hash of its weights follows, so other weights are another model.
        description: of it, in words.

    Returns:
        The model, as `ml.models.find_model` finds it by its name.
    """
    from ml.quiet_openvino import openvino

    name = f"{_plain(stem)}-{_digest(embedder)}"
    embedder.eval()
    with warnings.catch_warnings():
        # Traced, although torch calls that deprecated; and it is right that the side of the faces will stay as it is.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(embedder, example_input=torch.zeros((2, *INPUT_SHAPE)))
    converted.reshape([-1, *INPUT_SHAPE])
    model = make_plugged_in(
        name, description=description, crop="box", side=FACE_SIDE, dimensions=embedder.dim, faces_at_once=FACES_AT_ONCE
    )
    keep_network(models_dir, converted, model)
    return find_model(models_dir, name)


def _plain(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:LONGEST_STEM].strip("-") or "trained"


def _digest(embedder: Embedder) -> str:
    digest = hashlib.sha256(str(embedder.side).encode())
    for name, weights in sorted(embedder.network.state_dict().items()):
        digest.update(name.encode())
        digest.update(weights.contiguous().numpy().tobytes())
    return digest.hexdigest()[:HASH_DIGITS]
