"""The faces of a labelled folder, found and cut out once, and kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.alignment import FACE_SIDE, crop_for_embedding
from ml.checked_files import replacing
from ml.detection import MEASURED_THRESHOLDS, Detections, detect_faces, smallest_face_of
from ml.engine import Engine
from ml.evaluation.labels import LabelledFolder, LabelledPhoto, listed
from ml.evaluation.matching import NONE, corners_of, main_face, match_boxes
from ml.geometry import BoundingBox
from ml.images import UnreadableImage, open_upright
from ml.training.errors import CannotTrain

PHOTOS_AT_ONCE = 32
FACES, ROWS = "faces.raw", "faces.json"


@dataclass(frozen=True, eq=False)
class TrainingFaces:
    """Faces of named people.

    pixels: shape (n, side, side, 3), uint8, RGB; perhaps read from disk as needed. people: shape (n,), numbers from 0.
    names: of the people, by number. files: of each face. problems: what could not be used, in sentences.
    """

    pixels: NDArray[np.uint8]
    people: NDArray[np.int64]
    names: tuple[str, ...]
    files: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.people)


def find_training_faces(
    folder: LabelledFolder,
    open_engine: Callable[[], Engine],
    output: Path,
    *,
    side: int,
    progress: Callable[[int], object] = lambda photos: None,
) -> TrainingFaces:
    """Find the faces of all named people, cut them out as for recognition, and keep them in the output folder.

    A face that leans is turned upright by an affine transform of its five landmarks. Where a photo is in a person's
    folder, the face is the largest near the middle. Exact copies of a person's face count once. What an earlier run
    kept of the same photos is taken from there.

    Args:
        folder: photos that cannot be read, or show no face, are left out and named.
        open_engine: gives what runs the detector; not called if everything was found before.
        output: an existing folder.
        side: in pixels of what is kept, a divisor of 160.
        progress: called with the number of photos done since the last call.

    Raises:
        CannotTrain: no face of a named person was found in any photo.
    """
    listing = fingerprint(folder, side)
    kept = _kept(output, listing, side)
    if kept is None:
        _find(folder, open_engine(), output, side, listing, progress)
        kept = _kept(output, listing, side)
        assert kept is not None
    if not len(kept):
        raise CannotTrain(
            f"No face of a named person was found in the {len(folder.photos)} photos of {folder.root}. Training needs"
            f" photos that show faces. {' '.join(kept.problems[:3])}".rstrip()
        )
    return kept


def fingerprint(folder: LabelledFolder, side: int) -> str:
    """A hash of which photos there are, of whom, how large and when changed: the same photos give the same faces."""
    digest = hashlib.sha256(f"{side} {folder.root.resolve()}".encode())
    for photo in folder.photos:
        status = folder.path(photo).stat()
        digest.update(f"\n{photo.file} {status.st_size} {status.st_mtime_ns} {photo.faces}".encode())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class _FoundInPhoto:
    """Whose faces a photo shows, each with its pixels, and what was wrong with it."""

    file: str
    faces: tuple[tuple[str, NDArray[np.uint8]], ...] = ()
    problem: str = ""
    lacks_face: bool = False


def _find(
    folder: LabelledFolder, engine: Engine, output: Path, side: int, listing: str, progress: Callable[[int], object]
) -> None:
    """Write pixels one after the other, and last of all whose they are."""
    persons, files, problems, faceless = [], [], list(folder.problems), []
    seen: set[tuple[str, bytes]] = set()
    with replacing(output / FACES) as temporary, temporary.open("wb") as written:
        for found in _photos_searched(folder, engine, side, progress):
            if found.problem:
                problems.append(found.problem)
            if found.lacks_face:
                faceless.append(found.file)
            for person, pixels in found.faces:
                content = hashlib.sha256(pixels.tobytes()).digest()
                if (person, content) in seen:
                    problems.append(f"{found.file} is left out: it is a copy of another photo of {person}.")
                    continue
                seen.add((person, content))
                written.write(pixels.tobytes())
                persons.append(person)
                files.append(found.file)
    if faceless:
        problems.append(f"No face was found of who is named ({len(faceless)}): {listed(faceless)}.")
    names = sorted(set(persons))
    numbers = {name: number for number, name in enumerate(names)}
    rows = {
        "listing": listing,
        "names": names,
        "people": [numbers[person] for person in persons],
        "files": files,
        "problems": problems,
    }
    with replacing(output / ROWS) as temporary:
        temporary.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


def _kept(output: Path, listing: str, side: int) -> TrainingFaces | None:
    """What an earlier run found in just these photos; None where there is nothing whole."""
    try:
        rows = json.loads((output / ROWS).read_text("utf-8"))
        if rows["listing"] != listing:
            return None
        shape = (len(rows["people"]), side, side, 3)
        if (output / FACES).stat().st_size != np.prod(shape):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    pixels: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
    if len(rows["people"]):  # an empty file cannot be mapped
        pixels = np.memmap(output / FACES, dtype=np.uint8, mode="r", shape=shape)
    people = np.array(rows["people"], dtype=np.int64)
    return TrainingFaces(pixels, people, tuple(rows["names"]), tuple(rows["files"]), tuple(rows["problems"]))


def _photos_searched(
    folder: LabelledFolder, engine: Engine, side: int, progress: Callable[[int], object]
) -> Iterator[_FoundInPhoto]:
    with ThreadPoolExecutor(engine.lanes) as threads:
        for start in range(0, len(folder.photos), PHOTOS_AT_ONCE):
            batch = folder.photos[start : start + PHOTOS_AT_ONCE]
            yield from threads.map(lambda photo: _search(folder, photo, engine, side), batch)
            progress(len(batch))


def _search(folder: LabelledFolder, photo: LabelledPhoto, engine: Engine, side: int) -> _FoundInPhoto:
    try:
        image = open_upright(folder.path(photo))
    except UnreadableImage as error:
        return _FoundInPhoto(photo.file, problem=f"{photo.file} is left out. {error}")
    found = detect_faces(image, engine, smallest_face=smallest_face_of(image.size), thresholds=MEASURED_THRESHOLDS)
    places = _places(photo, found, image.size)
    cut = {person: _cut(image, found, place, side) for person, place in places.items()}
    named = {face.person for face in photo.faces if face.person}
    return _FoundInPhoto(photo.file, tuple(cut.items()), lacks_face=len(cut) < len(named))


def _places(photo: LabelledPhoto, found: Detections, size: tuple[int, int]) -> dict[str, int]:
    """Which detection is whom: by the box drawn around the face, or else the main face left."""
    drawn = [face for face in photo.faces if face.box is not None]
    matches = match_boxes(found.boxes, corners_of([face.box for face in drawn if face.box is not None]))
    places = {
        face.person: int(place) for face, place in zip(drawn, matches, strict=True) if place != NONE and face.person
    }
    free = ~np.isin(np.arange(len(found)), matches)
    for face in photo.faces:
        place = main_face(found.boxes, size, free) if face.box is None and face.person else None
        if place is not None and face.person:
            places[face.person] = place
            free[place] = False
    return places


def _cut(image: Image.Image, found: Detections, place: int, side: int) -> NDArray[np.uint8]:
    """As `ml.faces` cuts a face for FaceNet, at the side that is trained."""
    inside = BoundingBox.from_pixels(found.boxes[place], image.size).to_pixels(image.size)
    pixels = crop_for_embedding(image, inside, found.landmarks[place])
    if side == FACE_SIDE:
        return pixels
    return np.asarray(Image.fromarray(pixels).reduce(FACE_SIDE // side), dtype=np.uint8)
