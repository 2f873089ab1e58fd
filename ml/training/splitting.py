"""Shares faces out: what is learned from, what training is steered by, and what it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_whole
from ml.training.errors import CannotTrain

FEWEST_PHOTOS = 3  # of a person who is trained on: two to learn from, one to measure with
TEST_SHARE = 0.2  # of a person's photos, that are kept for the SVM's test
UNSEEN_SHARE = 0.15  # of the people, kept for verification; as many again for validation
PEOPLE_TO_VERIFY = 4  # with fewer nobody can be spared
PEOPLE_TO_VALIDATE = 8
FEWEST_KEPT = 2  # two people make a pair of strangers


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of faces, in order; none is in two parts.

    train: faces learned from. test: other photos of the same people. validation: people whose faces steer training.
    unseen: people kept for the final verification. Nobody of the last two is among the first. Both may be empty.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    validation: NDArray[np.intp]
    unseen: NDArray[np.intp]


def split_faces(people: NDArray[np.int64], *, seed: int, fewest_photos: int = FEWEST_PHOTOS) -> Split:
    """Draw at random who is kept for what.

    Of 15 % of the people with two photos or more, at least two, all faces are kept for the final verification, and of
    as many others for validation; not so with fewer than 4 or 8 such people. Of everybody else with enough photos a
    fifth, at least one, is kept for the test.

    Args:
        people: shape (n,): whose each face is, whole numbers; every face is of another photo of that person.
        seed: the same seed gives the same split.
        fewest_photos: of a person to be trained on, at least 3.

    Raises:
        CannotTrain: fewer than two people have enough photos.
        ValueError: people is not a row of whole numbers, or a number is out of its range.
    """
    people = checked_whole("people", people, None)
    checked_count("fewest_photos", fewest_photos, least=FEWEST_PHOTOS)
    random = np.random.default_rng(checked_count("seed", seed, least=0))
    named, counts = np.unique(people, return_counts=True)
    _check_enough(counts, fewest_photos)
    photos = dict(zip(named.tolist(), counts.tolist(), strict=True))
    several = random.permutation(named[counts >= 2]).tolist()
    kept = max(FEWEST_KEPT, round(UNSEEN_SHARE * len(several)))
    wanted = kept * ((len(several) >= PEOPLE_TO_VERIFY) + (len(several) >= PEOPLE_TO_VALIDATE))
    # Two people stay to be trained on, whatever is drawn.
    trainable = [person for person in several if photos[person] >= fewest_photos]
    spared = [person for person in several if person not in trainable[:FEWEST_KEPT]][:wanted]
    unseen, validation = spared[:kept], spared[kept:]
    parts = [
        _parted(random.permutation(np.flatnonzero(people == person))) for person in sorted(set(trainable) - set(spared))
    ]
    return Split(
        train=np.sort(np.concatenate([train for train, _ in parts])),
        test=np.sort(np.concatenate([test for _, test in parts])),
        validation=np.flatnonzero(np.isin(people, validation)),
        unseen=np.flatnonzero(np.isin(people, unseen)),
    )


def _parted(faces: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """A person's faces to learn from, two at least, and to test with."""
    tested = min(max(1, round(TEST_SHARE * len(faces))), len(faces) - 2)
    return faces[tested:], faces[:tested]


def _check_enough(counts: NDArray[np.int64], fewest_photos: int) -> None:
    needed = f"Training takes two people at least with {fewest_photos} different photos each"
    if not len(counts):
        raise CannotTrain(f"{needed}, and no face was found.")
    if len(counts) == 1:
        raise CannotTrain(f"{needed}, and there is only one person. Add a folder with photos of somebody else.")
    enough = int((counts >= fewest_photos).sum())
    if enough < 2:
        most = int(counts.max())
        found = "nobody has more than one" if most == 1 else f"{enough} of {len(counts)} people have so many"
        raise CannotTrain(f"{needed} in which the face is found, and {found}. Add photos of the same people.")
