"""Divides answered faces for cross-validation: photos held out, and people left out as though nobody knew them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.own_projection.answered import Answered

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows of the faces, by mask of shape (n,): what is learnt from and is the gallery; faces of the same people in
    photos held out; and all faces of people left out."""

    is_known: NDArray[np.bool_]
    is_held_out: NDArray[np.bool_]
    is_stranger: NDArray[np.bool_]

    def without(self, rows: NDArray[np.int64]) -> Fold:
        """The same, but for some strangers' rows, by number."""
        fewer = self.is_stranger.copy()
        fewer[rows] = False
        return replace(self, is_stranger=fewer)


def folds_of(answered: Answered, random: np.random.Generator) -> Iterator[Fold]:
    """Every person is a stranger once; every photo is held out once, but for the faces of who would have none left.

    Faces without a name are learnt from, but for those in photos that are held out.
    """
    people, person = np.unique(answered.people, return_inverse=True)
    photos, photo = np.unique(answered.photos, return_inverse=True)
    stranger_in = _parts(len(people), random)[person]
    held_out_in = _parts(len(photos), random)[photo]
    for fold in range(FOLDS):
        is_stranger = (stranger_in == fold) & answered.is_named
        in_photo = held_out_in == fold
        left = np.bincount(person[~in_photo & ~is_stranger], minlength=len(people))
        is_held_out = in_photo & ~is_stranger & ((left[person] > 0) | ~answered.is_named)
        yield Fold(~is_stranger & ~is_held_out, is_held_out & answered.is_named, is_stranger)


def _parts(count: int, random: np.random.Generator) -> NDArray[np.int64]:
    parts: NDArray[np.int64] = random.permutation(np.arange(count) % FOLDS)
    return parts
