"""Keeps how far a training is: tensors and numbers in one file of safetensors, which is whole or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ml.checked_files import replacing
from ml.training.errors import CannotTrain

KEY = "training"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """tensors: by name. state: all else, as JSON can hold it."""

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the one before stays until this one is whole.

    Raises:
        CannotTrain: it cannot be written, for want of room say.
    """
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    try:
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata={KEY: json.dumps(checkpoint.state)})
    except OSError as error:
        raise CannotTrain(f"The checkpoint {path} cannot be written: {error.strerror or error}.") from error


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Read a checkpoint; None if there is none.

    Raises:
        CannotTrain: there is one, and it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            return Checkpoint(tensors, json.loads(file.metadata()[KEY]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CannotTrain(f"The checkpoint {path} cannot be read ({error}); start again with --restart.") from error


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with a word before each name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of a word, by their names behind it."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of each weight, by the number of the weight and a word."""
    state: Mapping[int, Mapping[str, Tensor]] = optimiser.state_dict()["state"]
    return {f"{number}.{word}": tensor for number, kept in state.items() for word, tensor in kept.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser of the same weights back what it remembered."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, word = name.partition(".")
        state.setdefault(int(number), {})[word] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
