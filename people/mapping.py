"""Draws the map of a library: its people and largest groups, those who look alike next to each other."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count
from django.utils import timezone
from numpy.typing import NDArray

from ml.map_layout import lay_out
from people.locks import Job, one_at_a_time
from people.models import Cluster, Face, LibraryMap, Person, Upkeep
from people.models.cluster import SMALLEST_GROUP
from people.models.face import FaceQuerySet
from people.models.library_map import GROUP, HEIGHT, PERSON, WIDTH
from people.vectors import centre_in_use, load_faces
from photos.face_model import current_face_model

# More would be specks, and t-SNE of so many takes seconds.
MOST_PEOPLE, MOST_GROUPS = 300, 150
LEAST_RADIUS, GREATEST_RADIUS = 9.0, 60.0
FILLED = 0.3  # of the map, by circles: leaves room for neighbourhoods to show


@dataclass(frozen=True, eq=False)
class _Shown:
    """Whom the map shows, largest first. kinds, pks, faces: shape (n,). rows: shape (n, d), mean faces."""

    kinds: list[str]
    pks: list[int]
    faces: NDArray[np.float64]
    rows: NDArray[np.float32]


def draw_map(owner_id: int) -> bool:
    """Draw an owner's map anew and store it; False when another worker is at it.

    Raises WeightsUnavailable when it is unknown which model's faces to compare.
    """
    with one_at_a_time(Job.MAP, owner_id) as is_ours:
        if is_ours:
            wanted = Upkeep.objects.filter(owner=owner_id).values_list("suggestions_wanted", flat=True).first()
            circles = _circles(_shown(owner_id), LibraryMap.objects.filter(owner=owner_id).first())
            news = {"circles": circles, "wanted": wanted or 0, "drawn_at": timezone.now()}
            LibraryMap.objects.update_or_create(owner_id=owner_id, defaults=news)
    return is_ours


def _shown(owner_id: int) -> _Shown:
    model = current_face_model().name
    faces = Face.objects.filter(photo__owner=owner_id).embedded_by(model)
    named = faces.filter(person__in=Person.objects.filter(owner=owner_id, is_hidden=False).values("pk"))
    groups = Cluster.objects.filter(owner=owner_id, is_hidden=False).values("pk")
    waiting = faces.untagged().filter(cluster__in=groups)
    people = _largest(named, "person", MOST_PEOPLE, fewest=1)
    unnamed = _largest(waiting, "cluster", MOST_GROUPS, fewest=SMALLEST_GROUP)
    columns = load_faces(
        named.filter(person__in=people) | waiting.filter(cluster__in=unnamed), centre=centre_in_use(owner_id, model)
    )
    # Primary keys of people and of groups may be equal: groups count below zero.
    numbers, owners, sizes = np.unique(
        np.where(columns.people > 0, columns.people, -columns.clusters), return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(numbers), columns.rows.shape[1]))
    np.add.at(sums, owners, columns.rows)
    order = np.lexsort((numbers, -sizes))
    return _Shown(
        kinds=[PERSON if number > 0 else GROUP for number in numbers[order].tolist()],
        pks=np.abs(numbers[order]).tolist(),
        faces=sizes[order].astype(np.float64),
        rows=(sums / sizes[:, None])[order].astype(np.float32),
    )


def _largest(faces: FaceQuerySet, key: str, most: int, *, fewest: int) -> list[int]:
    """The people or groups most of these faces are of."""
    by_size = faces.order_by().values(key).annotate(count=Count("pk")).filter(count__gte=fewest)
    return list(by_size.order_by("-count", key).values_list(key, flat=True)[:most])


def _circles(shown: _Shown, earlier: LibraryMap | None) -> list[dict[str, object]]:
    radii = _radii(shown.faces)
    known = {} if earlier is None else {(c["kind"], c["pk"]): (c["x"], c["y"]) for c in earlier.circles}
    nowhere = (np.nan, np.nan)
    before = np.array([known.get(key, nowhere) for key in zip(shown.kinds, shown.pks, strict=True)]).reshape(-1, 2)
    places = lay_out(shown.rows, radii, width=WIDTH, height=HEIGHT, before=before)
    return [
        {"kind": kind, "pk": pk, "x": round(x, 1), "y": round(y, 1), "r": round(r, 1)}
        for kind, pk, (x, y), r in zip(shown.kinds, shown.pks, places.tolist(), radii.tolist(), strict=True)
    ]


def _radii(faces: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area of a circle grows with the faces it stands for, as far as one can still see and click the least."""
    roots = np.sqrt(faces)
    if not len(roots):
        return roots
    scale = np.sqrt(FILLED * WIDTH * HEIGHT / (np.pi * (roots**2).sum()))
    radii: NDArray[np.float64] = np.clip(roots * scale, LEAST_RADIUS, GREATEST_RADIUS)
    return radii
