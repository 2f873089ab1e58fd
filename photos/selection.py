"""Which photos a form means: those ticked, or all of a list but for some."""

from datetime import datetime

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from accounts.models import User
from photos.keys import primary_keys
from photos.models import Photo
from photos.models.photo import PhotoQuerySet
from photos.scopes import photos_in

CHOICE = ("photos", "all", "scope", "except", "as_of")  # what of a form says it


def chosen_photos(owner: User, form: QueryDict, *, is_in_trash: bool = False) -> PhotoQuerySet:
    """The photos of an owner that a form means.

    photos: primary keys, each its own value or several with commas (a form may have a thousand values at most).
    all: "yes" means all of `scope` that were there at the moment `as_of`, but not those of `except`.
    """
    everything = Photo.everywhere.owned_by(owner).in_trash() if is_in_trash else Photo.objects.owned_by(owner)
    everything = everything.order_by()
    if form.get("all") != "yes":
        return everything.filter(pk__in=keys_in(form, "photos"))
    listed = photos_in(owner, form.get("scope", ""))
    if listed is None:
        return everything.none()
    chosen = everything.filter(pk__in=listed.order_by().values("pk")).exclude(pk__in=keys_in(form, "except"))
    as_of = _moment(form.get("as_of", ""))
    return chosen.filter(uploaded_at__lte=as_of) if as_of else chosen


def choice_in(form: QueryDict) -> dict[str, str]:
    """What a form says about the photos it means, to be sent or kept: `chosen_photos` reads it again."""
    return {name: ",".join(form.getlist(name)) for name in CHOICE}


def keys_in(form: QueryDict, name: str) -> list[int]:
    """The primary keys under a name; nonsense is left out."""
    return primary_keys(word for value in form.getlist(name) for word in value.split(","))


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:  # the 31st of February
        return None
    return moment if moment and moment.tzinfo else None
