"""Compares our detector with facenet-pytorch's, whose results it should give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.detection import Detections, detect_faces
from ml.engine import Engine, open_engine
from ml.geometry import pairwise_overlap
from ml.images import open_upright
from ml.models import CASIA

SMALLEST_FACE = 20  # pixels, of both detectors
LEAST_OVERLAP = 0.95  # intersection over union of boxes that are the same
MOST_APART = 0.01  # scores that are the same differ by less


@dataclass(frozen=True)
class Difference:
    """A face of facenet-pytorch's that ours does not give alike: its box and score, and what comes nearest of ours.

    box: left, top, right, bottom in pixels. overlap: intersection over union, 0 where we found nothing near.
    """

    photo: str
    box: tuple[int, int, int, int]
    score: float
    overlap: float
    our_score: float

    def __str__(self) -> str:
        place = f"{self.photo}, {self.box}, score {self.score:.3f}"
        return f"{place}: overlap {self.overlap:.2f}, score {self.our_score:.3f}" if self.overlap else f"{place}: none"


@dataclass(frozen=True)
class StockComparison:
    """faces: found by facenet-pytorch. ours: found by us. differences: those of its faces that ours are not like.

    additions: how many of ours are like none of its.
    """

    photos: int
    faces: int
    ours: int
    differences: tuple[Difference, ...]
    additions: int

    @property
    def agree(self) -> int:
        return self.faces - len(self.differences)


def compare_with_stock(
    photos: Sequence[Path], models_dir: Path, shape: Callable[[Image.Image], Image.Image] = lambda image: image
) -> StockComparison:
    """Find the faces of photos with both detectors, at facenet-pytorch's thresholds.

    Args:
        photos: opened at full size.
        models_dir: the folder that `ml.weights.fetch` filled.
        shape: what to do with each photo first.

    Raises:
        UnreadableImage: a photo cannot be read.
    """
    from facenet_pytorch import MTCNN

    reference = MTCNN(keep_all=True, min_face_size=SMALLEST_FACE)
    engine = open_engine(models_dir, CASIA, "cpu")
    faces = ours = additions = 0
    differences: list[Difference] = []
    for photo in photos:
        image = shape(open_upright(photo, min_side=10**6))
        boxes, scores = reference.detect(image)
        expected = np.zeros((0, 4), np.float32) if boxes is None else boxes.astype(np.float32)
        found = _ours(image, engine)
        faces, ours = faces + len(expected), ours + len(found)
        # Boxes of either detector overlap too little for two to be like one.
        overlaps = pairwise_overlap(expected, found.boxes)
        additions += int((overlaps.max(axis=0, initial=0) <= LEAST_OVERLAP).sum())
        if len(expected):
            differences += _differences(photo.name, expected, scores, found, overlaps)
    return StockComparison(len(photos), faces, ours, tuple(differences), additions)


def _ours(image: Image.Image, engine: Engine) -> Detections:
    return detect_faces(image, engine, smallest_face=SMALLEST_FACE)


def _differences(
    photo: str,
    boxes: NDArray[np.float32],
    scores: NDArray[np.floating],
    found: Detections,
    overlaps: NDArray[np.float32],
) -> Iterator[Difference]:
    for box, score, row in zip(boxes, scores, overlaps, strict=True):
        nearest = int(row.argmax()) if len(row) else -1
        overlap, our_score = (float(row[nearest]), float(found.scores[nearest])) if nearest >= 0 else (0.0, 0.0)
        if overlap <= LEAST_OVERLAP or abs(our_score - score) >= MOST_APART:
            left, top, right, bottom = (round(float(side)) for side in box)
            yield Difference(photo, (left, top, right, bottom), float(score), overlap, our_score)
