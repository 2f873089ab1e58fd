"""Finds faces again after their rows were replaced by a new detection.

What was decided about a face keeps the hash of its photo and its box. Once the photo's faces are stored anew, each
box is matched with the new face that covers it best, and that face gets its name, its noes and all else back.
What matches no face stays in the ledger without one: the next detection may find it. But a face that was drawn by
hand gets a row again: no detector has to find it.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Exists, OuterRef

from accounts.models import User
from ml.geometry import BoundingBox
from people import ledger
from people.drawing import DRAWN_OVERLAP, SAME_OVERLAP, new_row
from people.locks import Job, wait_for_lock
from people.models import Change, Decision, Face, Person
from people.models.decision import ChangeQuerySet
from people.tracks import FaceState, state_in_force
from photos.models import Photo
from photos.transactions import atomic_again

Box = tuple[float, ...]  # left, top, width, height


@atomic_again
def relink(photo: Photo) -> int:
    """Give faces of a photo back what was decided about them under other rows; return of how many.

    To be called when faces of the photo were stored anew, in the same transaction.
    """
    lost = {box: acts for box, acts in _by_box(_without_face(photo)).items() if not _is_taken_back(acts)}
    if not lost:
        return 0
    wait_for_lock(Job.CLUSTERS, photo.owner_id)  # before the faces, as everywhere
    fresh = photo.faces.without_vectors().exclude(Exists(Change.objects.filter(face=OuterRef("pk"))))
    drawn = {box for box, acts in lost.items() if _drawings(acts)}
    least = {box: DRAWN_OVERLAP if box in drawn else SAME_OVERLAP for box in lost}
    found = _matched(least, list(fresh.order_by("pk").select_for_update(of=("self",))))
    found |= {box: new_row(photo, BoundingBox(*box)) for box in drawn - found.keys()}
    for box, face in found.items():
        # With the box of now: the ledger would else look for two faces where a third detection finds one.
        changes = Change.objects.filter(pk__in=[change.pk for change in lost[box]])
        changes.update(face=face, box=[face.left, face.top, face.width, face.height])
    ledger.put_in_force(photo.owner, list(found.values()))
    return len(found)


def names_not_found(photo: Photo) -> list[Person]:
    """People whom a face of the photo was said to be that no detection finds any more."""
    states = (_state(acts) for acts in _by_box(_without_face(photo)).values())
    pks = {state.person for state in states if state.person is not None}
    return list(Person.objects.filter(pk__in=pks).order_by("folded_name", "pk"))


def faces_not_found(owner: User, person: Person) -> list[tuple[str, list[float]]]:
    """Of faces that have no row now and bear a person's name in the ledger: hash of the photo, and box."""
    named = Change.objects.filter(decision__owner=owner, face=None, after__person=person.pk)
    hashes = set(named.values_list("photo_sha256", flat=True))
    changes = Change.objects.filter(decision__owner=owner, face=None, photo_sha256__in=hashes)
    by_photo: dict[str, list[Change]] = {}
    for change in changes.select_related("decision").order_by("decision_id", "pk"):
        by_photo.setdefault(change.photo_sha256, []).append(change)
    return [
        (sha256, list(box))
        for sha256, theirs in by_photo.items()
        for box, acts in _by_box(theirs).items()
        if _state(acts).person == person.pk
    ]


def _without_face(photo: Photo) -> ChangeQuerySet:
    changes = Change.objects.filter(decision__owner=photo.owner_id, photo_sha256=photo.sha256, face=None)
    return changes.select_related("decision").order_by("decision_id", "pk")


def _by_box(changes: Iterable[Change]) -> dict[Box, list[Change]]:
    """What was decided about each face, the oldest first: a face's box is the same in all of it."""
    by_box: dict[Box, list[Change]] = {}
    for change in changes:
        by_box.setdefault(tuple(change.box), []).append(change)
    return by_box


def _state(acts: Sequence[Change]) -> FaceState:
    return state_in_force(acts, FaceState())


def _drawings(acts: Sequence[Change]) -> list[Change]:
    return [act for act in acts if act.decision.verb == Decision.Verb.DRAW]


def _is_taken_back(acts: Sequence[Change]) -> bool:
    """Whether it was drawn and undone: that says nothing of what a detector finds there."""
    drawings = _drawings(acts)
    return bool(drawings) and not any(act.decision.is_in_force for act in drawings)


def _matched(least: Mapping[Box, float], faces: Sequence[Face]) -> dict[Box, Face]:
    """One face for each box and one box for each face, those that overlap most first, and by more than its least."""
    overlaps = [(BoundingBox(*box).intersection_over_union(face.box), box, face) for box in least for face in faces]
    found: dict[Box, Face] = {}
    for overlap, box, face in sorted(overlaps, key=lambda each: (-each[0], each[1], each[2].pk)):
        if overlap > least[box] and box not in found and face not in found.values():
            found[box] = face
    return found
