"""Which face stands for a person or a group on a page: one query for a page full of them."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from people.models import Cluster, Face, Person

MOSAIC = 3


def attach_covers(people: Sequence[Person]) -> None:
    """Set `cover` on each person: the face chosen for it, else the best one confirmed."""
    best = _best_faces("person", [person.pk for person in people], 1)
    chosen_ids = [person.cover_face_id for person in people if person.cover_face_id]
    # A face that was chosen once may have turned out to be somebody else's: then it is found under their key.
    chosen = {face.person_id: face for face in Face.objects.without_vectors().filter(pk__in=chosen_ids)}
    for person in people:
        faces = best.get(person.pk, [])
        person.cover = chosen.get(person.pk) or (faces[0] if faces else None)


def attach_mosaics(clusters: Sequence[Cluster], *, faces: int = MOSAIC) -> None:
    """Set `mosaic` on each group: its best faces that wait for a name."""
    best = _best_faces("cluster", [cluster.pk for cluster in clusters], faces)
    for cluster in clusters:
        cluster.mosaic = best.get(cluster.pk, [])


def _best_faces(owner_field: str, pks: list[int], limit: int) -> dict[int, list[Face]]:
    faces = (
        Face.objects.without_vectors()
        .filter(Q(**{f"{owner_field}__in": pks}), is_ignored=False)
        .annotate(place=Window(RowNumber(), partition_by=F(owner_field), order_by=[F("quality").desc(), F("pk").asc()]))
        .filter(place__lte=limit)
        .order_by("place")
    )
    by_owner: defaultdict[int, list[Face]] = defaultdict(list)
    for face in faces:
        by_owner[getattr(face, f"{owner_field}_id")].append(face)
    return by_owner
