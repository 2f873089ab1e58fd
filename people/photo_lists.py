"""Lists of photos that people can name (photos.scopes): those of a person, and those a search finds."""

from django.http import QueryDict

from accounts.models import User
from people.forms import primary_keys
from people.models import Person
from people.search import PhotoSearch
from photos.models import Photo
from photos.models.photo import PhotoQuerySet
from photos.scopes import register


def _person(owner: User, which: str) -> PhotoQuerySet | None:
    person = Person.objects.owned_by(owner).filter(pk__in=primary_keys([which])).first()
    return Photo.objects.owned_by(owner).filter(faces__person=person).distinct() if person else None


def _search(owner: User, which: str) -> PhotoQuerySet | None:
    return PhotoSearch.from_query(owner, QueryDict(which)).photos(owner)


register("person", _person)
register("search", _search)
