"""Finds out which faces under one name, or in one group, may be different people."""

from collections.abc import Sequence
from dataclasses import dataclass

from people.models import Face
from people.models.face import FaceQuerySet
from people.vectors import centre_in_use, load_faces
from photos.face_model import current_face_model

MOST_FACES = 2000  # compared, the clearest: of more, a page would take seconds
SHOWN = 12  # of each part


@dataclass(frozen=True)
class Part:
    """Faces that may be one person. faces: all of them, by primary key. shown: the clearest."""

    faces: list[int]
    shown: list[Face]


@dataclass(frozen=True)
class Parts:
    """What some faces fall into, the largest part first; one part or none when they do not. loose: faces of no part."""

    parts: Sequence[Part]
    loose: int


def find_parts(faces: FaceQuerySet, owner_id: int) -> Parts:
    """Divide faces of one owner by likeness, in a constant number of queries."""
    # Compiled code is loaded by the web process only once somebody asks for this.
    from ml.dbscan import NOISE
    from ml.subgroups import find_subgroups

    model = current_face_model()
    clearest = faces.embedded_by(model.name).order_by("-quality", "pk").values("pk")[:MOST_FACES]
    centre = centre_in_use(owner_id, model.name)
    columns = load_faces(Face.objects.filter(pk__in=list(clearest.values_list("pk", flat=True))), centre=centre)
    limits = model.limits(recentred=centre is not None)
    labels = find_subgroups(columns.rows, threshold=limits.linkage)
    members: list[list[int]] = [[] for _ in range(labels.max(initial=-1) + 1)]
    by_quality = (-columns.qualities).argsort(kind="stable")
    for pk, label in zip(columns.pks[by_quality].tolist(), labels[by_quality].tolist(), strict=True):
        if label != NOISE:
            members[label].append(pk)
    wanted = [pk for part in members for pk in part[:SHOWN]]
    found = Face.objects.without_vectors().select_related("photo").in_bulk(wanted)
    parts = [Part(part, [found[pk] for pk in part[:SHOWN] if pk in found]) for part in members]
    return Parts(parts, int((labels == NOISE).sum()))
