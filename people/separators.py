"""Two people who were confused several times are told apart by what differs between their own faces."""

from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from ml.scoring import Evidence
from ml.separation import FEWEST_FACES, separate
from people.models import Change, Decision
from people.vectors import FaceColumns

CONFUSED = 3  # faces said not to be the one that are the other, before a plane is fitted
MOST_FACES = 500  # of each of the two that it is fitted to


def told_apart(
    confused: Collection[tuple[int, int]],
    rows: NDArray[np.float32],
    gallery: FaceColumns,
    evidence: Evidence,
    odds: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The log odds, shape (pairs,), with each plane's side of a face added for the one and taken off for the other.

    Only where both of the two are likely for the face. confused: as of `confused_pairs`. rows: shape (faces, d), what
    evidence was weighed of.
    """
    odds = odds.copy()
    for first, second in confused:
        members = [gallery.rows[gallery.people == person][:MOST_FACES] for person in (first, second)]
        if min(map(len, members)) < FEWEST_FACES:
            continue
        of_first, of_second = (np.flatnonzero(evidence.person == person) for person in (first, second))
        both, left, right = np.intersect1d(evidence.probe[of_first], evidence.probe[of_second], return_indices=True)
        if len(both):
            sides = separate(*members).sides(rows[both])
            odds[of_first[left]] += np.minimum(sides, 0)
            odds[of_second[right]] -= np.maximum(sides, 0)
    return odds


def confused_pairs(owner_id: int) -> list[tuple[int, int]]:
    """Pairs of people, the lower primary key first, of whom a user so often said that a face is not the one but the
    other."""
    counts = Counter(_confusions(owner_id))
    return sorted(pair for pair, times in counts.items() if times >= CONFUSED)


def _confusions(owner_id: int) -> Iterator[tuple[int, int]]:
    """For each face that bears a user's name the people it was said not to be, or who was named there before."""
    changes = Change.objects.filter(
        decision__owner=owner_id, decision__is_in_force=True, face__person__isnull=False, face__tagged_by="user"
    )
    changes = changes.exclude(decision__verb__in=[Decision.Verb.UNDO, Decision.Verb.MERGE, Decision.Verb.REGROUP])
    seen = set()
    for face, person, rejected, before in changes.values_list("face", "face__person", "rejected", "before__person"):
        for other in {rejected, before} - {None, person}:
            if (face, other) not in seen:
                seen.add((face, other))
                yield (min(person, other), max(person, other))
