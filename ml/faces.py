"""Finds the faces of photos and embeds them: the one door to the networks.

finder = load_face_finder(models_dir)
for face in finder.find_faces([open_upright("party.jpg")])[0]:
    print(face.box, face.quality)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.alignment import BOX_LAYOUT, crop_for_display, crop_for_embedding
from ml.detection import Detections, detect_faces, locate_landmarks
from ml.device import choose_device, describe_device
from ml.embedding import embed_faces
from ml.engine import Engine, open_engine
from ml.geometry import BoundingBox, squared
from ml.images import UnreadableImage, open_upright
from ml.memory import return_big_blocks
from ml.projection import Projection, load_projection
from ml.quality import face_quality
from ml.resampling import AreaSampler
from ml.weights import WeightsUnavailable, projection_path, verify

__all__ = [
    "BoundingBox", "FaceFinder", "FoundFace", "UnreadableImage", "WeightsUnavailable", "load_face_finder",
    "open_upright",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face of one photo.

    landmarks: shape (5, 2): x, y in fractions of the upright image, in the order of `ml.geometry.LANDMARKS`.
    score: the detector's certainty that this is a face, 0 to 1. quality: how well it can be recognised, 0 to 1.
    embedding: shape (512,), unit length, as the network gave it. projection: shape (128,), unit length, centred:
    what all thresholds are for. crop: a square for display, at most 320 pixels.
    """

    box: BoundingBox
    landmarks: NDArray[np.float32]
    score: float
    quality: float
    embedding: NDArray[np.float32]
    projection: NDArray[np.float32]
    crop: Image.Image


@dataclass(frozen=True, eq=False)
class _CutFace:
    """A face cut out but not yet embedded."""

    box: BoundingBox
    landmarks: NDArray[np.float32]
    score: float
    quality: float
    pixels: NDArray[np.uint8]
    crop: Image.Image


class FaceFinder:
    """Holds the loaded networks. One per process; any thread may use it.

    model_name: the embedding model, to store with each embedding; embeddings of two models do not compare.
    device: where it runs, in words.
    """

    def __init__(self, engine: Engine, projection: Projection, *, model_name: str, device: str) -> None:
        self.model_name = model_name
        self.device = device
        self._engine = engine
        self._projection = projection

    def find_faces(self, images: Sequence[Image.Image]) -> list[list[FoundFace]]:
        """Find and embed all faces of several photos.

        Args:
            images: upright RGB, of any sizes. Works on a few at a time, so memory does not grow with their number.

        Returns:
            For each image its faces, the surest first; an empty list where there are none.
        """
        with ThreadPoolExecutor(self._engine.lanes) as threads:
            cut = list(threads.map(self._cut_faces, images))
            embeddings = embed_faces([face.pixels for faces in cut for face in faces], self._engine, threads)
        found = iter(self._finish([face for faces in cut for face in faces], embeddings))
        return [[next(found) for _ in faces] for faces in cut]

    def embed_box(self, image: Image.Image, box: BoundingBox) -> FoundFace:
        """Embed the face in a box drawn by hand, even where the detector would see none.

        The box stays as drawn; where O-Net recognises a face in it, the embedding is taken from O-Net's idea of
        the box, so that it compares with those of faces found.
        """
        drawn = box.to_pixels(image.size)
        detections = locate_landmarks(squared(drawn[None]), AreaSampler(image), self._engine, threshold=0.0)
        # The mean layout stands in where the detector sees no face.
        corners, landmarks, score = drawn, drawn[:2] + BOX_LAYOUT * (drawn[2:] - drawn[:2]), 0.0
        if len(detections):
            score = float(detections.scores[0])
            if score > 0.5:
                corners, landmarks = detections.boxes[0], detections.landmarks[0]
        cut = _cut_face(image, corners, landmarks, score, box=box)
        with ThreadPoolExecutor(1) as threads:
            embeddings = embed_faces([cut.pixels], self._engine, threads)
        return self._finish([cut], embeddings)[0]

    def _cut_faces(self, image: Image.Image) -> list[_CutFace]:
        found: Detections = detect_faces(image, self._engine)
        faces = zip(found.boxes, found.landmarks, found.scores, strict=True)
        return [_cut_face(image, corners, landmarks, float(score)) for corners, landmarks, score in faces]

    def _finish(self, faces: Sequence[_CutFace], embeddings: NDArray[np.float32]) -> list[FoundFace]:
        projections = self._projection.apply(embeddings)
        return [
            FoundFace(face.box, face.landmarks, face.score, face.quality, embedding, projection, face.crop)
            for face, embedding, projection in zip(faces, embeddings, projections, strict=True)
        ]


def _cut_face(
    image: Image.Image,
    corners: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    score: float,
    *,
    box: BoundingBox | None = None,
) -> _CutFace:
    """Cut a face out of its photo; corners and landmarks in pixels. `box` replaces the box reported."""
    reported = box or BoundingBox.from_pixels(corners, image.size)
    # The embedding comes from the box cut off at the edges, the one that is stored, so that it can be made again.
    inside = BoundingBox.from_pixels(corners, image.size).to_pixels(image.size)
    pixels = crop_for_embedding(image, inside)
    return _CutFace(
        box=reported,
        landmarks=(landmarks / np.array(image.size, dtype=np.float32)).astype(np.float32),
        score=score,
        quality=face_quality(pixels, inside, landmarks, score),
        pixels=pixels,
        crop=crop_for_display(image, reported.to_pixels(image.size)),
    )


@functools.cache
def load_face_finder(models_dir: Path, model: str = "facenet-casia", device: str = "auto") -> FaceFinder:
    """Load the networks, once per process.

    Args:
        models_dir: the folder that `ml.weights.fetch` filled.
        model: "facenet-casia" or "vggface2".
        device: "auto", "cuda", "mps" or "cpu".

    Raises:
        WeightsUnavailable: weights are missing or damaged.
        DeviceUnavailable: the machine has no such device.
    """
    chosen = choose_device(device)
    verify(models_dir, model)
    return_big_blocks()
    engine = open_engine(models_dir, model, chosen)
    return FaceFinder(
        engine,
        load_projection(projection_path(models_dir, model)),
        model_name=model,
        device=f"{describe_device(chosen)} ({engine.name})",
    )
