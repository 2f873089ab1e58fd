"""Whether faces are as they must be: their numbers and files, whose they are, and that the ledger says the same."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from django.db.models import Count, Exists, F, OuterRef, Q

from people.ledger import acts_on
from people.models import Change, Cluster, Face, GroupTally, Person, PersonTally, PhotoTally, Suggestion, Training
from people.models.face import ERASED
from people.tracks import FaceState, state_in_force
from photos.integrity import Problem

ROWS = 2000  # read at once
LENGTH_TOLERANCE = 1e-3
HALF_TOLERANCE = 1e-2  # of projections, which are kept in half precision


def face_problems() -> Iterator[Problem]:
    """All that is wrong with faces, people and groups."""
    trainings = _trainings()
    for faces in _in_parts():
        yield from _numbers(faces)
        yield from _own_rows(faces, trainings)
        yield from _crops(faces)
        yield from _names(faces)
    yield from _owners()
    yield from _groups()
    yield from _tallies()


def _in_parts() -> Iterator[list[Face]]:
    last = 0
    while faces := list(Face.everywhere.filter(pk__gt=last).select_related("photo").order_by("pk")[:ROWS]):
        yield faces
        last = faces[-1].pk


def crop_names() -> Iterator[str]:
    """Names of the files that faces hold."""
    return Face.everywhere.exclude(crop="").values_list("crop", flat=True).iterator(chunk_size=ROWS)


def _numbers(faces: Sequence[Face]) -> Iterator[Problem]:
    """I4: what faces are compared by is finite and of length one. A drawn face waits for its embedding; without the
    owner's consent there is none."""
    for face in faces:
        if face.model in ("", ERASED):
            continue
        embedding = np.asarray(face.embedding, dtype=np.float64)
        projection = np.asarray(face.projection, dtype=np.float64)
        if not _is_unit(embedding, LENGTH_TOLERANCE) or not _is_unit(projection, HALF_TOLERANCE):
            yield Problem("I4", f"Face {face.pk}: its embedding is damaged.")
        if not (0 <= face.left <= 1 and 0 <= face.top <= 1 and face.width > 0 and face.height > 0):
            yield Problem("I4", f"Face {face.pk}: its box lies outside the photo.")


def _trainings() -> dict[int, Training]:
    return {row.owner_id: row for row in Training.objects.select_related("filled").defer("filled__content")}


def _own_rows(faces: Sequence[Face], trainings: dict[int, Training]) -> Iterator[Problem]:
    """I4: rows of the library's own projection are of length one, and only where there is such a projection; those of
    one that is gone are about to be taken off."""
    for face in faces:
        training = trainings.get(face.photo.owner_id)
        if face.own_projection is None or (training is not None and training.is_clearing):
            continue
        if not _is_unit(np.asarray(face.own_projection, dtype=np.float64), HALF_TOLERANCE):
            yield Problem("I4", f"Face {face.pk}: its row of the library's own projection is damaged.")
        if training is None or training.filled is None or training.filled.model != face.model:
            yield Problem("I4", f"Face {face.pk}: it holds a row of a projection its library has not.")


def _is_unit(row: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", tolerance: float) -> bool:
    return bool(np.isfinite(row).all() and abs(float(np.linalg.norm(row)) - 1) <= tolerance)


def _crops(faces: Sequence[Face]) -> Iterator[Problem]:
    """I5: the picture of each face is there."""
    for face in faces:
        if face.model and not (face.crop.name and Path(face.crop.path).is_file()):
            yield Problem("I5", f"Face {face.pk}: its picture {face.crop.name} is missing.")


def _names(faces: Sequence[Face]) -> Iterator[Problem]:
    """I6: what faces are called is what the decisions in force add up to."""
    acts = acts_on(faces)
    for face in faces:
        current = FaceState.of(face)
        said = state_in_force(acts[face.pk], current) if acts.get(face.pk) else FaceState()
        if not said.says_the_same_as(current):
            yield Problem("I6", f"Face {face.pk}: it bears another name than its history says.")


def _owners() -> Iterator[Problem]:
    """I7: a face, its person, its group and its photo belong to one user."""
    owner = F("photo__owner")
    strange = (Q(person__isnull=False) & ~Q(person__owner=owner)) | (
        Q(cluster__isnull=False) & ~Q(cluster__owner=owner)
    )
    for pk in Face.everywhere.filter(strange).order_by("pk").values_list("pk", flat=True):
        yield Problem("I7", f"Face {pk} is filed under somebody else's person or group.")
    suggested = Suggestion.objects.exclude(person__owner=F("face__photo__owner"))
    for pk in suggested.order_by("face").values_list("face", flat=True):
        yield Problem("I7", f"Face {pk} is suggested to be somebody else's person.")
    covers = Person.objects.filter(cover_face__isnull=False).exclude(cover_face__photo__owner=F("owner"))
    for pk in covers.values_list("pk", flat=True):
        yield Problem("I7", f"Person {pk} is shown by a face of somebody else.")


def _groups() -> Iterator[Problem]:
    """I8: a face that bears a name or was set aside is in no group, and no group is empty that no undo can fill."""
    named = Face.everywhere.filter(~Q(person=None) | Q(is_ignored=True), cluster__isnull=False)
    for pk in named.order_by("pk").values_list("pk", flat=True):
        yield Problem("I8", f"Face {pk} has a name and is in a group, too.")
    faces = Face.everywhere.filter(cluster=OuterRef("pk"))
    empty = set(Cluster.objects.filter(~Exists(faces), is_hidden=False, hidden_by=None).values_list("pk", flat=True))
    for track in ("before__cluster", "after__cluster"):
        empty -= set(Change.objects.filter(**{f"{track}__in": sorted(empty)}).values_list(track, flat=True))
    for pk in sorted(empty):
        yield Problem("I8", f"Group {pk} is empty.")


def _tallies() -> Iterator[Problem]:
    """I9: the faces and photos that PostgreSQL counted are those that are there."""
    faces = Face.objects.order_by()
    named, waiting, shown = faces.filter(person__isnull=False), faces.untagged(), faces.filter(is_ignored=False)
    photos, unnamed = Count("photo", distinct=True), Count("pk", filter=Q(person=None))
    counted = (
        ("Person", PersonTally.objects.all(), named.values_list("person"), photos),
        ("Group", GroupTally.objects.all(), waiting.exclude(cluster=None).values_list("cluster"), photos),
        ("Photo", PhotoTally.objects.all(), shown.values_list("photo"), unnamed),
    )
    for what, told, there, second in counted:
        found = there.annotate(n=Count("pk"), second=second)
        for pk in sorted({row[0] for row in set(told.values_list()) ^ set(found)}):
            yield Problem("I9", f"{what} {pk}: its faces are counted wrongly.")
