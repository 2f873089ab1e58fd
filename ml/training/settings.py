"""How an embedder is to be trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import get_args

from ml.alignment import FACE_SIDE
from ml.arguments import checked_count, checked_number
from ml.training.backbones import INCEPTION, Backbone, Part
from ml.training.errors import CannotTrain
from ml.training.splitting import FEWEST_PHOTOS
from ml.training.triplets import FARTHEST, MININGS, Mining

FROM_SCRATCH, FINE_TUNING = 1e-3, 1e-4  # learning rates
LEAST_MARGIN = 1e-6
HIGHEST_RATE = 1e30  # more than single precision can hold the square of


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides about the result, beside the photos: the same settings give the same weights.

    backbone, dim, side: as for `ml.training.backbones.build_embedder`. pretrained: name of the model to start from, or
    "" for random weights. part: what of it learns. mining, margin: as for `ml.training.triplets.triplet_loss`.
    people_per_batch, faces_per_person: P and K. epochs: at most. learning_rate: the highest; 0 for 0.001, or 0.0001
    when a model is there to start from. weight_decay: of AdamW. longest_gradient: gradients are shortened to this
    length. patience: epochs without a better validation after which training stops. fewest_photos: of a person to be
    trained on. augments: whether faces are varied.

    Raises:
        CannotTrain: a number is out of its range, or a name unknown; the sentence says which.
    """

    backbone: Backbone = INCEPTION
    dim: int = 128
    side: int = FACE_SIDE
    pretrained: str = ""
    part: Part = "all"
    mining: Mining = "semi-hard"
    margin: float = 0.2
    people_per_batch: int = 16
    faces_per_person: int = 4
    epochs: int = 60
    learning_rate: float = 0.0
    weight_decay: float = 1e-4
    longest_gradient: float = 1.0
    patience: int = 15
    fewest_photos: int = FEWEST_PHOTOS
    seed: int = 0
    augments: bool = True

    def __post_init__(self) -> None:
        try:
            for name, least in (
                ("dim", 1), ("side", 1), ("people_per_batch", 2), ("faces_per_person", 2), ("epochs", 1),
                ("patience", 1), ("fewest_photos", FEWEST_PHOTOS), ("seed", 0),
            ):  # fmt: skip
                checked_count(name, getattr(self, name), least=least)
            checked_number("margin", self.margin, least=LEAST_MARGIN, most=FARTHEST)
            checked_number("longest_gradient", self.longest_gradient, least=1e-9)
            for name in ("learning_rate", "weight_decay"):
                checked_number(name, getattr(self, name), least=0, most=HIGHEST_RATE)
        except ValueError as error:
            sentence = str(error).replace("_", " ")
            raise CannotTrain(f"{sentence[0].upper()}{sentence[1:]}.") from error
        for name, known in (("mining", MININGS), ("part", get_args(Part))):
            if getattr(self, name) not in known:
                raise CannotTrain(f"The {name} must be one of {', '.join(known)}, not {getattr(self, name)}.")
        if self.part == "last-block" and not self.pretrained:
            raise CannotTrain("Only a pretrained network can be trained in its last block alone: say which one.")

    @property
    def highest_rate(self) -> float:
        """The learning rate that is meant."""
        return self.learning_rate or (FINE_TUNING if self.pretrained else FROM_SCRATCH)

    def as_json(self) -> dict[str, object]:
        """By name, as it is stored with a checkpoint and reported."""
        return {**asdict(self), "learning_rate": self.highest_rate}
