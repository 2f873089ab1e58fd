"""The training loop: epochs of triplet batches, a validation and a checkpoint after each.

It can be stopped at any moment, also by a kill: the next run goes on from the end of the last whole epoch and comes to
the same weights, on one machine with the same number of threads. On a GPU some sums are added in any order, and what
comes out is the same but for rounding.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.checked_files import replacing
from ml.device import Device
from ml.training.augmentation import augment
from ml.training.backbones import Embedder, choose_trained
from ml.training.checkpoints import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    prefixed,
    restore_optimiser,
    save_checkpoint,
    without_prefix,
)
from ml.training.errors import CannotTrain
from ml.training.faces import TrainingFaces
from ml.training.measuring import embed_rows, separation, verification_pairs
from ml.training.mixed_precision import mixed_precision_of
from ml.training.sampling import PkSampler
from ml.training.schedule import cosine_rate
from ml.training.settings import TrainingSettings
from ml.training.splitting import Split
from ml.training.triplets import triplet_loss

CHECKPOINT, LOG = "checkpoint.safetensors", "log.csv"
MOST_VALIDATED = 1000  # faces
# Mean squared distance of two people's faces below which all faces come out alike.
COLLAPSED = 1e-4


@dataclass(frozen=True)
class EpochRow:
    """What the log says of an epoch: means over its batches.

    loss: of the triplets mined. loss_of_all: of every triplet of the batches. triplets, active: how many were mined in
    the whole epoch, and how many of those lay inside the margin. gradient: its length before it is shortened.
    learning_rate: of the last step. positive, negative: squared distance of pairs of one person, and of two.
    validation: area under the ROC curve of people kept for it, or None.
    """

    epoch: int
    steps: int
    loss: float
    loss_of_all: float
    triplets: int
    active: int
    positive: float
    negative: float
    gradient: float
    learning_rate: float
    validation: float | None


@dataclass(frozen=True)
class Progress:
    """How far training is. epoch and step from 1, the latter of all steps; loss of the last batch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    validation: float | None


@dataclass
class _State:
    """What a checkpoint keeps beside weights. seconds: that were spent on batches, in all runs."""

    rows: list[EpochRow] = field(default_factory=list)
    best_score: float = -math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    ended: str = ""


@dataclass(frozen=True)
class TrainingHistory:
    """How training went. best_epoch: whose weights the network has now. ended: why it ended, in a sentence."""

    rows: tuple[EpochRow, ...]
    best_epoch: int
    seconds: float
    faces_a_batch: int
    ended: str

    @property
    def faces_per_second(self) -> float:
        """Faces learned from in a second, without validation."""
        steps = self.rows[-1].steps if self.rows else 0
        return steps * self.faces_a_batch / self.seconds if self.seconds else 0.0


