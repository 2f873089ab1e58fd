"""Names for "the photos of a list": what a page shows, what "select all" means, and what a photo's page goes on in.

A scope is a word an address or a form can carry: "library", "favourites", "album-5". Other packages add theirs.
"""

from collections.abc import Callable
from typing import TypeVar

from django.db import models

from accounts.models import User
from photos.keys import primary_keys
from photos.models import Album, Batch, Photo
from photos.models.photo import PhotoQuerySet

# Given the owner and what follows the dash; None when there is no such list.
PhotosOf = Callable[[User, str], PhotoQuerySet | None]

Row = TypeVar("Row", bound=models.Model)

_kinds: dict[str, PhotosOf] = {}


def register(kind: str, photos_of: PhotosOf) -> None:
    """Let `kind` and `kind-<anything>` name photos."""
    _kinds[kind] = photos_of


def photos_in(owner: User, scope: str) -> PhotoQuerySet | None:
    """The photos a scope names, without an order; None when it names none of the owner's lists."""
    kind, _, which = scope.partition("-")
    photos_of = _kinds.get(kind)
    return photos_of(owner, which) if photos_of else None


def _library(owner: User, which: str) -> PhotoQuerySet:
    return Photo.objects.owned_by(owner)


def _favourites(owner: User, which: str) -> PhotoQuerySet:
    return Photo.objects.owned_by(owner).filter(is_favourite=True)


def _undated(owner: User, which: str) -> PhotoQuerySet:
    return Photo.objects.owned_by(owner).undated()


def _album(owner: User, which: str) -> PhotoQuerySet | None:
    album = _found(Album.objects.owned_by(owner), which)
    return Photo.objects.owned_by(owner).filter(albums=album) if album else None


def _batch(owner: User, which: str) -> PhotoQuerySet | None:
    batch = _found(Batch.objects.owned_by(owner), which)
    return batch.photos().owned_by(owner) if batch else None


def _trash(owner: User, which: str) -> PhotoQuerySet:
    return Photo.everywhere.owned_by(owner).in_trash()


def _found(rows: "models.QuerySet[Row]", key: str) -> "Row | None":
    return rows.filter(pk__in=primary_keys([key])).first()


register("library", _library)
register("favourites", _favourites)
register("undated", _undated)
register("album", _album)
register("batch", _batch)
register("trash", _trash)
