"""Keeps the numbers of groups from one run to the next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_whole
from ml.dbscan import NOISE

GroupId = TypeVar("GroupId", bound=Hashable)


def match_labels(
    old: Sequence[GroupId | None], new: NDArray[np.int64], sizes: NDArray[np.int64] | None = None
) -> dict[int, GroupId | None]:
    """Give each new group the id of the old group it shares most faces with, so that ids live on.

    Args:
        old: for each face the id of its previous group, or None.
        new: shape (n,): its new group number, or NOISE.
        sizes: shape (n,), how many faces stand behind each; 1 unless given.

    Returns:
        New group number -> old id, or None for a group that is new. No id is given twice: the pair that shares most
        faces gets it (of equal pairs the one met first).

    Raises:
        ValueError: old, new and sizes differ in length, or new or sizes are not whole numbers.
    """
    new = checked_whole("new", new, len(old))
    sizes = np.ones(len(old), dtype=np.int64) if sizes is None else checked_whole("sizes", sizes, len(old))
    matched: dict[int, GroupId | None] = {int(label): None for label in np.unique(new) if label != NOISE}
    shared: dict[tuple[GroupId, int], int] = {}
    for group, label, size in zip(old, new.tolist(), sizes.tolist(), strict=True):
        if group is not None and label != NOISE:
            shared[group, label] = shared.get((group, label), 0) + size
    taken: set[GroupId] = set()
    # sorted() is stable, and the dict keeps the order in which pairs were met
    for (group, label), _ in sorted(shared.items(), key=lambda pair: -pair[1]):
        if group not in taken and matched[label] is None:
            matched[label] = group
            taken.add(group)
    return matched
