"""Chooses the distances of a model: as strict as those of a measured one, on the same photos.

How far apart two faces are means something else for every model. What does not is how often strangers are taken for one
person, so a model gets the distances at which that happens just as often as with "facenet-casia" at its own, which were
measured (docs/decisions/0001).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.arguments import checked_numbers, checked_whole
from ml.faces import FaceFinder, FoundFace, UnreadableImage, open_upright
from ml.models import DISTANCES, FaceModel

FEWEST_PEOPLE = 30
FEWEST_ACCEPTED = 20  # pairs; a rate that rests on fewer is a guess
PHOTOS_AT_ONCE = 8


@dataclass(frozen=True)
class Matched:
    """One distance of a model: as many strangers are within it as within `reference` for the measured model."""

    name: str
    reference: float
    distance: float
    accepted: int
    rate: float

    @property
    def is_rough(self) -> bool:
        return self.accepted < FEWEST_ACCEPTED


def stranger_distances(projections: NDArray[np.float32], people: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosine distances of all pairs of two people's faces, in ascending order.

    Args:
        projections: shape (n, d), unit rows.
        people: shape (n,): whose each is.

    Raises:
        ValueError: they differ in length, or projections hold what is no finite number.
    """
    projections = checked_numbers("projections", projections, None, None)
    people = checked_whole("people", people, len(projections))
    first, second = np.triu_indices(len(people), k=1)
    strangers = people[first] != people[second]
    similarities = (projections @ projections.T)[first[strangers], second[strangers]]
    distances: NDArray[np.float32] = np.sort(1 - similarities)
    return distances


def match_strictness(
    distances: NDArray[np.float32], reference_distances: NDArray[np.float32], reference: FaceModel
) -> list[Matched]:
    """The distances of a model within which as many pairs of strangers lie as within the reference's for its own.

    Args:
        distances: of all pairs of strangers with the model, ascending; the same pairs as the next.
        reference_distances: with the reference model, ascending.

    Raises:
        ValueError: they differ in length, there are none, or they do not ascend.
    """
    for name, values in (("distances", distances), ("reference_distances", reference_distances)):
        if (np.diff(checked_numbers(name, values, None)) < 0).any():
            raise ValueError(f"{name} must ascend")
    if not len(distances) or len(distances) != len(reference_distances):
        raise ValueError("distances and reference_distances must be of the same pairs, and of some.")
    found = []
    for name in DISTANCES:
        limit = float(getattr(reference.limits(), name))
        accepted = int(np.searchsorted(reference_distances, limit, side="right"))
        # Half way between the last stranger taken for the same person and the first who is not.
        last, first = distances[max(accepted - 1, 0)], distances[min(accepted, len(distances) - 1)]
        distance = round(float(last + first) / 2, 3)
        found.append(Matched(name, limit, distance, accepted, accepted / len(distances)))
    return found


def portraits_of(folder: Path) -> list[tuple[Path, int]]:
    """Photos of a folder with one folder for each person, with the number of the person.

    Raises:
        ValueError: there is no such folder, or too few people for a measurement.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    people = sorted(path for path in folder.iterdir() if path.is_dir())
    photos = [(file, n) for n, person in enumerate(people) for file in sorted(person.iterdir()) if file.is_file()]
    if len({n for _, n in photos}) < FEWEST_PEOPLE:
        raise ValueError(f"{folder} must hold a folder with photos for each of at least {FEWEST_PEOPLE} people.")
    return photos


def embed_portraits(
    photos: Sequence[tuple[Path, int]], finders: Sequence[FaceFinder], *, report: Callable[[int], object]
) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Embed the largest face of each photo with several models; photos without one are left out.

    Args:
        photos: with the number of the person.
        finders: the first of them finds the faces.
        report: called with the number of photos done since the last call.

    Returns:
        For each finder projections of shape (n, d), and the person of each, shape (n,). Without any face, d is 0.

    Raises:
        ValueError: there are no finders.
    """
    if not finders:
        raise ValueError("finders must hold at least one")
    rows: list[list[NDArray[np.float32]]] = [[] for _ in finders]
    people: list[int] = []
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        batch = photos[start : start + PHOTOS_AT_ONCE]
        opened = [(image, person) for path, person in batch if (image := _open(path)) is not None]
        found = finders[0].find_faces([image for image, _ in opened])
        shown = [
            (image, person, _largest(faces)) for (image, person), faces in zip(opened, found, strict=True) if faces
        ]
        people += [person for _, person, _ in shown]
        rows[0] += [face.projection for _, _, face in shown]
        for finder, their_rows in zip(finders[1:], rows[1:], strict=True):
            again = finder.embed_again([image for image, _, _ in shown], [[face.known] for _, _, face in shown])
            their_rows += [faces[0].projection for faces in again]
        report(len(batch))
    stacked = [np.stack(each) if each else np.zeros((0, 0), dtype=np.float32) for each in rows]
    return stacked, np.array(people, dtype=np.int64)


def _open(path: Path) -> Image.Image | None:
    try:
        return open_upright(path)
    except UnreadableImage:
        return None


def _largest(faces: Sequence[FoundFace]) -> FoundFace:
    return max(faces, key=lambda face: face.box.width * face.box.height)
