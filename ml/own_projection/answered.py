"""What an owner has answered: the faces a projection is learnt from, and how many of them it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers, checked_whole

UNNAMED = -1  # for a face that a user said no about and nobody named
UNEVEN = 0.01  # as far as the length of a row may be from 1: embeddings are kept in half precision

# What it takes, see docs/own-projection.md.
FEWEST = {"faces": 200, "people": 10, "photos": 100}
MOST_FACES = 10_000  # learnt from: beyond that the most photographed people count with some of their faces


class TooFewFaces(ValueError):
    """Too little has been answered to learn from.

    The message is a sentence for the owner; what it says is in `what` (a key of `NEEDED`), `least` and `found`, for who
    says it in another language.
    """

    def __init__(self, what: str, least: int, found: int) -> None:
        super().__init__(NEEDED[what].format(least=least, found=found))
        self.what, self.least, self.found = what, least, found


NEEDED = {
    "faces": "Confirm at least {least} faces; so far it is {found}.",
    "people": "Confirm faces of at least {least} people in two photos or more each; so far it is {found}.",
    "photos": "Confirm faces in at least {least} photos; so far it is {found}.",
    "measure": "Confirm faces of more people, who are not all alike, in more photos; so far nothing can be measured.",
}


@dataclass(frozen=True, eq=False)
class Answered:
    """Faces an owner has said something about, n of them.

    embeddings: shape (n, d), unit rows as the network gave them; d is 512. people: shape (n,): whose each is, -1 for a
    face that has a no but no name. photos: shape (n,). qualities: shape (n,), 0 to 1. noes: shape (k, 2): the row of a
    face and a person it is not.

    Raises:
        ValueError: one of them has another shape, holds what is no finite or no whole number, a row is not of unit
            length, or a no is about a row that is not there.
    """

    embeddings: NDArray[np.float32]
    people: NDArray[np.int64]
    photos: NDArray[np.int64]
    qualities: NDArray[np.float64]
    noes: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(checked_numbers("embeddings", self.embeddings, None, None))
        if count and (np.abs(np.linalg.norm(self.embeddings, axis=1) - 1) > UNEVEN).any():
            raise ValueError("embeddings must be rows of unit length")
        checked_whole("people", self.people, count)
        checked_whole("photos", self.photos, count)
        checked_numbers("qualities", self.qualities, count)
        rows = checked_whole("noes", self.noes, None, 2)[:, 0]
        if len(rows) and not 0 <= rows.min() <= rows.max() < count:
            raise ValueError("noes must be of rows of embeddings")

    def __len__(self) -> int:
        return len(self.people)

    @cached_property
    def is_named(self) -> NDArray[np.bool_]:
        named: NDArray[np.bool_] = np.asarray(self.people) >= 0
        return named

    def only(self, rows: NDArray[np.int64]) -> Answered:
        """Some rows by number, in that order, and the noes about them."""
        place = np.full(len(self), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        noes = np.column_stack([place[self.noes[:, 0]], self.noes[:, 1]])
        kept = np.unique(noes[noes[:, 0] >= 0], axis=0)
        return Answered(self.embeddings[rows], self.people[rows], self.photos[rows], self.qualities[rows], kept)


def in_order(answered: Answered) -> Answered:
    """The same in an order that hangs on what the rows are, so that how they were read makes no difference."""
    keys = (*answered.embeddings.T[:3], answered.people, answered.photos)
    return answered.only(np.lexsort(keys).astype(np.int64))


def check_enough(answered: Answered) -> None:
    """Refuse what nothing could be learnt from, or not be measured.

    Raises:
        TooFewFaces: with a sentence that says what is needed.
    """
    found = {
        "faces": int(answered.is_named.sum()),
        "people": len(people_in_photos(answered, fewest=2)),
        "photos": len(np.unique(answered.photos[answered.is_named])),
    }
    for what, least in FEWEST.items():
        if found[what] < least:
            raise TooFewFaces(what, least, found[what])


def people_in_photos(answered: Answered, *, fewest: int) -> NDArray[np.int64]:
    """People whose confirmed faces are in so many photos or more, ascending."""
    pairs = np.unique(np.column_stack([answered.people, answered.photos])[answered.is_named], axis=0)
    people, counts = np.unique(pairs[:, 0], return_counts=True)
    several: NDArray[np.int64] = people[counts >= fewest]
    return several


def at_most(answered: Answered, most: int, random: np.random.Generator) -> Answered:
    """Some of the faces, everybody's up to one same number, and what a user said no about."""
    named = np.flatnonzero(answered.is_named)
    if len(named) <= most:
        return answered
    shuffled = random.permutation(named)
    order = shuffled[np.argsort(answered.people[shuffled], kind="stable")]
    starts = np.unique(answered.people[order], return_index=True)[1]
    counts = np.diff(np.append(starts, len(order)))
    place = np.arange(len(order)) - np.repeat(starts, counts)
    limit = int(np.sort(place)[most])  # of each person the faces before this one
    kept = np.append(order[place < limit], np.flatnonzero(~answered.is_named))
    return answered.only(np.sort(kept))
