"""Draws batches of P people with K faces each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_whole
from ml.training.errors import CannotTrain

FEWEST_PEOPLE = 2  # in a batch, or there is no negative
FEWEST_FACES = 2  # of a person, or there is no positive
# However many photos there are, an epoch ends after so many batches: only then is a checkpoint written.
MOST_BATCHES = 500


class PkSampler:
    """Batches for triplets.

    Args:
        people: shape (n,): whose each face is, whole numbers.
        people_per_batch: P, at least 2; all people where there are fewer.
        faces_per_person: K, at least 2. Of a person with fewer faces some come twice, or more often.

    Raises:
        ValueError: people is not a row of whole numbers, or P or K is below 2.
        CannotTrain: fewer than two people, or a person with a single face.

    Source: Hermans et al., In defense of the triplet loss for person re-identification, 2017.
    """

    def __init__(self, people: NDArray[np.int64], *, people_per_batch: int, faces_per_person: int) -> None:
        people = checked_whole("people", people, None)
        wanted = checked_count("people_per_batch", people_per_batch, least=FEWEST_PEOPLE)
        self.faces_per_person = checked_count("faces_per_person", faces_per_person, least=FEWEST_FACES)
        order = np.argsort(people, kind="stable")
        _, starts = np.unique(people[order], return_index=True)
        self._faces = np.split(order, starts[1:]) if len(people) else []
        if len(self._faces) < FEWEST_PEOPLE or min(map(len, self._faces)) < FEWEST_FACES:
            raise CannotTrain("Triplets take at least two people with at least two faces each.")
        self.people_per_batch = min(wanted, len(self._faces))
        size = self.people_per_batch * self.faces_per_person
        self.batches = min(-(-len(people) // size), MOST_BATCHES)

    def epoch(self, random: np.random.Generator) -> Iterator[NDArray[np.intp]]:
        """The batches of an epoch: as many as show about as many faces as there are.

        Nobody is drawn a second time before all others were drawn once.

        Yields:
            Shape (P * K,): rows of faces, those of a person together.
        """
        waiting: list[int] = []
        for _ in range(self.batches):
            drawn, waiting = waiting[: self.people_per_batch], waiting[self.people_per_batch :]
            if len(drawn) < self.people_per_batch:
                again = random.permutation(len(self._faces)).tolist()
                fresh = [person for person in again if person not in drawn]
                missing = self.people_per_batch - len(drawn)
                # Who was drawn just now waits behind those who were not.
                waiting = fresh[missing:] + [person for person in again if person in drawn]
                drawn = drawn + fresh[:missing]
            yield np.concatenate([self._some_faces(person, random) for person in drawn])

    def _some_faces(self, person: int, random: np.random.Generator) -> NDArray[np.intp]:
        faces = random.permutation(self._faces[person])
        chosen: NDArray[np.intp] = np.resize(faces, self.faces_per_person)
        return chosen
