"""Groups the faces nobody has named: DBSCAN proposes, average linkage decides.

DBSCAN alone falls apart when its threshold is a little too wide, because chains of mediocre faces join two people;
average linkage looks at whole groups and does not (figures in docs/decisions/0001).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ml.arguments import checked_count, checked_flags, checked_number, checked_numbers, checked_whole
from ml.dbscan import NOISE, cluster_embeddings
from ml.neighbours import LEAST_THRESHOLD

PROPOSAL_THRESHOLD = 0.40
LINKAGE_THRESHOLD = 0.45
# Average linkage needs all distances of a component at once: 20,000 faces are 1.6 GB.
LARGEST_COMPONENT = 20_000
TIGHTER = 0.8  # by which a component too large is cut again

GroupId = TypeVar("GroupId", bound=Hashable)


def group_faces(
    embeddings: NDArray[np.float32],
    *,
    proposal_threshold: float = PROPOSAL_THRESHOLD,
    linkage_threshold: float = LINKAGE_THRESHOLD,
    min_faces: int = 2,
    may_seed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Group faces by person: DBSCAN proposes components, average linkage divides each.

    Args:
        embeddings: shape (n, d), rows of unit length: the centred projections. n may be 0.
        proposal_threshold: cosine distance up to which DBSCAN joins two faces.
        linkage_threshold: mean cosine distance between two groups up to which they become one.
        min_faces: smaller groups are noise.
        may_seed: shape (n,), False for poor faces. Those never found a group nor join two; each is added to the group
            it is nearest to on average, if that is within the linkage threshold.

    Returns:
        Shape (n,): group numbers from 0 in the order of their first good face, or NOISE. Deterministic.

    Raises:
        ValueError: embeddings is not two-dimensional or holds what is no finite number, may_seed has another shape, a
            threshold is not above 0, or min_faces is not a whole number of at least 1.
    """
    embeddings = checked_numbers("embeddings", embeddings, None, None)
    checked_number("proposal_threshold", proposal_threshold, least=LEAST_THRESHOLD)
    checked_number("linkage_threshold", linkage_threshold, least=LEAST_THRESHOLD)
    checked_count("min_faces", min_faces)
    seeds = (
        np.ones(len(embeddings), dtype=bool)
        if may_seed is None
        else checked_flags("may_seed", may_seed, len(embeddings))
    )
    good = np.flatnonzero(seeds)
    found = _link_components(embeddings[good], proposal_threshold, linkage_threshold, min_faces)
    labels = np.full(len(embeddings), NOISE, dtype=np.int64)
    labels[good] = found
    poor = np.flatnonzero(~seeds)
    if len(poor) and found.max(initial=NOISE) > NOISE:
        labels[poor] = _join_groups(embeddings[poor], embeddings[good], found, linkage_threshold)
    return labels


def _link_components(
    embeddings: NDArray[np.float32], proposal_threshold: float, linkage_threshold: float, min_faces: int
) -> NDArray[np.int64]:
    """Group numbers of good faces, in the order of each group's first face."""
    labels = np.full(len(embeddings), NOISE, dtype=np.int64)
    used = 0
    for members in _components(embeddings, proposal_threshold, min_faces):
        linked = _average_linkage(embeddings[members], linkage_threshold)
        labels[members] = linked + used
        used += int(linked.max()) + 1
    return _renumbered(labels, min_faces)


def _components(embeddings: NDArray[np.float32], threshold: float, min_faces: int) -> list[NDArray[np.intp]]:
    """Indices of each DBSCAN cluster; one too large for linkage is cut again at a tighter threshold."""
    labels = cluster_embeddings(embeddings, threshold=threshold, min_faces=min_faces)
    components = []
    for members in _members(labels):
        if len(members) <= LARGEST_COMPONENT:
            components.append(members)
        elif _all_alike(embeddings[members]):
            # No threshold divides copies of one face: they are one group, piece by piece.
            components.extend(np.array_split(members, -(-len(members) // LARGEST_COMPONENT)))
        else:
            inner = _components(embeddings[members], threshold * TIGHTER, min_faces)
            components.extend(members[part] for part in inner)
    return components


def _all_alike(embeddings: NDArray[np.float32]) -> bool:
    return bool(((1 - embeddings @ embeddings[0]) < 1e-5).all())


def _average_linkage(embeddings: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Group numbers from 0 within one component."""
    if len(embeddings) < 2:
        return np.zeros(len(embeddings), dtype=np.int64)
    distances = 1 - embeddings @ embeddings.T
    np.clip(distances, 0, 2, out=distances)
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), method="average")
    numbers: NDArray[np.int64] = fcluster(tree, t=threshold, criterion="distance").astype(np.int64) - 1
    return numbers


def _join_groups(
    probes: NDArray[np.float32], members: NDArray[np.float32], labels: NDArray[np.int64], threshold: float
) -> NDArray[np.int64]:
    """Label each probe with the group that is nearest on average and within the threshold, or NOISE."""
    groups = int(labels.max()) + 1
    grouped = labels > NOISE
    sums = np.zeros((groups, members.shape[1]), dtype=np.float64)
    np.add.at(sums, labels[grouped], members[grouped])
    # The mean distance to the members equals the distance to their mean: all rows have unit length.
    means = sums / np.bincount(labels[grouped], minlength=groups)[:, None]
    distances = 1 - probes @ means.T
    nearest = distances.argmin(axis=1)
    near = distances[np.arange(len(probes)), nearest] <= threshold
    return np.where(near, nearest, NOISE).astype(np.int64)


def _members(labels: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Indices of each cluster, by number."""
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] > NOISE]
    if not len(order):
        return []
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _renumbered(labels: NDArray[np.int64], min_faces: int) -> NDArray[np.int64]:
    """Number the groups from 0 by their first face; those below min_faces become NOISE."""
    result = np.full(len(labels), NOISE, dtype=np.int64)
    kept = [members for members in _members(labels) if len(members) >= min_faces]
    for number, members in enumerate(sorted(kept, key=lambda members: members[0])):
        result[members] = number
    return result


def match_labels(old: Sequence[GroupId | None], new: NDArray[np.int64]) -> dict[int, GroupId | None]:
    """Give each new group the id of the old group it shares most faces with, so that ids live on.

    Args:
        old: for each face the id of its previous group, or None.
        new: shape (n,): its new group number, or NOISE.

    Returns:
        New group number -> old id, or None for a group that is new. No id is given twice: the pair that shares most
        faces gets it (of equal pairs the one met first).

    Raises:
        ValueError: old and new differ in length, or new are not whole numbers.
    """
    new = checked_whole("new", new, len(old))
    matched: dict[int, GroupId | None] = {int(label): None for label in np.unique(new) if label != NOISE}
    shared: dict[tuple[GroupId, int], int] = {}
    for group, label in zip(old, new.tolist(), strict=True):
        if group is not None and label != NOISE:
            shared[group, label] = shared.get((group, label), 0) + 1
    taken: set[GroupId] = set()
    # sorted() is stable, and the dict keeps the order in which pairs were met
    for (group, label), _ in sorted(shared.items(), key=lambda pair: -pair[1]):
        if group not in taken and matched[label] is None:
            matched[label] = group
            taken.add(group)
    return matched
