"""Search by people. The address of the page is the search."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef
from django.http import QueryDict
from django.urls import reverse

from accounts.models import User
from people.forms import primary_keys
from people.models import Face, Person
from photos.models import Photo
from photos.models.photo import PhotoQuerySet

ALL, ANY = "all", "any"
MOST_TERMS = 50


@dataclass(frozen=True)
class PhotoSearch:
    """Photos with all (or any) of some people, and without some others."""

    people: tuple[Person, ...] = ()
    without: tuple[Person, ...] = ()
    mode: str = ALL

    @classmethod
    def from_query(cls, owner: User, query: QueryDict) -> Self:
        """Read a search from an address; people of others and nonsense are left out."""
        known = Person.objects.owned_by(owner).with_faces()
        return cls(
            tuple(_by_ids(known.in_bulk(_ids(query, "p")), _ids(query, "p"))),
            tuple(_by_ids(known.in_bulk(_ids(query, "without")), _ids(query, "without"))),
            ANY if query.get("mode") == ANY else ALL,
        )

    def photos(self, owner: User) -> PhotoQuerySet:
        """Photos that match; none while nobody is searched for."""
        photos = Photo.objects.owned_by(owner)
        if not self.people and not self.without:
            return photos.none()
        for person in self.without:
            photos = photos.filter(~_shows([person]))
        if self.mode == ANY:
            return photos.filter(_shows(self.people)) if self.people else photos
        for person in self.people:
            photos = photos.filter(_shows([person]))
        return photos

    def url(self) -> str:
        terms: list[tuple[str, object]] = [("p", person.pk) for person in self.people]
        terms += [("without", person.pk) for person in self.without]
        terms += [("mode", ANY)] if self.mode == ANY else []
        return f"{reverse('people:search')}?{urlencode(terms)}"

    def scope(self) -> str:
        """The name of its list of photos (photos.scopes)."""
        return f"search-{self.url().partition('?')[2]}"

    def with_person(self, person: Person) -> "PhotoSearch":
        rest = self.without_person(person)
        return PhotoSearch((*rest.people, person), rest.without, self.mode)

    def excluding(self, person: Person) -> "PhotoSearch":
        rest = self.without_person(person)
        return PhotoSearch(rest.people, (*rest.without, person), self.mode)

    def without_person(self, person: Person) -> "PhotoSearch":
        """The search with this person's chip taken off."""
        return PhotoSearch(
            tuple(p for p in self.people if p != person),
            tuple(p for p in self.without if p != person),
            self.mode,
        )

    def in_mode(self, mode: str) -> "PhotoSearch":
        return PhotoSearch(self.people, self.without, mode)

    def sentence(self) -> str:
        """The search in words: "Ann and Bob without Mila"."""
        joined = (" or " if self.mode == ANY else " and ").join(str(p) for p in self.people)
        missing = " or ".join(str(p) for p in self.without)
        return " ".join(part for part in (joined, f"without {missing}" if missing else "") if part)


def _shows(people: "list[Person] | tuple[Person, ...]") -> Exists:
    return Exists(Face.objects.filter(photo=OuterRef("pk"), person__in=people))


def _ids(query: QueryDict, key: str) -> list[int]:
    return list(dict.fromkeys(primary_keys(query.getlist(key))))[:MOST_TERMS]


def _by_ids(people: dict[int, Person], ids: list[int]) -> list[Person]:
    return [people[pk] for pk in ids if pk in people]
