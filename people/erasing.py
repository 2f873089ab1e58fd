"""Deletes face data for good. The one thing about faces that cannot be undone."""

from collections.abc import Iterable

from django.core.files.storage import default_storage
from django.db import transaction

from accounts.models import User
from people.models import Change, Cluster, Decision, Face, Person
from people.models.face import FaceQuerySet
from photos.models import Photo


@transaction.atomic
def forget_person(person: Person) -> int:
    """Delete a person with every face that bears the name; return how many. The photos stay."""
    faces = person.faces.all()
    decisions = Decision.objects.filter(owner=person.owner)
    deleted = _delete_faces(faces)
    Change.objects.filter(rejected=person).delete()
    decisions.filter(person=person).delete()
    decisions.filter(changes=None).delete()
    person.delete()
    return deleted


@transaction.atomic
def delete_face_data(owner: User) -> int:
    """Turn face analysis off and delete every face, group, name and answer of an owner; return how many faces.

    The photos go back to where they were before faces were looked for.
    """
    User.objects.filter(pk=owner.pk).update(face_analysis=User.FaceAnalysis.OFF)
    owner.face_analysis = User.FaceAnalysis.OFF
    # A worker that holds a photo right now finds its lease gone and stores nothing.
    stages = (Photo.Stage.GROUPING, Photo.Stage.DONE, Photo.Stage.FACES)
    Photo.objects.owned_by(owner).filter(stage__in=stages).update(
        stage=Photo.Stage.FACES, attempts=0, lease_until=None, failure=""
    )
    deleted = _delete_faces(Face.objects.owned_by(owner))
    Decision.objects.owned_by(owner).delete()
    Cluster.objects.owned_by(owner).delete()
    Person.objects.owned_by(owner).delete()
    return deleted


def _delete_faces(faces: FaceQuerySet) -> int:
    """Delete rows now and crops once that is certain."""
    crops = list(faces.values_list("crop", flat=True))
    Change.objects.filter(face__in=faces).delete()
    _, by_model = faces.delete()
    transaction.on_commit(lambda: _delete_files(crops))
    return by_model.get("people.Face", 0)


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
