"""From a folder of labelled photos to a trained embedder with figures: the one door to training.

result = train_embedder(read_folder(folder), output, models_dir, TrainingSettings(backbone="small", side=40))
print(result.figures["svm_accuracy"])
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ml.checked_files import save_safetensors
from ml.device import Device, choose_device, describe_device
from ml.engine import open_engine
from ml.evaluation.labels import LabelledFolder
from ml.evaluation.verification import PairedFaces, VerificationScore
from ml.models import CASIA
from ml.training.backbones import Embedder, build_embedder
from ml.training.errors import CannotTrain
from ml.training.faces import FACES, ROWS, TrainingFaces, find_training_faces, fingerprint
from ml.training.measuring import Difference, compare, embed_rows, svm_accuracy, verification_pairs, verify_rows
from ml.training.settings import TrainingSettings
from ml.training.splitting import PEOPLE_TO_VALIDATE, PEOPLE_TO_VERIFY, Split, split_faces
from ml.training.trainer import CHECKPOINT, LOG, Progress, Trainer, TrainingHistory
from ml.weights import load_weights, verify

WEIGHTS, FIGURES, LOCK = "embedder.safetensors", "figures.json", ".lock"


@dataclass(frozen=True, eq=False)
class TrainedEmbedder:
    """embedder: in evaluation mode, on the CPU. figures: as JSON can hold them. difference: None if it is unknown."""

    embedder: Embedder
    figures: dict[str, Any]
    difference: Difference | None


@dataclass(frozen=True, eq=False)
class _Measured:
    svm: float | None
    verification: VerificationScore


def train_embedder(
    folder: LabelledFolder,
    output: Path,
    models_dir: Path,
    settings: TrainingSettings,
    *,
    device: str = "auto",
    restart: bool = False,
    found: Callable[[int], object] = lambda photos: None,
    measured: Callable[[int, int], object] = lambda faces, total: None,
    report: Callable[[Progress], object] = lambda progress: None,
) -> TrainedEmbedder:
    """Find faces, train, and measure before and after. The weights go into the output folder; nothing uses them.

    Run again with the same arguments it goes on where it was stopped, and ends with the same weights and figures.

    Args:
        folder: as by `ml.evaluation.labels.read_folder`.
        output: made if need be; faces, checkpoint, log and weights go there.
        models_dir: the folder that `ml.weights.fetch` filled.
        settings: how.
        device: "auto", "cuda", "mps" or "cpu".
        restart: forget an earlier run in the same folder.
        found: called with the number of photos searched since the last call.
        measured: called with the number of faces embedded since the last call, and of those to embed in all, before
            and after training.
        report: called after every batch. What it raises ends training, and the checkpoint stays.

    Raises:
        CannotTrain: the photos or the settings allow no training, or it went astray; the sentence says what is needed.
        WeightsUnavailable: weights are missing or damaged.
        DeviceUnavailable: the machine has no such device.
    """
    chosen = choose_device(device)
    torch.manual_seed(settings.seed)
    embedder = _start(settings, models_dir).to(chosen)
    verify(models_dir, CASIA)  # the detector's weights
    _make(output)
    with _alone(output):
        _tidy(output, restart)
        faces = find_training_faces(
            folder, lambda: open_engine(models_dir, CASIA, chosen), output, side=settings.side, progress=found
        )
        return _train(embedder, faces, fingerprint(folder, settings.side), output, settings, chosen, measured, report)


def _train(
    embedder: Embedder,
    faces: TrainingFaces,
    identity: str,
    output: Path,
    settings: TrainingSettings,
    device: Device,
    measured: Callable[[int, int], object],
    report: Callable[[Progress], object],
) -> TrainedEmbedder:
    split = split_faces(faces.people, seed=settings.seed, fewest_photos=settings.fewest_photos)
    unseen = faces.people[split.unseen]
    pairs = verification_pairs(unseen, seed=settings.seed)
    trainer = Trainer(embedder, faces, split, settings, identity=identity, device=device, output=output, report=report)
    before = _measure(embedder, faces, split, pairs, device, measured)
    history = trainer.run()
    after = _measure(embedder, faces, split, pairs, device, measured)
    save_safetensors(output / WEIGHTS, {name: part.cpu() for name, part in embedder.network.state_dict().items()}, None)
    difference = compare(before.verification, after.verification, pairs, unseen)
    figures = {
        **_scores(before, after, pairs, difference, len(np.unique(unseen))),
        "counts": _counts(faces, split),
        "training": _training(history, describe_device(device)),
        "settings": settings.as_json(),
        "reasons": _reasons(before, split),
        "problems": list(faces.problems),
    }
    return TrainedEmbedder(embedder.cpu().eval(), figures, difference)


def _start(settings: TrainingSettings, models_dir: Path) -> Embedder:
    """The network as training begins."""
    weights = None
    if settings.pretrained:
        verify(models_dir, settings.pretrained)
        weights = load_weights(models_dir, "facenet", settings.pretrained)
    return build_embedder(settings.backbone, dim=settings.dim, side=settings.side, pretrained=weights)


def _make(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotTrain(f"The folder {output} cannot be used: {error.strerror}.") from error


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Keep a second training out of the folder; the system lets go of the lock when this process ends."""
    if os.name == "nt":
        yield
        return
    import fcntl

    with (output / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotTrain(f"Another training is at work in {output}; wait for it, or stop it.") from None
        yield


def _tidy(output: Path, restart: bool) -> None:
    """Remove what a kill left half written; and, to start again, what was learned."""
    halves = [path for name in (FACES, ROWS, CHECKPOINT, LOG, WEIGHTS) for path in output.glob(f".{name}.*.part")]
    for path in halves + [output / name for name in (CHECKPOINT, LOG, WEIGHTS, FIGURES) if restart]:
        path.unlink(missing_ok=True)


def _measure(
    embedder: Embedder,
    faces: TrainingFaces,
    split: Split,
    pairs: PairedFaces,
    device: Device,
    measured: Callable[[int, int], object],
) -> _Measured:
    total = len(split.train) + len(split.test) + len(split.unseen)

    def embed(rows: NDArray[np.intp]) -> NDArray[np.float32]:
        return embed_rows(embedder, faces.pixels, rows, device, progress=lambda done: measured(done, total))

    svm = svm_accuracy(embed(split.train), faces.people[split.train], embed(split.test), faces.people[split.test])
    return _Measured(svm, verify_rows(embed(split.unseen), pairs))


# Figures


def _scores(
    before: _Measured, after: _Measured, pairs: PairedFaces, difference: Difference | None, people: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for suffix, measured in (("", after), ("_untrained", before)):
        figures[f"svm_accuracy{suffix}"] = _rounded(measured.svm)
    verification: dict[str, Any] = {}
    for name, field in (
        ("accuracy", "accuracy"), ("accuracy_spread", "accuracy_spread"), ("tar_at_far_0.01", "tar_at_far_1_percent"),
        ("tar_at_far_0.001", "tar_at_far_01_percent"),
    ):  # fmt: skip
        for suffix, measured in (("", after), ("_untrained", before)):
            verification[f"{name}{suffix}"] = _rounded(getattr(measured.verification, field))
    return {
        **figures,
        "verification": {
            **verification,
            "gain": _rounded(difference.gain) if difference else None,
            "gain_low": _rounded(difference.gain_low) if difference else None,
            "people": people,
            "pairs": len(pairs.same),
            "folds": len(np.unique(pairs.folds)),
        },
        "is_better": difference.is_better if difference else None,
    }


def _counts(faces: TrainingFaces, split: Split) -> dict[str, int]:
    parts = {"trained_on": split.train, "validation": split.validation, "unseen": split.unseen}
    people = {f"people_{name}": len(np.unique(faces.people[rows])) for name, rows in parts.items()}
    counts = {f"faces_{name}": len(rows) for name, rows in {**parts, "tested": split.test}.items()}
    return {"faces": len(faces), "people": len(faces.names), **people, **counts}


def _training(history: TrainingHistory, device: str) -> dict[str, Any]:
    rows = history.rows
    return {
        "epochs": len(rows),
        "best_epoch": history.best_epoch,
        "steps": rows[-1].steps,
        "first_loss": _rounded(rows[0].loss),
        "last_loss": _rounded(rows[-1].loss),
        "first_loss_of_all": _rounded(rows[0].loss_of_all),
        "last_loss_of_all": _rounded(rows[-1].loss_of_all),
        "validation": _rounded(rows[history.best_epoch - 1].validation),
        "ended": history.ended,
        "device": device,
        "seconds": round(history.seconds, 1),
        "faces_per_second": round(history.faces_per_second, 1),
        "log": [asdict(row) for row in rows],
    }


def _reasons(measured: _Measured, split: Split) -> dict[str, str]:
    """Why each missing figure is missing, by its name."""
    reasons = {}
    if measured.verification.accuracy is None:
        reasons["verification.accuracy"] = (
            f"It takes {PEOPLE_TO_VERIFY} people with two photos each: two to train on, and two who are not."
        )
    if not len(split.validation):
        reasons["training.validation"] = (
            f"Nobody could be kept for it: that takes {PEOPLE_TO_VALIDATE} people with two photos each. Training did"
            " not stop early."
        )
    return reasons


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
