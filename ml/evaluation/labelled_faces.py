"""The faces of a labelled folder, found and embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.labels import Pixels, read_labelled_photos
from ml.faces import FoundFace, load_face_finder, open_upright

PHOTOS_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class LabelledFaces:
    """Faces of known people, one row each.

    files, persons: shape (n,), text. embeddings: (n, 512). projections: (n, 128). qualities, sides: (n,); sides are
    the shorter side of the box in pixels.
    """

    files: NDArray[np.str_]
    persons: NDArray[np.str_]
    embeddings: NDArray[np.float32]
    projections: NDArray[np.float32]
    qualities: NDArray[np.float32]
    sides: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path) -> LabelledFaces:
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def save(self, path: Path) -> None:
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    def identities(self) -> NDArray[np.int64]:
        """Persons as numbers."""
        return np.unique(self.persons, return_inverse=True)[1].astype(np.int64)


def embed_labelled(data: Path, models_dir: Path) -> LabelledFaces:
    """Find every labelled, named face in its photo and embed it; a face not found is left out."""
    finder = load_face_finder(models_dir)
    photos = [photo for photo in read_labelled_photos(data) if any(face.person for face in photo.faces)]
    rows: list[tuple[str, str, FoundFace, float]] = []
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        some = photos[start : start + PHOTOS_AT_ONCE]
        images = [open_upright(data / photo.file) for photo in some]
        for photo, image, faces in zip(some, images, finder.find_faces(images), strict=True):
            for labelled in photo.faces:
                face = labelled_face(faces, labelled.box, image.size) if labelled.person else None
                if face is not None:
                    side = min(face.box.width * image.width, face.box.height * image.height)
                    rows.append((photo.file, str(labelled.person), face, side))
    return LabelledFaces(
        files=np.array([file for file, _, _, _ in rows]),
        persons=np.array([person for _, person, _, _ in rows]),
        embeddings=np.stack([face.embedding for _, _, face, _ in rows]),
        projections=np.stack([face.projection for _, _, face, _ in rows]),
        qualities=np.array([face.quality for _, _, face, _ in rows], dtype=np.float32),
        sides=np.array([side for _, _, _, side in rows], dtype=np.float32),
    )


def labelled_face(faces: Sequence[FoundFace], box: Pixels | None, size: tuple[int, int]) -> FoundFace | None:
    """The face whose centre lies nearest to the middle of the box and inside it; without a box the largest."""
    if not faces:
        return None
    if box is None:
        return max(faces, key=lambda face: face.box.width * face.box.height)
    left, top, width, height = box
    best, best_distance = None, np.inf
    for face in faces:
        x = (face.box.left + face.box.width / 2) * size[0]
        y = (face.box.top + face.box.height / 2) * size[1]
        distance = float(np.hypot(x - left - width / 2, y - top - height / 2))
        if left <= x <= left + width and top <= y <= top + height and distance < best_distance:
            best, best_distance = face, distance
    return best
