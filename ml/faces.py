"""Finds the faces of photos and embeds them: the one door to the networks.

finder = load_face_finder(models_dir)
for face in finder.find_faces([open_upright("party.jpg")])[0]:
    print(face.box, face.quality)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.alignment import ARCFACE_LAYOUT, BOX_LAYOUT, crop_for_display, crop_for_embedding, warp_to_layout
from ml.arguments import checked_image, checked_numbers
from ml.detection import (
    MEASURED_THRESHOLDS,
    SMALLEST_FACE,
    Detections,
    detect_faces,
    locate_landmarks,
    smallest_face_of,
    working_side,
)
from ml.device import Device, DeviceUnavailable, choose_device, describe_device
from ml.embedding import embed_faces
from ml.engine import Engine, open_engine
from ml.geometry import BoundingBox, pairwise_overlap, squared
from ml.images import UnreadableImage, open_upright
from ml.memory import return_big_blocks
from ml.models import DEFAULT_MODEL, FaceModel, find_model
from ml.projection import Projection, load_projection
from ml.quality import face_quality
from ml.resampling import AreaSampler
from ml.weights import WeightsUnavailable, projection_path, verify

__all__ = [
    "BoundingBox", "EmbeddedFace", "FaceFinder", "FoundFace", "KnownFace", "UnreadableImage", "WeightsUnavailable",
    "load_face_finder", "open_face_finder", "open_upright", "working_side",
]  # fmt: skip


# Somebody says that there is a face: the cascade may be less sure of it than when it looks by itself.
DRAWN_THRESHOLDS = (0.5, 0.5, 0.5)
DRAWN_SHARE = 0.4  # of the side of a drawn box, that a face in it has at least
DRAWN_SMALLEST = 8  # pixels; the detector takes no less
DRAWN_OVERLAP = 0.2  # with the drawn box, as a share of the union, of the face that is meant


@dataclass(frozen=True, eq=False)
class KnownFace:
    """Where a face was found before. landmarks: shape (5, 2), fractions of the upright image."""

    box: BoundingBox
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face of one photo.

    landmarks: shape (5, 2): x, y in fractions of the upright image, in the order of `ml.geometry.LANDMARKS`.
    score: the detector's certainty that this is a face, 0 to 1. quality: how well it can be recognised, 0 to 1.
    embedding: shape (512,), unit length, as the network gave it. projection: shape (k,), unit length, centred: what all
    thresholds are for; k is 128 for FaceNet. crop: a square for display, at most 320 pixels.
    """

    box: BoundingBox
    landmarks: NDArray[np.float32]
    score: float
    quality: float
    embedding: NDArray[np.float32]
    projection: NDArray[np.float32]
    crop: Image.Image

    @property
    def known(self) -> KnownFace:
        """Its place alone, for `FaceFinder.embed_again`."""
        return KnownFace(self.box, self.landmarks)


