"""Keeps two faces of one photo out of one group: they are two people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers, checked_whole
from ml.dbscan import NOISE


def part_same_photo(
    labels: NDArray[np.int64], embeddings: NDArray[np.float32], photos: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Leave each group one face per photo: the one most like the group.

    Args:
        labels: shape (n,): group numbers from 0, or NOISE.
        embeddings: shape (n, d), rows of unit length.
        photos: shape (n,): the photo each face is in.

    Returns:
        Shape (n,): the labels, with the other faces of a photo, and groups left with a single face, as NOISE.

    Raises:
        ValueError: labels, embeddings or photos has another shape, or holds what is no whole or no finite number.
    """
    embeddings = checked_numbers("embeddings", embeddings, None, None)
    labels = checked_whole("labels", labels, len(embeddings))
    photos = checked_whole("photos", photos, len(embeddings))
    parted = labels.copy()
    for label in range(int(labels.max(initial=NOISE)) + 1):
        members = np.flatnonzero(labels == label)
        likeness = embeddings[members] @ embeddings[members].sum(axis=0)
        best_first = members[np.argsort(-likeness, kind="stable")]
        _, kept = np.unique(photos[best_first], return_index=True)
        parted[np.setdiff1d(members, best_first[kept])] = NOISE
        if len(kept) < 2:
            parted[members] = NOISE
    return parted
