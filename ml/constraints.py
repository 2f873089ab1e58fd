"""What is known of faces before anybody looks at them: which are of two people, and which of one."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.arguments import checked_count, checked_whole

PairsOfFaces = NDArray[np.int64]


def checked_pairs(name: str, pairs: ArrayLike | None, faces: int) -> PairsOfFaces:
    """Pairs of faces, shape (k, 2); none for None.

    Raises:
        ValueError: pairs has another shape, or names a face that is not there.
    """
    if pairs is None:
        return np.zeros((0, 2), dtype=np.int64)
    checked = checked_whole(name, pairs, None, 2).astype(np.int64)
    if checked.size and (checked.min() < 0 or checked.max() >= faces):
        raise ValueError(f"{name} must be of the {faces} faces there are")
    return checked


def pairs_of_one_photo(photos: NDArray[np.int64], repeats: ArrayLike = ()) -> PairsOfFaces:
    """Two faces of one photo are two people, but in photos with a mirror, or of a collage.

    Args:
        photos: shape (n,), the photo of each face.
        repeats: photos in which somebody may be twice.

    Returns:
        Shape (k, 2), pairs of faces.

    Raises:
        ValueError: photos or repeats has another shape, or is no whole number.
    """
    photos = checked_whole("photos", photos, None)
    repeats = checked_whole("repeats", repeats, None)
    order = np.argsort(photos, kind="stable")
    order = order[~np.isin(photos[order], repeats.astype(np.int64))]
    of = photos[order]
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    places = np.arange(len(order))
    for step in range(1, len(order)):
        places = places[places + step < len(order)]
        places = places[of[places] == of[places + step]]
        if not len(places):
            break
        pairs.append(np.column_stack([order[places], order[places + step]]))
    return np.concatenate(pairs)


def sets_of_one_person(
    faces: int, together: PairsOfFaces, apart: PairsOfFaces, kinds: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Faces that are of one person by what is said of pairs: if a and b are, and b and c, so are a and c.

    Where that would make one person of two faces that are said to be apart, or of two kinds, the later pair is left
    out: contradictions are settled for what is apart, and then for the earlier pair.

    Args:
        faces: how many there are.
        together, apart: shape (k, 2), pairs of faces.
        kinds: shape (n,), negative for none; no set has two.

    Returns:
        Shape (n,): for each face the first face of its set.

    Raises:
        ValueError: together or apart are no pairs of these faces, or kinds has another shape.
    """
    checked_count("faces", faces, least=0)
    together, apart = checked_pairs("together", together, faces), checked_pairs("apart", apart, faces)
    kinds = np.full(faces, -1) if kinds is None else checked_whole("kinds", kinds, faces)
    sets = np.arange(faces)
    named = np.zeros(faces, dtype=bool)
    named[together] = True
    members = {face: [face] for face in np.flatnonzero(named).tolist()}
    enemies: defaultdict[int, set[int]] = defaultdict(set)
    for one, other in apart[named[apart].all(axis=1)].tolist():
        enemies[one].add(other)
        enemies[other].add(one)
    kind = {face: {number for number in (int(kinds[face]),) if number >= 0} for face in members}
    for one, other in together.tolist():
        first, second = sorted((int(sets[one]), int(sets[other])))
        if first == second or len(kind[first] | kind[second]) > 1 or enemies[first] & set(members[second]):
            continue
        sets[members[second]] = first
        members[first] += members.pop(second)
        enemies[first] |= enemies.pop(second, set())
        kind[first] |= kind.pop(second)
    return sets
