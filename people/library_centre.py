"""Works out the direction all faces of a library share, when there are groups enough and when they have doubled.

Whenever it changes everything is grouped again, so it must not change often.
"""

from dataclasses import dataclass

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from ml.dbscan import NOISE
from ml.projection import FEWEST_GROUPS, library_centre
from people.models import Face, Library, Person
from people.vectors import FaceColumns, load_faces


@dataclass(frozen=True, eq=False)
class Centre:
    """direction: shape (d,). groups: it is from so many; a person, a group and a face without either count as one."""

    direction: NDArray[np.float32]
    groups: int

    def store(self, owner_id: int, model: str) -> None:
        Library.objects.update_or_create(
            owner_id=owner_id,
            defaults={"centre": self.direction, "centre_model": model, "centre_groups": self.groups},
        )


def centre_if_due(owner_id: int, model: str, waiting: FaceColumns, labels: NDArray[np.int64]) -> Centre | None:
    """The centre to use from now on, if it is time for another one.

    Args:
        waiting, labels: faces that wait for a name, and the group each belongs in or NOISE.
    """
    groups = _count(owner_id, model, labels)
    if not _is_due(owner_id, model, groups):
        return None
    faces = load_faces(Face.objects.filter(photo__owner=owner_id, is_ignored=False).embedded_by(model))
    numbers = np.full(len(faces), NOISE, dtype=np.int64)
    is_known = np.isin(faces.pks, waiting.pks)
    numbers[is_known] = labels[np.searchsorted(waiting.pks, faces.pks[is_known])]
    named = faces.people > 0
    numbers[named] = int(labels.max(initial=NOISE)) + 1 + faces.people[named]
    direction = library_centre(faces.rows, numbers)
    return Centre(direction, groups) if direction.any() else None


def may_centre_be_due(owner_id: int, model: str, groups: int) -> bool:
    """Whether there may be one to be worked out. groups: of faces that wait, those without one counted singly."""
    return _is_due(owner_id, model, groups + Person.objects.filter(owner=owner_id).count())


def _is_due(owner_id: int, model: str, groups: int) -> bool:
    used = Library.objects.filter(owner=owner_id, centre_model=model).values_list("centre_groups", flat=True).first()
    return groups >= max(FEWEST_GROUPS, 2 * (used or 0))


def _count(owner_id: int, model: str, labels: NDArray[np.int64]) -> int:
    named = Face.objects.filter(person=OuterRef("pk")).embedded_by(model)
    people = Person.objects.filter(Exists(named), owner=owner_id).count()
    return len(np.unique(labels[labels > NOISE])) + int((labels == NOISE).sum()) + people
