"""Detection: which faces are found, and what is found that is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.detection import detect_faces
from ml.engine import open_engine
from ml.evaluation.labelled_faces import labelled_face
from ml.evaluation.labels import LabelledPhoto
from ml.faces import FaceFinder, open_upright
from ml.geometry import pairwise_overlap


def compare_with_stock(photos: Sequence[Path], models_dir: Path) -> tuple[NDArray[np.float64], int]:
    """Compare our boxes with those of facenet-pytorch's own detector at the same smallest face.

    Returns:
        For each of its boxes the best intersection over union with one of ours, and how many boxes we found.
    """
    from facenet_pytorch import MTCNN

    reference = MTCNN(keep_all=True)
    engine = open_engine(models_dir, "facenet-casia", "cpu")
    agreement: list[float] = []
    ours = 0
    for photo in photos:
        image = open_upright(photo, min_side=10**6)
        boxes = reference.detect(image)[0]
        found = detect_faces(image, engine, smallest_face=20)
        expected = np.zeros((0, 4), np.float32) if boxes is None else boxes.astype(np.float32)
        ours += len(found)
        agreement.extend(pairwise_overlap(expected, found.boxes).max(axis=1, initial=0))
    return np.array(agreement), ours


def count_found(data: Path, photos: Sequence[LabelledPhoto], finder: FaceFinder) -> tuple[int, int, int]:
    """Hand-made boxes found, hand-made boxes in all, and faces found in photos without any."""
    found = boxes = false = 0
    for photo in photos:
        drawn = [face.box for face in photo.faces if face.box is not None]
        if photo.status == "nominal_box" or not (drawn or photo.status == "no_faces"):
            continue
        image = open_upright(data / photo.file)
        faces = finder.find_faces([image])[0]
        boxes += len(drawn)
        found += sum(labelled_face(faces, box, image.size) is not None for box in drawn)
        false += len(faces) if photo.status == "no_faces" else 0
    return found, boxes, false