@dataclass(frozen=True, eq=False)
class EmbeddedFace:
    """What a network makes of a face: embedding and projection as in `FoundFace`."""

    embedding: NDArray[np.float32]
    projection: NDArray[np.float32]


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

    model: the embedding model. device: where it runs, in words.
    """

    def __init__(
        self,
        engine: Engine,
        projection: Projection,
        *,
        model: FaceModel,
        device: str,
        smallest_face: float = SMALLEST_FACE,
    ) -> None:
        self.model = model
        self.device = device
        self._smallest_face = smallest_face
        self._engine = engine
        self._projection = projection

    @property
    def model_name(self) -> str:
        """What to store with each embedding; embeddings of two models do not compare."""
        return self.model.name

    def find_faces(self, images: Sequence[Image.Image]) -> list[list[FoundFace]]:
        """Find and embed all faces of several photos.

        Args:
            images: upright RGB, of any sizes. Works on a few at a time, so memory does not grow with their number.

        Returns:
            For each image its faces, the surest first; an empty list where there are none. All boxes have an area.

        Raises:
            ValueError: an image is not RGB.
        """
        _check_images(images)
        with ThreadPoolExecutor(self._engine.lanes) as threads:
            if len(images) < self._engine.lanes:
                cut = [self._cut_faces(image, threads) for image in images]
            else:
                cut = list(threads.map(self._cut_faces, images))
            embeddings = self._embed([face.pixels for faces in cut for face in faces], threads)
        found = iter(self._finish([face for faces in cut for face in faces], embeddings))
        return [[next(found) for _ in faces] for faces in cut]

    def embed_box(self, image: Image.Image, box: BoundingBox) -> FoundFace:
        """Embed the face in a box drawn by hand, even where the detector would see none.

        The box stays as drawn; where O-Net recognises a face in it, the embedding is taken from O-Net's idea of
        the box, so that it compares with those of faces found.

        Args:
            image: upright RGB.
            box: one that is smaller than a pixel, or lies beside the image, gives an embedding of no use.

        Raises:
            ValueError: the image is not RGB.
        """
        checked_image("image", image)
        drawn = box.to_pixels(image.size)
        detections = locate_landmarks(squared(drawn[None]), AreaSampler(image), self._engine, threshold=0.0)
        # The mean layout stands in where the detector sees no face.
        corners, landmarks, score = drawn, drawn[:2] + BOX_LAYOUT * (drawn[2:] - drawn[:2]), 0.0
        if len(detections):
            score = float(detections.scores[0])
            if score > 0.5:
                corners, landmarks = detections.boxes[0], detections.landmarks[0]
        cut = _cut_face(image, corners, landmarks, score, self.model, box=box)
        with ThreadPoolExecutor(1) as threads:
            embeddings = self._embed([cut.pixels], threads)
        return self._finish([cut], embeddings)[0]

    def embed_drawn(self, image: Image.Image, box: BoundingBox) -> FoundFace:
        """Embed the face in a box that somebody drew roughly.

        The detector looks at the box with as much again around it, and lets more pass than it does by itself. What it
        finds where the box is gives the landmarks and the embedding; the box reported stays as drawn. Where it finds
        nothing, this is `embed_box`.

        Args, Raises: as for `embed_box`.
        """
        checked_image("image", image)
        drawn = box.to_pixels(image.size)
        found = self._face_near(image, drawn)
        if found is None:
            return self.embed_box(image, box)
        cut = _cut_face(image, *found, self.model, box=box)
        with ThreadPoolExecutor(1) as threads:
            embeddings = self._embed([cut.pixels], threads)
        return self._finish([cut], embeddings)[0]

    def embed_again(
        self, images: Sequence[Image.Image], faces: Sequence[Sequence[KnownFace]]
    ) -> list[list[EmbeddedFace]]:
        """Embed faces that were found before, without looking for faces.

        Args:
            images: upright RGB, of any sizes.
            faces: those of each image. Of a face that `find_faces` found with the same model the same embedding comes
                out, but for the rounding of its box.

        Returns:
            For each image its faces, in the order given.

        Raises:
            ValueError: images and faces differ in length, an image is not RGB, or landmarks are not five times two
                finite numbers.
        """
        _check_images(images)
        if len(faces) != len(images):
            raise ValueError(f"faces must be those of {len(images)} images, not of {len(faces)}")
        known = [(image, face) for image, theirs in zip(images, faces, strict=True) for face in theirs]
        with ThreadPoolExecutor(self._engine.lanes) as threads:
            pixels = list(threads.map(lambda pair: _cut_again(pair[0], pair[1], self.model), known))
            embeddings = self._embed(pixels, threads)
        embedded = map(EmbeddedFace, embeddings, self._projection.apply(embeddings))
        return [[next(embedded) for _ in theirs] for theirs in faces]

    def _face_near(
        self, image: Image.Image, drawn: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], float] | None:
        """Corners, landmarks and score, in pixels, of the face that best fits a drawn box; None where there is none."""
        air = (drawn[2:] - drawn[:2]) / 2
        left, top = np.floor(np.clip(drawn[:2] - air, 0, image.size)).astype(int)
        right, bottom = np.ceil(np.clip(drawn[2:] + air, 0, image.size)).astype(int)
        smallest = float((drawn[2:] - drawn[:2]).min()) * DRAWN_SHARE
        if smallest < DRAWN_SMALLEST or right <= left or bottom <= top:
            return None
        part = image.crop((left, top, right, bottom))
        found = detect_faces(part, self._engine, smallest_face=smallest, thresholds=DRAWN_THRESHOLDS)
        if not len(found):
            return None
        origin = np.array((left, top), dtype=np.float32)
        corners = found.boxes + np.tile(origin, 2)
        overlaps = pairwise_overlap(drawn[None], corners)[0]
        best = int(overlaps.argmax())
        if overlaps[best] < DRAWN_OVERLAP:
            return None
        return corners[best], found.landmarks[best] + origin, float(found.scores[best])

    def _embed(self, pixels: Sequence[NDArray[np.uint8]], threads: ThreadPoolExecutor) -> NDArray[np.float32]:
        return embed_faces(pixels, self._engine, threads, at_once=self.model.faces_at_once)

    def _cut_faces(self, image: Image.Image, threads: Executor | None = None) -> list[_CutFace]:
        smallest = smallest_face_of(image.size, self._smallest_face)
        found: Detections = detect_faces(
            image, self._engine, smallest_face=smallest, thresholds=MEASURED_THRESHOLDS, threads=threads
        )
        faces = zip(found.boxes, found.landmarks, found.scores, strict=True)
        return [
            _cut_face(image, corners, landmarks, float(score), self.model)
            for corners, landmarks, score in faces
            if _has_area(BoundingBox.from_pixels(corners, image.size))
        ]

    def _finish(self, faces: Sequence[_CutFace], embeddings: NDArray[np.float32]) -> list[FoundFace]:
        projections = self._projection.apply(embeddings)
        return [
            FoundFace(face.box, face.landmarks, face.score, face.quality, embedding, projection, face.crop)
            for face, embedding, projection in zip(faces, embeddings, projections, strict=True)
        ]


def _check_images(images: Sequence[Image.Image]) -> None:
    for number, image in enumerate(images):
        checked_image(f"images[{number}]", image)


def _has_area(box: BoundingBox) -> bool:
    """Whether anything of a detection lies in the image; the networks may see one wholly beside it."""
    return box.width > 0 and box.height > 0


def _cut_face(
    image: Image.Image,
    corners: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    score: float,
    model: FaceModel,
    *,
    box: BoundingBox | None = None,
) -> _CutFace:
    """Cut a face out of its photo; corners and landmarks in pixels. `box` replaces the box reported."""
    reported = box or BoundingBox.from_pixels(corners, image.size)
    # The embedding comes from the box cut off at the edges, the one that is stored, so that it can be made again.
    inside = BoundingBox.from_pixels(corners, image.size).to_pixels(image.size)
    # Quality is rated on the box as it is: what is black around a face that was turned is no detail of the face, and
    # the score is kept when the model changes.
    quality = face_quality(crop_for_embedding(image, inside), inside, landmarks, score)
    return _CutFace(
        box=reported,
        landmarks=(landmarks / np.array(image.size, dtype=np.float32)).astype(np.float32),
        score=score,
        quality=quality,
        pixels=_cut_for_model(image, inside, landmarks, model),
        crop=crop_for_display(image, reported.to_pixels(image.size)),
    )


def _cut_again(image: Image.Image, face: KnownFace, model: FaceModel) -> NDArray[np.uint8]:
    landmarks = checked_numbers("landmarks", face.landmarks, 5, 2) * np.array(image.size, dtype=np.float32)
    return _cut_for_model(image, face.box.to_pixels(image.size), landmarks, model)


def _cut_for_model(
    image: Image.Image, corners: NDArray[np.float32], landmarks: NDArray[np.float32], model: FaceModel
) -> NDArray[np.uint8]:
    """Cut a face out as the model wants it; corners and landmarks in pixels."""
    if model.crop == "box":
        return crop_for_embedding(image, corners, landmarks)
    try:
        return warp_to_layout(image, landmarks, ARCFACE_LAYOUT, model.side)
    except ValueError:
        # Landmarks out of order, on something that is hardly a face: it is cut where eyes usually are.
        usual = corners[:2] + BOX_LAYOUT * (corners[2:] - corners[:2])
        return warp_to_layout(image, usual, ARCFACE_LAYOUT, model.side)


def open_face_finder(
    models_dir: Path,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    smallest_face: float = SMALLEST_FACE,
    precision: str = "auto",
) -> FaceFinder:
    """Load the networks.

    Args:
        models_dir: the folder that `ml.weights.fetch` filled.
        model: as for `ml.models.find_model`.
        device: "auto", "cuda", "mps" or "cpu"; models that were plugged in run on the CPU.
        smallest_face: side in pixels of the smallest face to look for, as for `ml.detection.smallest_face_of`.
        precision: of embeddings on the CPU, as for `ml.precision.choose_precision`; the reference is "f32".

    Raises:
        ValueError: smallest_face is below 8, the precision is unknown, or the model has no such form.
        WeightsUnavailable: weights are missing or damaged.
        DeviceUnavailable: the machine has no such device.
    """
    smallest_face_of((0, 0), smallest_face)  # refused at once, not with the first photo
    known = find_model(models_dir, model)
    chosen = _device_for(known, device)
    verify(models_dir, known.name)
    return_big_blocks()
    engine = open_engine(models_dir, known.name, chosen, precision)
    return FaceFinder(
        engine,
        load_projection(projection_path(models_dir, known.name)),
        model=known,
        device=f"{describe_device(chosen)} ({engine.name})",
        smallest_face=smallest_face,
    )


# Once per process, as long as it is the same model; the last only: a worker that changes models would hold the networks
# of both.
load_face_finder = functools.lru_cache(maxsize=1)(open_face_finder)


def _device_for(model: FaceModel, wanted: str) -> Device:
    if not model.is_plugged_in:
        return choose_device(wanted)
    if wanted not in ("auto", "cpu"):
        raise DeviceUnavailable(f"{model.name} runs on the CPU only; set the face device to auto or cpu.")
    return "cpu"
