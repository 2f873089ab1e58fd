"""What is measured with: some photos of a folder, the same at 1920 x 1080, and faces cut from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ml.alignment import crop_for_embedding
from ml.arguments import checked_count, checked_number
from ml.detection import detect_faces
from ml.engine import open_engine
from ml.images import UnreadableImage, open_upright

Faces = NDArray[np.uint8]  # shape (n, 160, 160, 3), RGB

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".tif", ".tiff", ".bmp"}
# Together; a plain loop takes a quarter of a second for each on two cores, and goes over them six times.
MOST_MEGAPIXELS = 100
FULL_HD = (1920, 1080)
FULL_HD_PHOTOS = 6
FACES = 32
CAMERA_QUALITY = 92  # of JPEG files, about what cameras use


def choose_photos(folder: Path, most: int) -> list[Path]:
    """Up to `most` readable photos of a folder and those below it, spread evenly over it, of 100 megapixels at most.

    None where the folder has none or is not there.

    Raises:
        ValueError: most is not at least 1.
    """
    checked_count("most", most)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    chosen: list[Path] = []
    megapixels = 0.0
    for path in _spread(found, most):
        try:
            open_upright(path)
        except UnreadableImage:
            continue
        with Image.open(path) as image:
            megapixels += image.width * image.height / 1e6
        if chosen and megapixels > MOST_MEGAPIXELS:
            break
        chosen.append(path)
    return chosen


def write_full_hd(photos: Sequence[Path], folder: Path) -> list[Path]:
    """Write a few photos at 1920 x 1080, losslessly, and return their paths.

    Those that are wider than high are cut to that shape, others get black sides: so all faces stay.

    Raises:
        UnreadableImage: a photo cannot be read.
    """
    written = []
    for number, photo in enumerate(_spread(photos, FULL_HD_PHOTOS)):
        path = folder / f"{number}.bmp"
        image = open_upright(photo)
        shaped = ImageOps.fit if image.width > image.height else ImageOps.pad
        shaped(image, FULL_HD).save(path)
        written.append(path)
    return written


def write_enlarged(photos: Sequence[Path], megapixels: float, folder: Path) -> list[Path]:
    """Write photos at a camera's size as JPEG files, as many as have 100 megapixels together, and return their paths.

    Detail they do not have does not come with it; for the time they take, what counts is pixels and bytes.

    Raises:
        ValueError: megapixels is not above 0 and at most 100.
        UnreadableImage: a photo cannot be read.
    """
    checked_number("megapixels", megapixels, least=0.01, most=MOST_MEGAPIXELS)
    written = []
    for number, photo in enumerate(_spread(photos, max(int(MOST_MEGAPIXELS / megapixels), 1))):
        path = folder / f"{number:03}.jpg"
        image = open_upright(photo)
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        image.resize(size, Image.Resampling.BICUBIC).save(path, quality=CAMERA_QUALITY)
        written.append(path)
    return written


def cut_faces(photos: Sequence[Path], models_dir: Path, model: str) -> Faces:
    """Cut faces for the embedding network: shape (32, 160, 160, 3), repeated when there are fewer; (0, ...) if none.

    Raises:
        UnreadableImage: a photo cannot be read.
    """
    engine = open_engine(models_dir, model, "cpu")
    faces: list[NDArray[np.uint8]] = []
    for photo in photos:
        image = open_upright(photo)
        faces += [crop_for_embedding(image, box) for box in detect_faces(image, engine).boxes]
        if len(faces) >= FACES:
            break
    if not faces:
        return np.zeros((0, 160, 160, 3), dtype=np.uint8)
    return np.stack([faces[number % len(faces)] for number in range(FACES)])


def _spread(photos: Sequence[Path], most: int) -> list[Path]:
    """At most so many, evenly over all."""
    return [photos[number * len(photos) // most] for number in range(most)] if len(photos) > most else list(photos)
