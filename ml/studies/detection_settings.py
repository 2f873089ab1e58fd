"""How small a face to look for, how sure to be of it, and at what size: recall, false faces and time.

Hand-made boxes in photos, the photos shrunk step by step so that their faces get small, and big photos put together
from many of them, whose faces are small beside the whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.arguments import checked_image, checked_number, checked_numbers
from ml.detection import THRESHOLDS, CascadeThresholds, detect_faces
from ml.engine import Engine, open_engine
from ml.evaluation.labels import read_labelled_photos
from ml.geometry import pairwise_overlap
from ml.images import open_upright
from ml.studies.line_plot import Line, line_plot
from ml.studies.tables import write_table

SHRUNK_BY = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
FACE_SIDES = (10, 14, 20, 28, 40, 80, 10_000)  # edges of the classes of faces by size, pixels

SMALLEST_FACES = (12, 14, 16, 18, 20, 24, 28, 32, 40)
PNET_THRESHOLDS, RNET_THRESHOLDS, ONET_THRESHOLDS = (0.5, 0.6, 0.7), (0.6, 0.7, 0.8), (0.5, 0.7, 0.8, 0.9, 0.95)
# Longer side of the photo, and smallest face looked for in it, pixels
WORKING_SIDES = ((960, 20), (1440, 20), (1920, 14), (1920, 20), (1920, 28), (2560, 20), (3840, 20))

BIG_PHOTO = (3840, 2880)  # pixels, like a phone's
BIG_FACE_SIDES = (24, 36, 56)  # median side of the faces in each big photo, pixels
FACE_PARTS = (192, 128, 96, 64, 48)  # classes of faces: from 1/192 of the longer side to 1/128, and so on


@dataclass(frozen=True, eq=False)
class BoxedPhoto:
    """A photo and the faces that people saw in it.

    boxes: shape (n, 4): left, top, right, bottom in pixels. has_all: every clearly visible face has a box, so that
    anything else found is false.

    Raises:
        ValueError: image is not RGB, or boxes has another shape or holds what is no finite number.
    """

    image: Image.Image
    boxes: NDArray[np.float32]
    has_all: bool

    def __post_init__(self) -> None:
        checked_image("image", self.image)
        checked_numbers("boxes", self.boxes, None, 4)

    def shrunk(self, factor: float) -> BoxedPhoto:
        """The photo so many times smaller. Raises ValueError where factor is not above 0."""
        checked_number("factor", factor, least=1e-6)
        size = max(round(self.image.width / factor), 1), max(round(self.image.height / factor), 1)
        return BoxedPhoto(
            self.image.resize(size, Image.Resampling.LANCZOS), self.boxes / np.float32(factor), self.has_all
        )


@dataclass(frozen=True, eq=False)
class Found:
    """What one setting found in some photos.

    sides: shape (n,), of all hand-made boxes, pixels: root of the area. hits: shape (n,), whether each was found.
    false: faces found where there is none, in the photos with all faces boxed. photos: how many those are.
    seconds: of processor time, for all photos.
    """

    sides: NDArray[np.float32]
    hits: NDArray[np.bool_]
    false: int
    photos: int
    seconds: float

    @property
    def false_per_photo(self) -> float:
        """NaN where no photo has all its faces boxed."""
        return self.false / self.photos if self.photos else float("nan")

    def recall(self, least: float = 0.0, below: float = np.inf) -> float:
        """Share found of the boxes with sides in [least, below); NaN where there are none."""
        chosen = (self.sides >= least) & (self.sides < below)
        return float(self.hits[chosen].mean()) if chosen.any() else float("nan")


def run(data: Path, models_dir: Path, output: Path) -> None:
    """Measure all settings and write tables (CSV) and plots (SVG) into `output`; about ten minutes on two cores."""
    output.mkdir(parents=True, exist_ok=True)
    engine = open_engine(models_dir, "facenet-casia", "cpu")
    photos = read_boxed_photos(data)
    shrunk = [photo.shrunk(factor) for photo in photos for factor in SHRUNK_BY]
    smallest_face_table(shrunk, engine, output)
    threshold_table(shrunk, engine, output)
    working_side_table([big_photo(photos, side) for side in BIG_FACE_SIDES], engine, output)


# The photos


def read_boxed_photos(data: Path) -> list[BoxedPhoto]:
    """The photos of a labelled folder with hand-made boxes or without any face."""
    photos = []
    for photo in read_labelled_photos(data):
        boxes = [face.box for face in photo.faces if face.box is not None]
        if photo.status in ("complete", "partial", "no_faces"):
            corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], dtype=np.float32).reshape(-1, 4)
            image = open_upright(data / photo.file, min_side=10_000)
            photos.append(BoxedPhoto(image, corners, photo.status != "partial"))
    return photos


def big_photo(photos: Sequence[BoxedPhoto], face_side: float) -> BoxedPhoto:
    """Fill a big photo, row by row, with the fully boxed ones, each shrunk until its faces have about this side.

    Raises:
        ValueError: photos holds none that is fully boxed and has a face, or face_side is not above 0.
    """
    checked_number("face_side", face_side, least=1e-6)
    canvas = Image.new("RGB", BIG_PHOTO, (110, 110, 110))
    boxes = [np.zeros((0, 4), dtype=np.float32)]
    whole = [photo for photo in photos if photo.has_all and len(photo.boxes)]
    if not whole:
        raise ValueError("photos must hold one with all its faces boxed")
    left = top = row_height = number = 0
    while True:
        photo = whole[number % len(whole)]
        part = photo.shrunk(max(float(np.median(_sides(photo.boxes))) / face_side, 1.0))
        if left + part.image.width > canvas.width:
            left, top, row_height = 0, top + row_height, 0
        if top + part.image.height > canvas.height:
            return BoxedPhoto(canvas, np.concatenate(boxes), has_all=True)
        canvas.paste(part.image, (left, top))
        boxes.append(part.boxes + np.array([left, top, left, top], dtype=np.float32))
        left, row_height, number = left + part.image.width, max(row_height, part.image.height), number + 1


# Counting


def look(
    photos: Iterable[BoxedPhoto],
    engine: Engine,
    *,
    smallest_face: float | None = None,
    thresholds: CascadeThresholds = THRESHOLDS,
) -> Found:
    """Detect with one setting and compare with the hand-made boxes.

    Raises:
        ValueError: there are no photos.
    """
    seconds = time.process_time()

    def detect(photo: BoxedPhoto) -> NDArray[np.float32]:
        return detect_faces(photo.image, engine, smallest_face=smallest_face, thresholds=thresholds).boxes

    photos = list(photos)
    if not photos:
        raise ValueError("photos must hold at least one")
    with ThreadPoolExecutor(engine.lanes) as threads:
        found = list(threads.map(detect, photos))
    seconds = time.process_time() - seconds
    matched = [match(photo.boxes, boxes) for photo, boxes in zip(photos, found, strict=True)]
    judged = [index for index, photo in enumerate(photos) if photo.has_all]
    return Found(
        sides=np.concatenate([_sides(photo.boxes) for photo in photos]),
        hits=np.concatenate(matched),
        false=sum(len(found[index]) - int(matched[index].sum()) for index in judged),
        photos=len(judged),
        seconds=seconds,
    )


def match(drawn: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which hand-made boxes were found: each box found counts for the one it overlaps most, if by 0.3 or more, or if
    its centre lies inside.

    Args:
        drawn: shape (n, 4). found: shape (m, 4), best first.

    Returns:
        Shape (n,).

    Raises:
        ValueError: drawn or found has another shape, or holds what is no finite number.
    """
    drawn, found = checked_numbers("drawn", drawn, None, 4), checked_numbers("found", found, None, 4)
    hits = np.zeros(len(drawn), dtype=bool)
    overlaps = pairwise_overlap(found, drawn)
    centres = (found[:, None, :2] + found[:, None, 2:]) / 2
    inside: NDArray[np.bool_] = np.all((centres >= drawn[:, :2]) & (centres <= drawn[:, 2:]), axis=2)
    for overlap, near in zip(overlaps, inside, strict=True):
        open_boxes = ~hits & (near | (overlap >= 0.3))
        if open_boxes.any():
            hits[int(np.argmax(np.where(open_boxes, overlap, -1)))] = True
    return hits


