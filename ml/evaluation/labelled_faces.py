"""The faces of a labelled folder, found and embedded once."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ml.arguments import checked_flags, checked_numbers
from ml.evaluation.detection import SearchedPhoto
from ml.evaluation.face_rows import FaceRows
from ml.evaluation.labels import LabelledFace, LabelledFolder, LabelledPhoto, read_folder
from ml.evaluation.matching import NONE, corners_of, main_face, match_boxes
from ml.evaluation.pairs import FaceName
from ml.faces import FaceFinder, FoundFace, UnreadableImage, load_face_finder, open_upright
from ml.geometry import BoundingBox
from ml.images import BROKEN_FILE, readable_formats

# Photos are held so many, or so many megapixels, at a time.
PHOTOS_AT_ONCE = 32
PIXELS_AT_ONCE = 40_000_000
THREADS = 2  # that embed single faces
# The middle of a photo in which no face is found: the share of each side that LFW's photos leave to the face.
MIDDLE_SHARE = 1 / 2.2
QUARTER_TURNS = (5, 6, 7, 8)  # EXIF orientations that swap width and height


@dataclass(frozen=True, eq=False)
class LabelledFaces(FaceRows):
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

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> LabelledFaces:
        """Some of the rows, by mask or index."""
        return LabelledFaces(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})

    def identities(self) -> NDArray[np.int64]:
        """Persons as numbers."""
        return np.unique(self.persons, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Findings:
    """What one pass over a folder gives.

    faces: a row for each face whose person is known. found: shape (n,), False for those that the detector does not
    see, which are embedded from the box drawn or, without one, from the middle of the photo. mirrored: shape (n, 512),
    embeddings of the mirror image, or of the face itself where that was not asked for.
    photos: every photo that could be read. problems: what could not, in sentences.

    Raises:
        ValueError: found or mirrored has not a row for each face.
    """

    faces: LabelledFaces
    found: NDArray[np.bool_]
    mirrored: NDArray[np.float32]
    photos: tuple[SearchedPhoto, ...]
    problems: tuple[str, ...]

    def __post_init__(self) -> None:
        checked_flags("found", self.found, len(self.faces))
        checked_numbers("mirrored", self.mirrored, len(self.faces), None)


def embed_labelled(data: Path, models_dir: Path) -> LabelledFaces:
    """Find every labelled, named face in its photo and embed it; a face not found is left out.

    Raises:
        BadLabels: as for `ml.evaluation.labels.read_folder`.
        WeightsUnavailable: weights are missing or damaged.
    """
    findings = find_labelled(read_folder(data), load_face_finder(models_dir))
    return findings.faces.only(findings.found)


def find_labelled(
    folder: LabelledFolder,
    finder: FaceFinder,
    *,
    mirror: Container[FaceName] = (),
    progress: Callable[[int], object] = lambda photos: None,
) -> Findings:
    """Find the faces of all labelled photos, and embed those whose person is known.

    Args:
        folder: photos that cannot be read are left out and named.
        finder: the product's own.
        mirror: faces of which the mirror image is embedded, too.
        progress: called with the number of photos done since the last call.
    """
    found = _Found()
    with ThreadPoolExecutor(THREADS) as threads:
        for batch in _opened(folder, found.problems):
            faces = finder.find_faces([opened.image for opened in batch])
            found.photos.extend(map(_searched, batch, faces))
            found.problems.extend(sentence for opened in batch for sentence in _boxes_outside(opened))
            for rows in threads.map(partial(_named_rows, finder=finder, mirror=mirror), batch, faces):
                found.rows.extend(rows)
            progress(len(batch))
    return found.stacked()


@dataclass(frozen=True, eq=False)
class _OpenedPhoto:
    """A photo in memory, perhaps reduced; scale is its width over that of the file."""

    photo: LabelledPhoto
    image: Image.Image
    scale: float


@dataclass(frozen=True, eq=False)
class _Row:
    """One named face of one photo, without its pixels; side in pixels of the file."""

    name: FaceName
    found: bool
    embedding: NDArray[np.float32]
    mirrored: NDArray[np.float32]
    projection: NDArray[np.float32]
    quality: float
    side: float


@dataclass
class _Found:
    """What has been found so far."""

    rows: list[_Row] = field(default_factory=list)
    photos: list[SearchedPhoto] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def stacked(self) -> Findings:
        rows = self.rows
        faces = LabelledFaces(
            files=np.array([row.name.file for row in rows], dtype=np.str_),
            persons=np.array([row.name.person for row in rows], dtype=np.str_),
            embeddings=_stacked([row.embedding for row in rows]),
            projections=_stacked([row.projection for row in rows]),
            qualities=np.array([row.quality for row in rows], dtype=np.float32),
            sides=np.array([row.side for row in rows], dtype=np.float32),
        )
        found = np.array([row.found for row in rows], dtype=bool)
        mirrored = _stacked([row.mirrored for row in rows])
        return Findings(faces, found, mirrored, tuple(self.photos), tuple(self.problems))


def _stacked(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(rows) if rows else np.zeros((0, 1), dtype=np.float32)


def _opened(folder: LabelledFolder, problems: list[str]) -> Iterator[list[_OpenedPhoto]]:
    """The photos of a folder, a few at a time."""
    batch: list[_OpenedPhoto] = []
    pixels = 0
    for photo in folder.photos:
        try:
            image = open_upright(folder.path(photo))
        except UnreadableImage as error:
            problems.append(f"{photo.file} is left out. {error}")
            continue
        batch.append(_OpenedPhoto(photo, image, image.width / _width(folder.path(photo))))
        pixels += image.width * image.height
        if len(batch) == PHOTOS_AT_ONCE or pixels >= PIXELS_AT_ONCE:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _width(path: Path) -> int:
    """Width in pixels of the upright photo, which `open_upright` may have reduced."""
    with Image.open(path, formats=readable_formats()) as image:
        try:
            turned = image.getexif().get(0x0112) in QUARTER_TURNS
        except BROKEN_FILE:
            turned = False  # as `open_upright` leaves it
        return image.height if turned else image.width


def _boxes_outside(opened: _OpenedPhoto) -> Iterator[str]:
    """A sentence if boxes lie beside the photo: they were drawn in pixels of another size, or before it was turned."""
    drawn = corners_of([face.box for face in opened.photo.faces if face.box is not None]) * np.float32(opened.scale)
    centres = (drawn[:, :2] + drawn[:, 2:]) / 2
    outside = int(((centres < 0) | (centres > np.array(opened.image.size))).any(axis=1).sum())
    if outside:
        yield f"{opened.photo.file}: {outside} of {len(drawn)} boxes lie outside the upright photo."


def _searched(opened: _OpenedPhoto, faces: Sequence[FoundFace]) -> SearchedPhoto:
    boxes = _corners(faces, opened.image) / np.float32(opened.scale)
    return SearchedPhoto(opened.photo, boxes, np.array([face.score for face in faces], dtype=np.float32))


def _corners(faces: Sequence[FoundFace], image: Image.Image) -> NDArray[np.float32]:
    return np.array([face.box.to_pixels(image.size) for face in faces], dtype=np.float32).reshape(-1, 4)


def _named_rows(
    opened: _OpenedPhoto, faces: Sequence[FoundFace], *, finder: FaceFinder, mirror: Container[FaceName]
) -> list[_Row]:
    """The labelled, named faces of one photo."""
    rows = []
    for labelled, place in _assigned(opened, faces):
        if labelled.person is None:
            continue
        name = FaceName(opened.photo.file, labelled.person)
        face = faces[place] if place is not None else finder.embed_box(opened.image, _likely_box(opened, labelled))
        width, height = opened.image.size
        side = min(face.box.width * width, face.box.height * height) / opened.scale
        mirrored = _mirrored(opened.image, face, finder) if name in mirror else face.embedding
        rows.append(_Row(name, place is not None, face.embedding, mirrored, face.projection, face.quality, side))
    return rows


def _assigned(opened: _OpenedPhoto, faces: Sequence[FoundFace]) -> list[tuple[LabelledFace, int | None]]:
    """Each labelled face with the number of the face found that it is: by its box, or else the main face left."""
    found = _corners(faces, opened.image)
    labelled = opened.photo.faces
    drawn = [face for face in labelled if face.box is not None]
    corners = corners_of([face.box for face in drawn if face.box is not None]) * np.float32(opened.scale)
    matches = match_boxes(found, corners)
    free = ~np.isin(np.arange(len(found)), matches)
    assigned: list[tuple[LabelledFace, int | None]] = [
        (face, None if match == NONE else int(match)) for face, match in zip(drawn, matches, strict=True)
    ]
    for face in labelled:
        if face.box is None:
            place = main_face(found, opened.image.size, free)
            assigned.append((face, place))
            if place is not None:
                free[place] = False
    return assigned


def _likely_box(opened: _OpenedPhoto, labelled: LabelledFace) -> BoundingBox:
    """Where a face must be that the detector does not see."""
    width, height = opened.image.size
    if labelled.box is not None:
        corners = corners_of([labelled.box])[0] * np.float32(opened.scale)
        box = BoundingBox.from_pixels(corners, (width, height))
        if box.width > 0 and box.height > 0:
            return box
    side = min(width, height) * MIDDLE_SHARE
    return BoundingBox((width - side) / 2 / width, (height - side) / 2 / height, side / width, side / height)


def _mirrored(image: Image.Image, face: FoundFace, finder: FaceFinder) -> NDArray[np.float32]:
    """The embedding of a face as a mirror shows it."""
    box = face.box
    turned = BoundingBox(1 - box.left - box.width, box.top, box.width, box.height)
    return finder.embed_box(ImageOps.mirror(image), turned).embedding
