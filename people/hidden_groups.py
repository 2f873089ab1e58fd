"""Groups a user hid: grouping neither brings their faces back among the others nor hides what nobody hid."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ml.dbscan import NOISE
from ml.units import hanging_together
from people.models import Cluster
from people.models.cluster import SMALLEST_GROUP

Numbers = NDArray[np.int64]


def hidden_groups(owner_id: int) -> frozenset[int]:
    """Primary keys."""
    return frozenset(Cluster.objects.filter(owner=owner_id, is_hidden=True).values_list("pk", flat=True))


def without_what_is_shown(labels: Numbers, before: Numbers, hidden: Collection[int], together: Numbers) -> Numbers:
    """Take faces of other groups out of hidden ones into a group of their own, with the new ones that came with them.

    Not those that a user said to be one with a hidden face. New faces alone may join a hidden group.

    Args:
        labels, before: shape (n,), the group of each face now and before, or NOISE.
        together: shape (k, 2), pairs of faces that a user said to be one person.

    Returns:
        Shape (n,): the labels. A group taken out has the number that most of it had, or a new one.
    """
    numbers = np.array(sorted(hidden), dtype=np.int64)
    said = hanging_together(len(labels), together[:, 0], together[:, 1])
    belongs = np.isin(said, said[np.isin(before, numbers)])
    leaves = np.isin(labels, numbers) & ~belongs
    labels = labels.copy()
    for number in np.unique(labels[leaves & (before > NOISE)]).tolist():
        places = np.flatnonzero(leaves & (labels == number))
        labels[places] = NOISE  # whether their old number is free shows only now
        labels[places] = _number_for(places, labels, before)
    return labels


def _number_for(places: NDArray[np.intp], labels: Numbers, before: Numbers) -> int:
    old, counts = np.unique(before[places][before[places] > NOISE], return_counts=True)
    for number in old[np.argsort(-counts, kind="stable")].tolist():
        if number not in labels:
            return int(number)
    return int(max(labels.max(), before.max())) + 1 if len(places) >= SMALLEST_GROUP else NOISE