def _sides(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    sides: NDArray[np.float32] = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    return sides


# The tables


def smallest_face_table(photos: Sequence[BoxedPhoto], engine: Engine, output: Path) -> None:
    """Recall by the size of the face, false faces and time, for each smallest face looked for."""
    classes = list(pairwise(FACE_SIDES))
    titles = [f"{low} to {high}" if high < FACE_SIDES[-1] else f"{low} on" for low, high in classes]
    rows, lines = [], []
    seconds = {}
    for smallest in SMALLEST_FACES:
        found = look(photos, engine, smallest_face=smallest)
        recalls = [found.recall(low, high) for low, high in classes]
        seconds[smallest] = found.seconds
        rows.append([smallest, *recalls, found.false_per_photo, found.seconds / len(photos) * 1000])
        middles = [float(np.sqrt(low * high)) for low, high in classes[:-1]]
        if smallest in (12, 16, 20, 28, 40):
            lines.append(Line(f"from {smallest} px", middles, recalls[:-1]))
    header = ["smallest face", *titles, "false per photo", "processor ms per photo"]
    write_table("Recall by the side of the face, pixels", header, rows, output / "smallest-face.csv")
    plot = line_plot(lines, title="Faces found", across="side of the face, pixels", up="share found", logarithmic=True)
    (output / "smallest-face.svg").write_text(plot)


def threshold_table(photos: Sequence[BoxedPhoto], engine: Engine, output: Path) -> None:
    """Recall and false faces for each threshold, the other two as they are."""
    settings = [(p, THRESHOLDS[1], THRESHOLDS[2]) for p in PNET_THRESHOLDS]
    settings += [(THRESHOLDS[0], r, THRESHOLDS[2]) for r in RNET_THRESHOLDS]
    settings += [(THRESHOLDS[0], THRESHOLDS[1], o) for o in ONET_THRESHOLDS]
    rows = []
    for setting in dict.fromkeys(settings):
        found = look(photos, engine, smallest_face=20, thresholds=setting)
        recalls = [found.recall(10, 20), found.recall(20, 40), found.recall(40)]
        rows.append([*setting, *recalls, found.false_per_photo, found.seconds / len(photos) * 1000])
    header = ["P-Net", "R-Net", "O-Net", "10 to 20", "20 to 40", "40 on", "false per photo", "processor ms per photo"]
    write_table("Thresholds, smallest face 20", header, rows, output / "thresholds.csv")


def working_side_table(photos: Sequence[BoxedPhoto], engine: Engine, output: Path) -> None:
    """Recall of small faces in big photos, and time, by the size photos are reduced to and the smallest share."""
    rows = []
    for side, smallest in WORKING_SIDES:
        reduced = [photo.shrunk(max(photo.image.size) / side) for photo in photos]
        found = look(reduced, engine, smallest_face=smallest)
        # Faces by the part of the longer side that they take up
        recalls = [found.recall(side / least, side / most) for least, most in pairwise(FACE_PARTS)]
        rows.append([side, smallest, *recalls, found.false_per_photo, found.seconds / len(photos) * 1000])
    header = ["longer side", "smallest face", *[f"1/{least} to 1/{most}" for least, most in pairwise(FACE_PARTS)]]
    header += ["false per photo", "processor ms per photo"]
    write_table(f"{len(photos)} photos of {BIG_PHOTO[0]} x {BIG_PHOTO[1]}", header, rows, output / "working-side.csv")
