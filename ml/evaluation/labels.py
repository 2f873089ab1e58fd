"""Reads what is known about the photos of a folder: who is in them, and where."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ml.evaluation.csv_rows import BadLabels, Row, read_rows

__all__ = ["BadLabels", "LabelledFace", "LabelledFolder", "LabelledPhoto", "PhotoFiles", "Pixels", "read_folder"]

UNKNOWN = "_unknown"  # in labels.csv: a real face whose name nobody stated
STATUSES = ("complete", "partial", "no_faces", "unannotated", "nominal_box", "name_only")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp", ".gif"}

# left, top, width, height in pixels of the upright image
Pixels = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledFace:
    """A face that people saw. person: None where nobody stated the name. box: None where nobody drew one."""

    person: str | None
    box: Pixels | None


@dataclass(frozen=True)
class LabelledPhoto:
    """file: path within the folder. faces: those labelled; there may be others, which `status` says.

    status: "complete" (every clearly visible face has a box), "partial" (there are more), "no_faces", "unannotated",
    "nominal_box" (a box only says which face is meant) or "name_only" (a name without a box).
    """

    file: str
    faces: tuple[LabelledFace, ...]
    status: str


@dataclass(frozen=True)
class LabelledFolder:
    """The labelled photos of a folder, in order of file, and what was wrong with the labels, in sentences."""

    root: Path
    photos: tuple[LabelledPhoto, ...]
    problems: tuple[str, ...] = ()

    def path(self, photo: LabelledPhoto) -> Path:
        return self.root / photo.file


class PhotoFiles:
    """The image files below a folder, found again however their names are spelt: capitals, accents, backslashes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.files = sorted(_image_files(root))
        self._spelt = {_spelling(file): file for file in self.files}

    def find(self, name: str) -> str | None:
        """The file that a label names, or None if there is none such in the folder."""
        wanted = posixpath.normpath(name.replace("\\", "/"))
        if wanted.startswith(("../", "/")):
            return None
        # An image may have any ending if a label names it.
        exact = wanted if (self._root / wanted).is_file() else None
        return exact or self._spelt.get(_spelling(wanted))


def read_folder(root: Path) -> LabelledFolder:
    """Read labels.csv and photos.csv of a folder; without the former each subfolder is named after a person.

    Raises:
        BadLabels: there is no such folder, no photo in it, or its labels cannot be understood.
    """
    if not root.is_dir():
        raise BadLabels(f"{root} is not a folder.")
    files = PhotoFiles(root)
    if (root / "labels.csv").exists():
        return _from_tables(root, files)
    if not files.files:
        raise BadLabels(f"There are no photos in {root}.")
    return _from_subfolders(root, files)


def read_labelled_photos(root: Path) -> list[LabelledPhoto]:
    """The labelled photos of a folder; see `read_folder`."""
    return list(read_folder(root).photos)


def person_named(text: str) -> str | None:
    """A person's name in one spelling of its accents, or None for one that nobody stated."""
    name = unicodedata.normalize("NFC", text.strip())
    return None if name in ("", UNKNOWN) else name


def listed(names: Iterable[str], most: int = 10) -> str:
    """Names for a sentence, the first ten of many."""
    all_names = list(names)
    more = f" and {len(all_names) - most} more" if len(all_names) > most else ""
    return ", ".join(all_names[:most]) + more


# Subfolders named after people

IMFDB = "images"  # ACTOR/FILM/images/FILE


def _folder_of_person(file: PurePosixPath) -> str:
    """The innermost folder, as in LFW and in imports; in IMFDB the one of the actor. Empty outside any folder."""
    folders = file.parent.parts
    if len(folders) >= 3 and folders[-1] == IMFDB:
        return folders[-3]
    return folders[-1] if folders else ""


def _from_subfolders(root: Path, files: PhotoFiles) -> LabelledFolder:
    photos, nobodys = [], []
    for file in files.files:
        folder = _folder_of_person(PurePosixPath(file))
        if folder:
            photos.append(LabelledPhoto(file, (LabelledFace(person_named(folder), None),), "name_only"))
        else:
            nobodys.append(file)
    if not photos:
        raise BadLabels(f"{root} has neither a labels.csv nor a folder for each person.")
    problems = [f"In no person's folder, and left out: {listed(nobodys)}."] if nobodys else []
    return LabelledFolder(root, tuple(photos), tuple(problems))


# labels.csv and photos.csv


def _from_tables(root: Path, files: PhotoFiles) -> LabelledFolder:
    faces: dict[str, list[LabelledFace]] = defaultdict(list)
    missing: dict[str, None] = {}  # a set that keeps its order
    for row in read_rows(root / "labels.csv", ("file", "person"), ("x", "y", "w", "h")):
        file = files.find(row.cells["file"])
        face = _labelled_face(row)
        if file is None:
            missing[row.cells["file"]] = None
        elif face is not None and face not in faces[file]:
            faces[file].append(face)
    statuses = dict(_statuses(root / "photos.csv", files, missing))
    photos = []
    for file in sorted({*faces, *statuses}):
        known = tuple(faces.get(file, ()))
        photos.append(LabelledPhoto(file, known, statuses.get(file) or _status_without_table(known)))
    problems = []
    if missing:
        problems.append(f"Labelled, but not in the folder ({len(missing)}): {listed(missing)}.")
    if not photos:
        raise BadLabels(" ".join([f"labels.csv in {root} names no photo that is there.", *problems]))
    return LabelledFolder(root, tuple(photos), tuple(problems))


def _labelled_face(row: Row) -> LabelledFace | None:
    """The face of one row of labels.csv; None for a row that names neither a person nor a box."""
    person = person_named(row.cells["person"])
    given = [column for column in ("x", "y", "w", "h") if row.cells[column]]
    if not given:
        return LabelledFace(person, None) if row.cells["person"] else None
    if len(given) < 4:
        raise BadLabels(f"{row.place}: a box needs x, y, w and h; only {' and '.join(given)} is given.")
    x, y, w, h = (row.number(column) for column in given)
    if w <= 0 or h <= 0:
        raise BadLabels(f"{row.place}: a box needs a width and height above 0, not {w:g} x {h:g}.")
    return LabelledFace(person, (x, y, w, h))


def _statuses(path: Path, files: PhotoFiles, missing: dict[str, None]) -> Iterator[tuple[str, str]]:
    """File and box_status of each row of photos.csv; what is not there is added to `missing`."""
    if not path.exists():
        return
    for row in read_rows(path, ("file", "box_status")):
        status = row.cells["box_status"].lower()
        if status and status not in STATUSES:
            raise BadLabels(f"{row.place}: box_status is {status!r}, which is none of {', '.join(STATUSES)}.")
        file = files.find(row.cells["file"])
        if file is None:
            missing[row.cells["file"]] = None
        else:
            yield file, status


def _status_without_table(faces: tuple[LabelledFace, ...]) -> str:
    drawn = sum(face.box is not None for face in faces)
    if not faces:
        return "unannotated"
    if not drawn:
        return "name_only"
    return "complete" if drawn == len(faces) else "partial"


# Files


def _image_files(root: Path) -> Iterator[str]:
    """Paths within the folder, without hidden files and what macOS packs beside them."""
    for path in root.rglob("*"):
        file = path.relative_to(root)
        hidden = any(part.startswith((".", "__MACOSX")) for part in file.parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield file.as_posix()


def _spelling(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
