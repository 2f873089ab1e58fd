"""Pairs of named people, and of groups, who may be one person: what "Same person?" asks about."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.group_distances import group_distances, group_means, same_person
from people.constraints import Constraints
from people.models import Face
from people.scores import gallery_of
from people.vectors import FaceColumns, centre_in_use, load_faces
from photos.face_model import current_face_model

LEAST_PROBABILITY = 0.2
SMALLEST = 3  # faces of the smaller group: below, a name costs no more than the question
MOST_GROUPS = 2000  # the largest
MOST_PAIRS = 100  # the most probable
# "No" keeps each face of the one from each of the other: of two groups larger than this, that is too much to hold.
MOST_KEPT_APART = 250_000


@dataclass(frozen=True)
class LikePair:
    """Two people or two groups, by primary key, the one of more faces first; faces: those of the other."""

    one: int
    other: int
    faces: int
    probability: float


def people_alike(owner_id: int, said: Constraints) -> list[LikePair]:
    """Pairs of people who may be one, the most probable first: not said to be two, and never in one photo."""
    model = current_face_model()
    centre = centre_in_use(owner_id, model.name)
    faces = load_faces(gallery_of(owner_id, model), centre=centre)
    return _alike(
        faces,
        faces.people,
        forbidden=said.people_apart(),
        fewest=1,
        linkage=model.limits(recentred=centre is not None).linkage,
    )


def groups_alike(owner_id: int, said: Constraints) -> list[LikePair]:
    """The same of groups of faces nobody has named."""
    model = current_face_model()
    waiting = Face.objects.filter(photo__owner=owner_id, cluster__is_hidden=False).untagged().filter(suggestion=None)
    centre = centre_in_use(owner_id, model.name)
    faces = load_faces(waiting.embedded_by(model.name), centre=centre)
    spoken_of = [face for face in faces.pks.tolist() if face in said.bonds]
    # Neither those said to be two, nor those said to be one, which are about to become one group.
    pairs = np.concatenate([said.apart(spoken_of), said.together(spoken_of)])
    groups = np.unique(np.sort(faces.clusters[np.searchsorted(faces.pks, pairs)], axis=1), axis=0)
    forbidden = {(one, other) for one, other in groups.tolist()}
    return _alike(
        faces,
        faces.clusters,
        forbidden=forbidden,
        fewest=SMALLEST,
        linkage=model.limits(recentred=centre is not None).linkage,
        max_apart=MOST_KEPT_APART,
    )


def _alike(
    faces: FaceColumns,
    groups: NDArray[np.int64],
    *,
    forbidden: set[tuple[int, int]],
    fewest: int,
    linkage: float,
    max_apart: int | None = None,
) -> list[LikePair]:
    numbers, sizes = np.unique(groups, return_counts=True)
    chosen = numbers[(sizes >= fewest) & (numbers != 0)]
    sizes = sizes[(sizes >= fewest) & (numbers != 0)]
    largest = np.sort(np.argsort(-sizes, kind="stable")[:MOST_GROUPS])
    chosen, sizes = chosen[largest], sizes[largest]
    among = np.isin(groups, chosen)
    _, means, counts = group_means(faces.rows[among], groups[among])
    alike = same_person(group_distances(means, counts, threshold=linkage), threshold=linkage)
    photos = _photos_of(groups[among], faces.photos[among])
    found = []
    for place in zip(*np.nonzero(np.triu(alike >= LEAST_PROBABILITY, 1)), strict=True):
        smaller, larger = sorted(place, key=lambda n: (sizes[n], -chosen[n]))
        one, other = int(chosen[larger]), int(chosen[smaller])
        if max_apart and sizes[smaller] * sizes[larger] > max_apart:
            continue
        if (min(one, other), max(one, other)) not in forbidden and not photos[one] & photos[other]:
            found.append(LikePair(one, other, int(sizes[smaller]), float(alike[place])))
    return sorted(found, key=lambda pair: (-pair.probability, pair.one, pair.other))[:MOST_PAIRS]


def _photos_of(groups: NDArray[np.int64], photos: NDArray[np.int64]) -> defaultdict[int, set[int]]:
    photos_of: defaultdict[int, set[int]] = defaultdict(set)
    for group, photo in zip(groups.tolist(), photos.tolist(), strict=True):
        photos_of[group].add(photo)
    return photos_of
