"""Reads what is known about the photos of a folder: who is in them, and where."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = "_unknown"  # in labels.csv: a real face whose name nobody stated

# left, top, width, height in pixels of the upright image
Pixels = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledFace:
    """A face that people saw. person: None where nobody stated the name. box: None where nobody drew one."""

    person: str | None
    box: Pixels | None


@dataclass(frozen=True)
class LabelledPhoto:
    """file: path within the folder. faces: those labelled; there may be others, see `status`.

    status: box_status of photos.csv, "" where it does not say: "complete" (every clearly visible face has a box),
    "partial" (there are more), "no_faces", "unannotated", "nominal_box" (a box only says which face is meant),
    "name_only" (a name without a box).
    """

    file: str
    faces: tuple[LabelledFace, ...]
    status: str


def read_labelled_photos(folder: Path) -> list[LabelledPhoto]:
    """The photos that labels.csv or photos.csv of a folder name, in their order."""
    faces: dict[str, list[LabelledFace]] = defaultdict(list)
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            box = (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"])) if row["x"] else None
            faces[row["file"]].append(LabelledFace(None if row["person"] == UNKNOWN else row["person"], box))
    statuses = _statuses(folder / "photos.csv")
    return [
        LabelledPhoto(file, tuple(faces.get(file, ())), statuses.get(file, ""))
        for file in dict.fromkeys([*faces, *statuses])
    ]


def _statuses(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return {row["file"]: row["box_status"] for row in csv.DictReader(lines)}
