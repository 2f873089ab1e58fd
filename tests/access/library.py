"""A library with something behind every address, and what of it somebody else could change."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import Model

from accounts.models import User
from people import answers, ledger
from people.models import SavedSearch
from photos import acts
from photos.models import Photo
from tests.factories import (
    make_album,
    make_batch,
    make_cluster,
    make_face,
    make_known,
    make_person,
    make_photo,
    make_question,
    make_suggestion,
    unit,
)
from tests.pictures import drawing, encoded

UNKNOWN = 987654321

# The way from each kind of row to whose it is.
OWNER = {
    "accounts.BrowserSession": "user",
    "accounts.User": "pk",
    "people.Change": "decision__owner",
    "people.Cluster": "owner",
    "people.Decision": "owner",
    "people.Decision_hides_groups": "decision__owner",
    "people.Decision_hides_people": "decision__owner",
    "people.Face": "photo__owner",
    "people.GroupTally": "cluster__owner",
    "people.Library": "owner",
    "people.LibraryMap": "owner",
    "people.OwnProjection": "owner",
    "people.Person": "owner",
    "people.PersonTally": "person__owner",
    "people.PhotoTally": "photo__owner",
    "people.Question": "owner",
    "people.SavedSearch": "owner",
    "people.Scored": "owner",
    "people.Suggestion": "face__photo__owner",
    "people.Training": "owner",
    "people.Upkeep": "owner",
    "photos.Act": "owner",
    "photos.Album": "owner",
    "photos.Album_photos": "album__owner",
    "photos.Archive": "batch__owner",
    "photos.Batch": "owner",
    "photos.BatchFile": "batch__owner",
    "photos.Photo": "owner",
}


@dataclass(frozen=True)
class Belongings:
    """Whose library, and one object of it for every kind of id that an address can hold."""

    owner: User
    ids: dict[str, int]
    media: Path | None = None


def make_belongings(owner: User, name: str = "Annabel", *, media: Path | None = None) -> Belongings:
    """One of everything, with files behind the photo and its faces."""
    photo = photo_with_files(owner)
    face = make_face(photo, likeness=unit(1))
    person = make_person(owner, name, note=f"Note of {name}")
    known = make_face(photo, likeness=unit(2), quality=0.9)
    undone = ledger.undo(answers.confirm(person, [known.pk], actor=owner), actor=owner)
    answers.confirm(person, [known.pk], actor=owner)
    make_suggestion(face, person)
    cluster = make_cluster(owner)
    for _ in range(3):
        make_face(make_photo(owner), cluster=cluster, likeness=unit(3))
    album = make_album(owner, f"Album of {name}")
    album.photos.add(photo)
    batch = make_batch(owner, title=f"Batch of {name}")
    other = make_known(owner, f"{name} the Other", likeness=unit(4))
    act = acts.mark(owner, Photo.objects.filter(pk=photo.pk), is_favourite=True)
    SavedSearch.objects.create(owner=owner, query=f"p={person.pk}", title=f"Search of {name}")
    return Belongings(
        owner,
        {
            "photo_id": photo.pk,
            "album_id": album.pk,
            "batch_id": batch.pk,
            "face_id": face.pk,
            "person_id": person.pk,
            "cluster_id": cluster.pk,
            "decision_id": undone.decision.pk,
            "question_id": make_question(person, other).pk,
            "act_id": act.pk,
        },
        media,
    )


def photo_with_files(owner: User, **fields: Any) -> Photo:
    """A photo whose original and derivatives are there."""
    photo = make_photo(owner, **fields)
    jpeg = encoded(drawing(64, 48, seed=photo.pk))
    photo.original.save(f"originals/test/{photo.pk}.jpg", ContentFile(jpeg), save=False)
    for field in (photo.small, photo.large):
        field.save(f"derived/test/{field.field.name}-{photo.pk}.webp", ContentFile(b"webp of the owner"), save=False)
    photo.save()
    return photo


def rows_of(owner: User) -> dict[str, list[dict[str, Any]]]:
    """Every row of an owner, by kind."""
    return {model._meta.label: rows for model in owned_models() if (rows := _rows(model, owner))}


def owned_models() -> list[type[Model]]:
    from django.apps import apps

    ours = [apps.get_app_config(label) for label in ("accounts", "photos", "people")]
    return [model for app in ours for model in app.get_models(include_auto_created=True) if _is_ours(model)]


def _is_ours(model: type[Model]) -> bool:
    # Groups and permissions of Django's users: Kith uses none. A FaceWrite holds but numbers, and is nobody's.
    return model._meta.label not in ("accounts.User_groups", "accounts.User_user_permissions", "people.FaceWrite")


def _rows(model: type[Model], owner: User) -> list[dict[str, Any]]:
    manager = getattr(model, "everywhere", model._default_manager)
    rows = manager.filter(**{OWNER[model._meta.label]: owner.pk}).order_by("pk").values()
    unread = (
        "embedding",
        "projection",
        "own_projection",
        "content",
    )  # arrays, which do not compare, and nothing an act changes
    return [{name: value for name, value in row.items() if name not in unread} for row in rows]
