"""Which photos a form means: those ticked, or all of a list but for some."""

from django.http import QueryDict

from accounts.models import User
from photos.models import Photo
from photos.models.photo import PhotoQuerySet
from photos.scopes import photos_in

LONGEST_KEY = 18  # digits fit a bigint


def chosen_photos(owner: User, form: QueryDict, *, is_in_trash: bool = False) -> PhotoQuerySet:
    """The photos of an owner that a form means.

    photos: primary keys, each its own value or several with commas (a form may have a thousand values at most).
    all: "yes" means all of `scope`, up to the photo `as_of`, the newest when the page was made, but not those of
    `except`.
    """
    everything = Photo.everywhere.owned_by(owner).in_trash() if is_in_trash else Photo.objects.owned_by(owner)
    everything = everything.order_by()
    if form.get("all") != "yes":
        return everything.filter(pk__in=keys_in(form, "photos"))
    listed = photos_in(owner, form.get("scope", ""))
    if listed is None:
        return everything.none()
    chosen = everything.filter(pk__in=listed.order_by().values("pk")).exclude(pk__in=keys_in(form, "except"))
    newest = keys_in(form, "as_of")
    return chosen.filter(pk__lte=newest[0]) if newest else chosen


def keys_in(form: QueryDict, name: str) -> list[int]:
    """The primary keys under a name; nonsense is left out."""
    words = (word for value in form.getlist(name) for word in value.split(","))
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= LONGEST_KEY]
