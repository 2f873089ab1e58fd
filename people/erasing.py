"""Deletes face data for good. The one thing about faces that cannot be undone."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict

from accounts.models import User
from people import training
from people.models import (
    Change,
    Cluster,
    Decision,
    Face,
    Library,
    LibraryMap,
    Person,
    Question,
    SavedSearch,
    Scored,
    Suggestion,
    Upkeep,
)
from people.models.decision import ChangeQuerySet, DecisionQuerySet
from people.models.face import ERASED, FaceQuerySet
from people.relinking import faces_not_found
from photos.models import Photo
from photos.transactions import atomic_again

BATCH = 1000  # changes saved by one query, and faces by one transaction
# What is written over all that a face is compared by.
NOTHING = {
    "model": ERASED,
    "embedding": [0.0] * 512,
    "projection": [0.0] * 128,
    "own_projection": None,
    "grouped_by": "",
}

Row = TypeVar("Row", Person, Cluster)


@atomic_again
def forget_person(person: Person) -> int:
    """Delete a person with every face that bears the name; return how many. The photos stay."""
    training.forget(person.owner_id, learn_again=True)  # first, as everywhere
    faces = _locked(Face.everywhere.filter(person=person))
    Upkeep.objects.hold(person.owner_id)
    deleted = _delete_faces(faces)
    _forget_in_ledger(person)
    _forget_searches(person)
    Scored.objects.filter(owner=person.owner_id).delete()
    LibraryMap.objects.filter(owner=person.owner_id).delete()  # it is drawn anew without them
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
    _drop_empty(decisions)


def _drop_empty(decisions: DecisionQuerySet) -> None:
    """Delete decisions about faces that are about none any more."""
    # What is said of two people touches no face, and taking that back neither.
    of_faces = Q(other=None) | ~Q(verb=Decision.Verb.DIFFERENT)
    without_faces = (Decision.Verb.UNDO, Decision.Verb.HIDE, Decision.Verb.UNHIDE)
    decisions.filter(of_faces, changes=None).exclude(verb__in=without_faces).delete()


def _forget_searches(person: Person) -> None:
    """Delete what is kept of searches for a person: the titles say who."""
    for search in SavedSearch.objects.filter(owner=person.owner_id):
        if str(person.pk) in _people_in(search):
            search.delete()


def _people_in(search: SavedSearch) -> list[str]:
    """Whom a search is for, by number."""
    asked = QueryDict(search.query)
    return asked.getlist("p") + asked.getlist("without")


@transaction.atomic
def forget_photos(owner_id: int, photos: Collection[int]) -> None:
    """Delete the faces of photos that are deleted for good next, and all the ledger says of them.

    With them people go whom no other photo shows, and groups that nothing else was ever in: nobody could get rid of
    them otherwise, for no page shows them any more.
    """
    faces = Face.everywhere.filter(photo__in=photos)
    hashes = Photo.everywhere.filter(pk__in=photos).values_list("sha256", flat=True)
    changes = Change.objects.filter(decision__owner=owner_id)
    # Each by its own index; together they would be looked for in the whole ledger.
    of_faces, of_hashes = changes.filter(face__in=faces), changes.filter(face=None, photo_sha256__in=list(hashes))
    said = Change.objects.filter(
        pk__in=[*of_faces.values_list("pk", flat=True), *of_hashes.values_list("pk", flat=True)]
    )
    decisions = set(said.values_list("decision_id", flat=True))
    people, clusters = _mentioned(said)
    people |= set(faces.values_list("person_id", flat=True))
    Scored.objects.filter(owner=owner_id).delete()  # it holds the mean faces of groups
    clusters |= set(faces.values_list("cluster_id", flat=True))
    said.delete()
    faces.delete()
    _drop_empty(Decision.objects.filter(pk__in=decisions))
    mentioned = Person.objects.filter(pk__in=[pk for pk in people if pk is not None])
    for person in _left_alone(mentioned, changes, "person"):
        forget_person(person)
    Cluster.objects.filter(pk__in=[group.pk for group in _left_alone(_shown(clusters), changes, "cluster")]).delete()


def _shown(clusters: Collection[int | None]) -> QuerySet[Cluster]:
    return Cluster.objects.filter(pk__in=[pk for pk in clusters if pk is not None], is_hidden=False)


def _mentioned(changes: ChangeQuerySet) -> tuple[set[int | None], set[int | None]]:
    """Primary keys of the people and of the groups that changes are about."""
    people: set[int | None] = set()
    clusters: set[int | None] = set()
    for before, after, rejected in changes.values_list("before", "after", "rejected_id"):
        people |= {before.get("person"), after.get("person"), rejected}
        clusters |= {before.get("cluster"), after.get("cluster")}
    return people, clusters


def _left_alone(rows: QuerySet[Row], changes: ChangeQuerySet, kind: str) -> list[Row]:
    """Of people or groups, those that no face has and no act could give one back."""
    empty = list(rows.exclude(Exists(Face.everywhere.filter(**{kind: OuterRef("pk")}))).order_by("pk"))
    for track in (f"before__{kind}", f"after__{kind}"):
        if empty:
            held = set(changes.filter(**{f"{track}__in": [row.pk for row in empty]}).values_list(track, flat=True))
            empty = [row for row in empty if row.pk not in held]
    return empty


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
    training.forget(owner.pk, learn_again=False)
    # A worker that holds a photo right now finds its lease gone and stores nothing.
    stages = (Photo.Stage.GROUPING, Photo.Stage.DONE, Photo.Stage.FACES)
    Photo.everywhere.owned_by(owner).filter(stage__in=stages).update(
        stage=Photo.Stage.FACES, attempts=0, lease_until=None, failure=""
    )
    faces = _locked(Face.everywhere.owned_by(owner))
    Upkeep.objects.hold(owner.pk)
    deleted = _delete_faces(faces)
    Decision.objects.owned_by(owner).delete()
    Cluster.objects.owned_by(owner).delete()
    Person.objects.owned_by(owner).delete()
    Upkeep.objects.filter(owner=owner).delete()
    Library.objects.filter(owner=owner).delete()  # what was learnt from faces
    Scored.objects.filter(owner=owner).delete()
    LibraryMap.objects.filter(owner=owner).delete()
    for search in SavedSearch.objects.filter(owner=owner):
        if _people_in(search):
            search.delete()
    return deleted


def vectors_without_consent() -> FaceQuerySet:
    """Faces whose owners turned face analysis off, and that still hold what they are compared by."""
    return Face.everywhere.filter(photo__owner__face_analysis=User.FaceAnalysis.OFF).exclude(model__in=("", ERASED))


def erase_vectors(owner: User) -> int:
    """Erase what faces of an owner are compared by, and all that was worked out from it; return of how many faces.

    Names, boxes and groups stay, for the owner may say yes again. Safe to be stopped anywhere.
    """
    training.forget(owner.pk, learn_again=False)
    Suggestion.objects.filter(face__photo__owner=owner).delete()
    Question.objects.filter(owner=owner).delete()
    Scored.objects.filter(owner=owner).delete()
    LibraryMap.objects.filter(owner=owner).delete()
    learnt = {"centre": None, "centre_model": "", "centre_groups": 0, "calibration": None}
    Library.objects.filter(owner=owner).update(**learnt)
    erased = 0
    while True:
        with transaction.atomic():
            some = vectors_without_consent().filter(photo__owner=owner).order_by("pk").select_for_update(of=("self",))
            pks = list(some.values_list("pk", flat=True)[:BATCH])
            Face.everywhere.filter(pk__in=pks).update(**NOTHING)
        erased += len(pks)
        if not pks:
            return erased


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
