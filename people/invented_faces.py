"""Faces of people who do not exist, for libraries to measure and look at Kith in. Numbers only, the same for a seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
SPECTRUM = 70  # dimensions that all people differ in about equally; of the others ever less
WITHIN = 0.58  # length of a face's own direction beside that of its person
MOST_FACES = 500  # of one person
POOR = 0.1  # of all faces
# Of all faces, those of the people of whom there are most: a family.
FAMILY = (0.04, 0.03, 0.02, 0.015, 0.01, 0.01)
UNNAMED_FRIENDS = (0.003,) * 6
MOST_IN_A_PHOTO = 8
FEW = 4  # faces of somebody who may have been met on one day only
ONE_DAY = 24  # photos
MET_ONCE = 0.6  # of people with few faces


@dataclass(frozen=True)
class Faces:
    """Invented faces, row by row: projection, who it really is, the number of its photo (from 1), and its quality."""

    rows: Rows
    people: NDArray[np.int64]
    photos: NDArray[np.int64]
    qualities: NDArray[np.float64]

    def part(self, which: slice) -> "Faces":
        return Faces(self.rows[which], self.people[which], self.photos[which], self.qualities[which])


@dataclass(frozen=True)
class Naming:
    """Of each face the primary key of the person whose name it bears and of the group it waits in, or 0."""

    names: NDArray[np.int64]
    groups: NDArray[np.int64]
    is_suggested: NDArray[np.bool_]
    is_ignored: NDArray[np.bool_]


def invented_people(
    count: int, dimensions: int, first: Sequence[int] = (), *, most: int = MOST_FACES, seed: int = 0
) -> tuple[Rows, NDArray[np.int64]]:
    """Faces, and the number of the person each shows. The first people have as many faces as `first` says,
    others up to `most`.

    People have one face to hundreds, as in a library. Distances are spread as those of FaceNet's centred projections
    are: about 1 between two people, about 0.25 within one, and the first dimensions say more than the last ones.
    """
    random = np.random.default_rng(seed)
    spread = np.minimum(1, np.exp(-(np.arange(dimensions) - SPECTRUM) / 20)).astype(np.float32)
    # How many faces a person has: few have many.
    sizes = np.concatenate([np.array(first, np.int64), np.minimum(random.zipf(1.6, size=count), most)])
    people = np.repeat(np.arange(len(sizes)), sizes)[:count]
    middles = unit(random.standard_normal((people[-1] + 1, dimensions), dtype=np.float32) * spread)
    own = unit(random.standard_normal((count, dimensions), dtype=np.float32) * spread)
    rows = unit(middles[people] + WITHIN * own)
    order = random.permutation(count)
    return rows[order], people[order]


def unit(rows: Rows) -> Rows:
    lengths: Rows = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / lengths).astype(np.float32)


def invented_qualities(count: int, *, seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return np.where(random.random(count) < POOR, 0.1, random.uniform(0.4, 1, count))


def faces_of_library(count: int, *, photos: int, dimensions: int, seed: int) -> Faces:
    """The faces of a library with a family in it; nobody is in a photo twice, and many of the others once only."""
    first = [max(2, round(share * count)) for share in (*UNNAMED_FRIENDS, *FAMILY)]
    rows, people = invented_people(count, dimensions, first, most=min(MOST_FACES, photos // 4), seed=seed)
    return Faces(rows, people, _photos_of(people, photos, seed), invented_qualities(count, seed=seed))


def _photos_of(people: NDArray[np.int64], photos: int, seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed + 1)
    placed = random.integers(0, photos, len(people))
    sizes = np.bincount(people)
    met_once = (sizes <= FEW) & (random.random(len(sizes)) < MET_ONCE)
    days = random.integers(0, photos, len(sizes))
    once = met_once[people]
    placed[once] = (days[people[once]] + random.integers(0, ONE_DAY, once.sum())) % photos
    for _ in range(50):
        wrong = _one_too_many(placed, people)
        if not len(wrong):
            break
        placed[wrong] = random.integers(0, photos, len(wrong))
    return placed + 1


def _one_too_many(photos: NDArray[np.int64], people: NDArray[np.int64]) -> NDArray[np.int64]:
    """Faces of somebody who is in the photo already, or in a photo that is full."""
    order = np.lexsort((people, photos))
    of_photo, of_person = photos[order], people[order]
    again = np.zeros(len(order), bool)
    again[1:] = (of_photo[1:] == of_photo[:-1]) & (of_person[1:] == of_person[:-1])
    return order[again | (places_in_photos(of_photo) >= MOST_IN_A_PHOTO)]


def places_in_photos(photos: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each face how many of the same photo come before it."""
    order = np.argsort(photos, kind="stable")
    of_photo = photos[order]
    starts = np.flatnonzero(np.diff(of_photo, prepend=of_photo[:1] - 1))
    counts = np.diff(np.append(starts, len(order)))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order)) - np.repeat(starts, counts)
    return places


def name_some(
    faces: Faces,
    *,
    named: float,
    least: int,
    confirmed: float,
    never: int = 0,
    always: int = 0,
    ignored: float = 0.0,
    seed: int = 2,
) -> Naming:
    """What a user did about the faces so far, and what Kith made of it.

    named: of the people with `least` faces, how many have a name. never, always: so many of the first people have
    none, and so many of those that follow have one. confirmed: of a named person's faces; the others are suggested.
    ignored: of the faces nobody has a name for.
    """
    random = np.random.default_rng(seed)
    sizes = np.bincount(faces.people)
    is_named = (random.random(len(sizes)) < named) & (sizes >= least)
    is_named[:never] = False
    is_named[never : never + always] = True
    bears_name = is_named[faces.people] & (random.random(len(faces.people)) < confirmed)
    names = np.where(bears_name, faces.people + 1, 0)
    known = np.isin(faces.people, np.unique(faces.people[bears_name]))
    is_ignored = ~known & (random.random(len(names)) < ignored) if ignored else np.zeros(len(names), bool)
    waiting = ~bears_name & ~is_ignored
    waiting_of = np.bincount(faces.people[waiting], minlength=len(sizes))
    in_group = waiting & ~known & (waiting_of[faces.people] > 1)
    groups = np.where(in_group, faces.people + 1, 0)
    return Naming(names, groups, waiting & known, is_ignored)
