"""Deletes face data for good. The one thing about faces that cannot be undone."""

from collections.abc import Iterable

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from people.models import Change, Cluster, Decision, Face, Library, LibraryMap, Person, Upkeep
from people.models.face import FaceQuerySet
from people.relinking import faces_not_found
from photos.models import Photo
from photos.transactions import atomic_again

BATCH = 1000  # changes saved by one query


@atomic_again
def forget_person(person: Person) -> int:
    """Delete a person with every face that bears the name; return how many. The photos stay."""
    deleted = _delete_faces(_locked(Face.everywhere.filter(person=person)))
    _forget_in_ledger(person)
    person.delete()
    Upkeep.objects.want(person.owner_id, groups=False)
    return deleted


def _forget_in_ledger(person: Person) -> None:
    """Take a person out of every decision: no undo may bring them back."""
    _forget_faces_not_found(person)
    mentions = Q(after__person=person.pk) | Q(rejected=person)
    Change.objects.filter(mentions).delete()
    before = list(Change.objects.filter(before__person=person.pk))
    for change in before:
        change.before |= {"person": None, "tagged_by": ""}
    Change.objects.bulk_update(before, ["before"], BATCH)
    decisions = Decision.objects.filter(owner=person.owner)
    decisions.filter(Q(person=person) | Q(other=person, verb=Decision.Verb.DIFFERENT)).delete()
    # What is said of two people touches no face, and taking that back neither.
    of_faces = Q(other=None) | ~Q(verb=Decision.Verb.DIFFERENT)
    without_faces = (Decision.Verb.UNDO, Decision.Verb.HIDE)
    decisions.filter(of_faces, changes=None).exclude(verb__in=without_faces).delete()


def _forget_faces_not_found(person: Person) -> None:
    """Faces of photos that were deleted: if a photo comes back, its face must not get the name again."""
    for sha256, box in faces_not_found(person.owner, person):
        Change.objects.filter(decision__owner=person.owner, face=None, photo_sha256=sha256, box=box).delete()


@atomic_again
def delete_face_data(owner: User) -> int:
    """Turn face analysis off and delete every face, group, name and answer of an owner; return how many faces.

    The photos go back to where they were before faces were looked for.
    """
    User.objects.filter(pk=owner.pk).update(face_analysis=User.FaceAnalysis.OFF)
    owner.face_analysis = User.FaceAnalysis.OFF
    # A worker that holds a photo right now finds its lease gone and stores nothing.
    stages = (Photo.Stage.GROUPING, Photo.Stage.DONE, Photo.Stage.FACES)
    Photo.everywhere.owned_by(owner).filter(stage__in=stages).update(
        stage=Photo.Stage.FACES, attempts=0, lease_until=None, failure=""
    )
    deleted = _delete_faces(_locked(Face.everywhere.owned_by(owner)))
    Decision.objects.owned_by(owner).delete()
    Cluster.objects.owned_by(owner).delete()
    Person.objects.owned_by(owner).delete()
    Upkeep.objects.filter(owner=owner).delete()
    Library.objects.filter(owner=owner).delete()  # what was learnt from faces
    LibraryMap.objects.filter(owner=owner).delete()
    return deleted


def _locked(faces: FaceQuerySet) -> FaceQuerySet:
    # In order of primary key, as the ledger does: answers given meanwhile come before or after, not in between.
    ordered = faces.order_by("pk").select_for_update(of=("self",))
    return Face.everywhere.filter(pk__in=list(ordered.values_list("pk", flat=True)))


def _delete_faces(faces: FaceQuerySet) -> int:
    """Delete rows now and crops once that is certain."""
    crops = list(faces.exclude(crop="").values_list("crop", flat=True))  # one just drawn has none yet
    Change.objects.filter(face__in=faces).delete()
    _, by_model = faces.delete()
    transaction.on_commit(lambda: _delete_files(crops))
    return by_model.get("people.Face", 0)


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
