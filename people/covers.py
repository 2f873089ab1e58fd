"""Which face stands for a person or a group on a page: two queries for a page full of them."""

from collections.abc import Sequence

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from people.models import Cluster, Face, Person
from people.models.face import FaceQuerySet

MOSAIC = 3


def attach_covers(people: Sequence[Person]) -> None:
    """Set `cover` on each person: the face chosen for it, else the best one confirmed."""
    best = _best_faces(Face.objects.filter(person=OuterRef("pk")), people, 1)
    chosen_ids = [person.cover_face_id for person in people if person.cover_face_id]
    # A face that was chosen once may have turned out to be somebody else's: then it is found under their key.
    chosen = {face.person_id: face for face in Face.objects.without_vectors().filter(pk__in=chosen_ids)}
    for person in people:
        faces = best.get(person.pk, [])
        person.cover = chosen.get(person.pk) or (faces[0] if faces else None)


def attach_mosaics(clusters: Sequence[Cluster], *, faces: int = MOSAIC) -> None:
    """Set `mosaic` on each group: its best faces that wait for a name."""
    best = _best_faces(Face.objects.untagged().filter(cluster=OuterRef("pk")), clusters, faces)
    for cluster in clusters:
        cluster.mosaic = best.get(cluster.pk, [])


def _best_faces(theirs: FaceQuerySet, shown: Sequence[Person] | Sequence[Cluster], limit: int) -> dict[int, list[Face]]:
    """The best of the faces of each person or group, by its primary key; read one by one from an index."""
    if not shown:
        return {}
    rows = type(shown[0])._default_manager.filter(pk__in=[row.pk for row in shown])
    best = dict(rows.values_list("pk", ArraySubquery(theirs.order_by("-quality", "pk").values("pk")[:limit])))
    faces = Face.objects.without_vectors().in_bulk([pk for pks in best.values() for pk in pks])
    return {row: [faces[pk] for pk in pks if pk in faces] for row, pks in best.items()}
