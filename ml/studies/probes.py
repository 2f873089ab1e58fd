"""The faces that quality is measured on: as photographed, spoiled, and things that are no faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.alignment import crop_for_embedding
from ml.detection import Detections, detect_faces, locate_landmarks
from ml.embedding import embed_faces
from ml.engine import Engine, open_engine
from ml.evaluation.face_rows import FaceRows
from ml.evaluation.labels import LabelledFace, read_labelled_photos
from ml.geometry import BoundingBox
from ml.images import open_upright
from ml.projection import load_projection
from ml.quality import measure_face
from ml.resampling import AreaSampler
from ml.studies.earlier_quality import earlier_quality
from ml.studies.faceless import blotches, lettering
from ml.studies.spoiling import SPOILERS
from ml.weights import projection_path

MODEL = "facenet-casia"
SEED, FACELESS_SEED = 7, 3
FEWEST_PHOTOS = 4  # of a person: three to know them by, one to recognise
MOST_FACES = 4  # of a person of the large part, so that the most photographed do not drown the others
LARGE_PART = "people/"

CLEAN, NO_FACE = "as photographed", "no face"
# Of the two that spoil one photo together, what happens before the lens comes first.
TOGETHER = ("tilted", "dark", "faded", "blurred", "shaken", "grainy", "shrunk", "compressed")

LETTERINGS, BLOTCHES = 120, 80
WINDOWS, WINDOWS_IN_PHOTO = 400, 1500  # random squares O-Net looks at in a drawn picture, in a photo
SMALLEST_WINDOW = 20  # pixels

# The same, in the order in which chance picks from them.
TOGETHER_CHOICE = ("shrunk", "blurred", "grainy", "compressed", "dark", "tilted", "shaken", "faded")

AT_ONCE = 64

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Probes(FaceRows):
    """Faces to rate, one row each.

    files, persons, kinds: shape (n,), text; persons is empty for what is no face. kinds: how it was spoiled.
    measures: shape (n, 8), as `ml.quality.measure_face` gives them. earlier: (n,), the score before this one.
    projections: (n, 128), unit rows.
    """

    files: NDArray[np.str_]
    persons: NDArray[np.str_]
    kinds: NDArray[np.str_]
    measures: NDArray[np.float64]
    earlier: NDArray[np.float64]
    projections: NDArray[np.float32]

    @property
    def is_face(self) -> NDArray[np.bool_]:
        return np.asarray(self.kinds != NO_FACE)


@dataclass(frozen=True, eq=False)
class CutProbe:
    """A probe before it is embedded. pixels: shape (160, 160, 3)."""

    file: str
    person: str
    kind: str
    pixels: NDArray[np.uint8]
    measures: NDArray[np.float64]
    earlier: float


def collect_probes(data: Path, models_dir: Path) -> Probes:
    """Find, spoil, rate and embed. Takes some minutes; the same data gives the same probes.

    Raises:
        BadLabels: as for `ml.evaluation.labels.read_folder`.
        ValueError: data holds nobody with four photos, and no photo without a face.
    """
    engine = open_engine(models_dir, MODEL, "cpu")
    projection = load_projection(projection_path(models_dir, MODEL))
    cut: list[CutProbe] = []
    projections = []
    with ThreadPoolExecutor(engine.lanes) as threads:
        for some in _in_parts(_all_cut(data, engine, threads), AT_ONCE):
            projections.append(projection.apply(embed_faces([probe.pixels for probe in some], engine, threads)))
            cut.extend(some)
    if not cut:
        raise ValueError(f"data must hold people with {FEWEST_PHOTOS} photos, or photos without faces; {data} does not")
    return Probes(
        files=np.array([probe.file for probe in cut]),
        persons=np.array([probe.person for probe in cut]),
        kinds=np.array([probe.kind for probe in cut]),
        measures=np.stack([probe.measures for probe in cut]),
        earlier=np.array([probe.earlier for probe in cut]),
        projections=np.concatenate(projections),
    )


def _all_cut(data: Path, engine: Engine, threads: Executor) -> Iterator[CutProbe]:
    faces = enumerate(_chosen_faces(data))
    yield from _side_by_side(lambda face: _spoiled_probes(data, *face, engine), faces, threads)
    yield from _side_by_side(lambda picture: _false_faces(*picture, engine), _faceless(data), threads)


def _side_by_side(work: Callable[[T], list[CutProbe]], items: Iterable[T], threads: Executor) -> Iterator[CutProbe]:
    """What the work gives, in the order of the items, without taking on all of them at once."""
    for some in _in_parts(iter(items), AT_ONCE):
        for probes in threads.map(work, some):
            yield from probes


def _in_parts(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while part := list(islice(items, size)):
        yield part


# Faces of known people


def _chosen_faces(data: Path) -> list[tuple[str, LabelledFace]]:
    """Photos and the face meant in each: people in four photos or more, a few each."""
    photos = [photo for photo in read_labelled_photos(data) if any(face.person for face in photo.faces)]
    counts = Counter(face.person for photo in photos for face in photo.faces)
    np.random.default_rng(SEED).shuffle(photos)
    taken: Counter[str | None] = Counter()
    chosen = []
    for photo in photos:
        for face in photo.faces:
            is_wanted = taken[face.person] < MOST_FACES or not photo.file.startswith(LARGE_PART)
            if face.person and counts[face.person] >= FEWEST_PHOTOS and is_wanted:
                taken[face.person] += 1
                chosen.append((photo.file, face))
    return chosen


def _spoiled_probes(data: Path, number: int, chosen: tuple[str, LabelledFace], engine: Engine) -> list[CutProbe]:
    """One face as photographed, spoiled in two ways, and spoiled by two things together, where it is still found."""
    file, labelled = chosen
    random = np.random.default_rng([SEED, number])
    image = open_upright(data / file)
    found = detect_faces(image, engine)
    place = _labelled_place(found, labelled)
    if place is None:
        return []
    person, box = str(labelled.person), found.boxes[place]
    probes = [_cut(image, found, place, file, person, CLEAN)]
    one, other = random.choice(list(SPOILERS), 2, replace=False).tolist()
    together = sorted(random.choice(TOGETHER_CHOICE, 2, replace=False).tolist(), key=TOGETHER.index)
    for kinds in ([one], [other], together):
        spoiled = image
        for kind in kinds:
            spoiled = SPOILERS[kind](spoiled, _moved(box, image, spoiled), random)
        found = detect_faces(spoiled, engine)
        where = _moved(box, image, spoiled)
        place = _nearest_inside(found, where, (where[:2] + where[2:]) / 2)
        if place is not None:
            probes.append(_cut(spoiled, found, place, file, person, " and ".join(kinds)))
    return probes


def _moved(box: NDArray[np.float32], image: Image.Image, other: Image.Image) -> NDArray[np.float32]:
    """The box in pixels of another size of the same photo."""
    scale = np.array(other.size) / np.array(image.size)
    moved: NDArray[np.float32] = (box * np.tile(scale, 2)).astype(np.float32)
    return moved


def _labelled_place(found: Detections, labelled: LabelledFace) -> int | None:
    """Number of the detection that the label means; without a box the largest."""
    if not len(found):
        return None
    if labelled.box is None:
        return int(np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1).argmax())
    left, top, width, height = labelled.box
    where = np.array([left, top, left + width, top + height])
    return _nearest_inside(found, where, np.array([left + width / 2, top + height / 2]))


def _nearest_inside(found: Detections, where: NDArray[np.floating], middle: NDArray[np.floating]) -> int | None:
    """Number of the detection whose middle lies inside a box and nearest to a point."""
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    inside = ((middles >= where[:2]) & (middles <= where[2:])).all(axis=1)
    if not inside.any():
        return None
    distances = np.linalg.norm(middles - middle, axis=1)
    return int(np.where(inside, distances, np.inf).argmin())


# What is no face


def _faceless(data: Path) -> Iterator[tuple[str, Image.Image, int, np.random.Generator]]:
    """Name, picture, how many windows to look at, and the chance to place them by."""
    empty = [photo.file for photo in read_labelled_photos(data) if photo.status == "no_faces"]
    for number, file in enumerate(empty):
        yield file, open_upright(data / file), WINDOWS_IN_PHOTO, np.random.default_rng([FACELESS_SEED, 0, number])
    for kind, (draw, count) in enumerate(((lettering, LETTERINGS), (blotches, BLOTCHES)), start=1):
        for number in range(count):
            random = np.random.default_rng([FACELESS_SEED, kind, number])
            yield f"{draw.__name__} {number}", draw(random), WINDOWS, random


def _false_faces(
    name: str, image: Image.Image, windows: int, random: np.random.Generator, engine: Engine
) -> list[CutProbe]:
    """What the whole detector takes for a face, and what O-Net alone does in windows at random places."""
    sides = np.exp(random.uniform(np.log(SMALLEST_WINDOW), np.log(min(image.size)), windows))
    lefts, tops = random.uniform(0, image.width - sides), random.uniform(0, image.height - sides)
    boxes = np.stack([lefts, tops, lefts + sides, tops + sides], axis=1).astype(np.float32)
    found = detect_faces(image, engine), locate_landmarks(boxes, AreaSampler(image), engine)
    return [_cut(image, faces, place, name, "", NO_FACE) for faces in found for place in range(len(faces))]


def _cut(image: Image.Image, found: Detections, place: int, file: str, person: str, kind: str) -> CutProbe:
    # Cut and rated as `ml.faces` does.
    corners = BoundingBox.from_pixels(found.boxes[place], image.size).to_pixels(image.size)
    pixels = crop_for_embedding(image, corners, found.landmarks[place])
    rated = crop_for_embedding(image, corners), corners, found.landmarks[place], float(found.scores[place])
    return CutProbe(file, person, kind, pixels, measure_face(*rated), earlier_quality(*rated))
