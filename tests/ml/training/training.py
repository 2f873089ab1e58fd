"""Trains a small network on drawn faces, in a second or two."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ml.training.backbones import Embedder, build_embedder
from ml.training.faces import TrainingFaces
from ml.training.settings import TrainingSettings
from ml.training.splitting import split_faces
from ml.training.trainer import Trainer, TrainingHistory
from tests.ml.training.synthetic import drawn_faces

QUICK = {
    "backbone": "small", "side": 40, "dim": 32, "people_per_batch": 6, "faces_per_person": 3, "mining": "batch-all",
    "margin": 0.5, "epochs": 4,
}  # fmt: skip


def train_drawn(
    folder: Path, *, faces: TrainingFaces | None = None, dropout=None, report=lambda progress: None, **options
) -> tuple[Embedder, TrainingHistory]:
    settings = TrainingSettings(**{**QUICK, **options})
    faces = faces or drawn_faces(10, 6)
    torch.manual_seed(settings.seed)
    embedder = build_embedder(settings.backbone, dim=settings.dim, side=settings.side)
    for part in embedder.modules():
        if isinstance(part, nn.Dropout) and dropout is not None:
            part.p = dropout
    split = split_faces(faces.people, seed=settings.seed)
    trainer = Trainer(embedder, faces, split, settings, identity="drawn", device="cpu", output=folder, report=report)
    return embedder, trainer.run()


def weights_of(embedder: Embedder) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in embedder.network.state_dict().items()}