class Trainer:
    """Trains one network.

    Args:
        embedder: with the weights to start from; it is changed, and in the end has those of the best epoch.
        faces, split: what is learned from.
        settings: how. identity: of the photos; a checkpoint of others, or of other settings, is refused.
        device: where.
        output: an existing folder for checkpoint and log.
        report: called after every batch; what it raises ends training, and the checkpoint stays.

    Raises:
        CannotTrain: too few people or faces, a damaged checkpoint, or one of another training.
    """

    def __init__(
        self,
        embedder: Embedder,
        faces: TrainingFaces,
        split: Split,
        settings: TrainingSettings,
        *,
        identity: str,
        device: Device,
        output: Path,
        report: Callable[[Progress], object] = lambda progress: None,
    ) -> None:
        self._embedder, self._faces, self._settings, self._device = embedder.to(device), faces, settings, device
        self._output, self._report, self._rows = output, report, split.train
        self._identity = {"photos": identity, "settings": settings.as_json()}
        self._people = faces.people[split.train]
        self._sampler = PkSampler(
            self._people, people_per_batch=settings.people_per_batch, faces_per_person=settings.faces_per_person
        )
        self._validated = split.validation[:MOST_VALIDATED]
        self._pairs = verification_pairs(faces.people[self._validated], seed=settings.seed)
        self._trained = choose_trained(embedder, settings.part)
        self._optimiser = torch.optim.AdamW(self._trained, lr=settings.highest_rate, weight_decay=settings.weight_decay)
        self._precision = mixed_precision_of(device)
        self._scaler = torch.amp.GradScaler(device, enabled=self._precision.is_scaled)
        self._random = np.random.default_rng(settings.seed)
        self._state = _State()
        self._best: dict[str, Tensor] = {}
        self._steps = settings.epochs * self._sampler.batches
        torch.manual_seed(settings.seed)

    def run(self) -> TrainingHistory:
        """Train to the end, from the checkpoint if there is one.

        Raises:
            CannotTrain: the checkpoint cannot be used, the loss is no longer a number, or no triplet is left to learn
                from although the network tells nobody apart.
        """
        self._resume()
        while not self._state.ended:
            self._run_epoch(len(self._state.rows) + 1)
            self._save()
        weights = self._best or self._weights()
        self._embedder.network.load_state_dict(weights)
        state = self._state
        size = self._sampler.people_per_batch * self._sampler.faces_per_person
        best = state.best_epoch or len(state.rows)
        return TrainingHistory(tuple(state.rows), best, state.seconds, size, state.ended)

    # An epoch

    def _run_epoch(self, epoch: int) -> None:
        self._embedder.train()
        sums = np.zeros(5)
        triplets = active = 0
        first = (epoch - 1) * self._sampler.batches
        rate = 0.0
        for step, batch in enumerate(self._sampler.epoch(self._random), start=first):
            started = time.perf_counter()
            rate = cosine_rate(step, self._steps, self._settings.highest_rate)
            figures, mined, teaching = self._learn(batch, rate, epoch, step)
            sums, triplets, active = sums + figures, triplets + mined, active + teaching
            self._state.seconds += time.perf_counter() - started
            validation = self._state.rows[-1].validation if self._state.rows else None
            loss = float(figures[0])
            self._report(Progress(epoch, self._settings.epochs, step + 1, self._steps, loss, validation))
        loss, of_all, positive, negative, gradient = (sums / self._sampler.batches).tolist()
        steps = first + self._sampler.batches
        row = EpochRow(
            epoch, steps, loss, of_all, triplets, active, positive, negative, gradient, rate, self._validate()
        )
        self._state.rows.append(row)
        self._judge(row)

    def _learn(self, batch: NDArray[np.intp], rate: float, epoch: int, step: int) -> tuple[NDArray[Any], int, int]:
        """One step. Returns losses, distances and length of the gradient; triplets mined, and those that teach."""
        pixels = torch.from_numpy(np.array(self._faces.pixels[self._rows[batch]])).to(self._device)
        people = torch.from_numpy(self._people[batch]).to(self._device)
        faces = augment(pixels, self._random) if self._settings.augments else pixels
        with self._autocast():
            embeddings = self._embedder(faces)
        found = triplet_loss(embeddings, people, margin=self._settings.margin, mining=self._settings.mining)
        loss = found.loss.detach().item()
        if not math.isfinite(loss):
            raise CannotTrain(self._went_astray(epoch, step))
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(found.loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimiser)
        gradient = float(torch.nn.utils.clip_grad_norm_(self._trained, self._settings.longest_gradient))
        if not math.isfinite(gradient) and not self._precision.is_scaled:
            raise CannotTrain(self._went_astray(epoch, step))
        self._scaler.step(self._optimiser)
        self._scaler.update()
        # A scaled gradient that overflows is left out of the step, and of the log.
        length = gradient if math.isfinite(gradient) else 0.0
        return np.array([loss, found.of_all, found.positive, found.negative, length]), found.triplets, found.active

    def _autocast(self) -> AbstractContextManager[Any]:
        dtype = self._precision.dtype
        return torch.autocast(self._device, dtype=dtype, enabled=dtype is not None)

    def _went_astray(self, epoch: int, step: int) -> str:
        return (
            f"The loss is no longer a number, in epoch {epoch}, step {step + 1}. Start again with --restart and a"
            f" learning rate below {self._settings.highest_rate:g}."
        )

    def _validate(self) -> float | None:
        if not len(self._pairs.same):
            return None
        rows = embed_rows(self._embedder, self._faces.pixels, self._validated, self._device)
        if not np.isfinite(rows).all():
            raise CannotTrain(self._went_astray(len(self._state.rows) + 1, self._steps_done() - 1))
        return separation(rows, self._pairs)

    def _steps_done(self) -> int:
        return (len(self._state.rows) + 1) * self._sampler.batches

    def _judge(self, row: EpochRow) -> None:
        """Remember the best weights, and end training where going on is of no use."""
        state, settings = self._state, self._settings
        if row.validation is not None and row.validation > state.best_score:
            state.best_score, state.best_epoch = row.validation, row.epoch
            self._best = {name: tensor.detach().clone() for name, tensor in self._weights().items()}
        if row.negative < COLLAPSED:
            raise CannotTrain(
                f"All faces come out alike after epoch {row.epoch}, so there is nothing left to learn from. Start again"
                f" with --restart and a learning rate below {settings.highest_rate:g}, or with another --mining."
            )
        if row.validation is not None and row.epoch - state.best_epoch >= settings.patience:
            state.ended = f"Ended after epoch {row.epoch}: no better validation for {settings.patience} epochs."
        elif not row.active:
            state.ended = f"Ended after epoch {row.epoch}: no triplet is left inside the margin."
        elif row.epoch == settings.epochs:
            state.ended = f"All {row.epoch} epochs are done."

    # Checkpoint and log

    def _weights(self) -> dict[str, Tensor]:
        weights: dict[str, Tensor] = self._embedder.network.state_dict()
        return weights

    def _save(self) -> None:
        random = {"cpu": torch.get_rng_state()}
        if self._device == "cuda":
            random["cuda"] = torch.cuda.get_rng_state()
        tensors = {
            **prefixed("network", self._weights()),
            **prefixed("best", self._best),
            **prefixed("optimiser", optimiser_tensors(self._optimiser)),
            **prefixed("random", random),
        }
        state = {
            **asdict(self._state),
            "best_score": self._state.best_score if self._best else None,
            "random": self._random.bit_generator.state,
            "scaler": self._scaler.state_dict(),
            **self._identity,
        }
        save_checkpoint(self._output / CHECKPOINT, Checkpoint(tensors, state))
        write_log(self._output / LOG, self._state.rows)

    def _resume(self) -> None:
        found = load_checkpoint(self._output / CHECKPOINT)
        if found is None:
            return
        kept = found.state
        if {name: kept.get(name) for name in self._identity} != self._identity:
            raise CannotTrain(
                f"{self._output} holds a training with other settings or other photos. Give another folder with"
                " --output, or start again with --restart."
            )
        rows = [EpochRow(**row) for row in kept["rows"]]
        score = -math.inf if kept["best_score"] is None else kept["best_score"]
        self._state = _State(rows, score, kept["best_epoch"], kept["seconds"], kept["ended"])
        self._embedder.network.load_state_dict(without_prefix("network", found.tensors))
        self._best = without_prefix("best", found.tensors)
        restore_optimiser(self._optimiser, without_prefix("optimiser", found.tensors))
        self._scaler.load_state_dict(kept["scaler"])
        self._random.bit_generator.state = kept["random"]
        random = without_prefix("random", found.tensors)
        torch.set_rng_state(random["cpu"])
        if self._device == "cuda" and "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"])


def write_log(path: Path, rows: list[EpochRow]) -> None:
    """Write the log as CSV, one row an epoch, whole."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, [column.name for column in fields(EpochRow)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read_log(path: Path) -> list[EpochRow]:
    """Read what `write_log` wrote.

    Raises:
        ValueError: it is something else.
    """
    kinds = {"epoch": int, "steps": int, "triplets": int, "active": int}
    with path.open(newline="") as file:
        try:
            rows: list[dict[str, Any]] = [
                {name: kinds.get(name, _number)(cell) for name, cell in row.items()} for row in csv.DictReader(file)
            ]
            return [EpochRow(**row) for row in rows]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is not the log of a training: {error}") from error


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
