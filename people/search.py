"""Search for photos by people, time, album, place and number of faces. The address of the page is the search."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable
from django.http import QueryDict
from django.urls import reverse

from accounts.models import User
from people.forms import primary_keys
from people.merging import merged_into
from people.models import Face, Person
from photos.models import Album, Photo
from photos.models.photo import PhotoQuerySet

Condition = Q | Combinable  # what filter() takes

ALL, ANY, ONLY = "all", "any", "only"
MODES = (ALL, ANY, ONLY)
MOST_TERMS = 50
# How many faces a photo shows, as the address says it: from, to.
COUNTS: dict[str, tuple[int, int | None]] = {"0": (0, 0), "1": (1, 1), "2": (2, 2), "3-5": (3, 5), "6": (6, None)}


@dataclass(frozen=True)
class PhotoSearch:
    """Photos that fit every term. A face that was set aside is nobody's: it counts nowhere.

    people, mode: with all or any of them, or with them and nobody else. without: with none of these. since, until:
    days, both included. place: part of the name of a place, as it is written. count: a key of `COUNTS`.
    """

    people: tuple[Person, ...] = ()
    without: tuple[Person, ...] = ()
    mode: str = ALL
    since: date | None = None
    until: date | None = None
    album: Album | None = None
    place: str = ""
    count: str = ""
    has_unnamed: bool = False
    is_favourite: bool = False

    @classmethod
    def from_query(cls, owner: User, query: QueryDict) -> Self:
        """Read a search from an address; what is somebody else's or cannot be read is left out."""
        named = {*_ids(query, "p"), *_ids(query, "without")}
        known = Person.objects.owned_by(owner).with_faces().in_bulk(named)
        if gone := named - known.keys():  # a search that was kept, or a link, from before people were merged
            known |= merged_into(owner, gone)
        albums = primary_keys(query.getlist("album")[:1])
        mode, count = query.get("mode", ALL), query.get("faces", "")
        return cls(
            people=tuple(dict.fromkeys(known[pk] for pk in _ids(query, "p") if pk in known)),
            without=tuple(dict.fromkeys(known[pk] for pk in _ids(query, "without") if pk in known)),
            mode=mode if mode in MODES else ALL,
            since=_day(query.get("from")),
            until=_day(query.get("to")),
            album=Album.objects.owned_by(owner).filter(pk__in=albums).first() if albums else None,
            place=query.get("place", "").replace("\0", "").strip()[:100],
            count=count if count in COUNTS else "",
            has_unnamed=query.get("unnamed") == "1",
            is_favourite=query.get("favourites") == "1",
        )

    @property
    def is_empty(self) -> bool:
        return replace(self, mode=ALL) == PhotoSearch()

    def photos(self, owner: User) -> PhotoQuerySet:
        """Photos that match; none while nothing is searched for."""
        photos = Photo.objects.owned_by(owner)
        if self.is_empty:
            return photos.none()
        for condition in (*self._who(), *self._when(), *self._where(), *self._how_many()):
            photos = photos.filter(condition)
        return photos

    def _who(self) -> Iterable[Condition]:
        if self.without:
            yield ~_shows(person__in=self.without)
        if self.people and self.mode == ANY:
            yield _shows(person__in=self.people)
        elif self.people:
            yield from (_shows(person=person) for person in self.people)
        if self.people and self.mode == ONLY:
            yield ~Exists(_faces_of_photo().filter(~Q(person__in=self.people) | Q(person=None), is_ignored=False))
        if self.has_unnamed:
            yield Q(tally__unnamed__gt=0)

    def _when(self) -> Iterable[Q]:
        # The camera's clock is kept as if it were UTC.
        if self.since:
            yield Q(taken_at__gte=datetime.combine(self.since, time.min, UTC))
        if self.until:
            yield Q(taken_at__lte=datetime.combine(self.until, time.max, UTC))

    def _where(self) -> Iterable[Q]:
        if self.album:
            yield Q(albums=self.album)
        if self.place:
            yield Q(place__contains=self.place)
        if self.is_favourite:
            yield Q(is_favourite=True)

    def _how_many(self) -> Iterable[Condition]:
        if not self.count:
            return
        least, most = COUNTS[self.count]
        if most == 0:
            yield Q(tally=None)
            return
        yield Q(tally__faces__gte=least)
        if most is not None:
            yield Q(tally__faces__lte=most)

    def url(self) -> str:
        return f"{reverse('people:search')}?{self.query()}"

    def query(self) -> str:
        """What the address says after the question mark; the same search always says the same."""
        terms: list[tuple[str, object]] = [("p", person.pk) for person in self.people]
        terms += [("without", person.pk) for person in self.without]
        terms += [("mode", self.mode)] if self.mode != ALL else []
        rest = (
            ("from", self.since),
            ("to", self.until),
            ("album", self.album and self.album.pk),
            ("place", self.place),
            ("faces", self.count),
            ("unnamed", "1" if self.has_unnamed else ""),
            ("favourites", "1" if self.is_favourite else ""),
        )
        return urlencode([*terms, *((key, value) for key, value in rest if value)])

    def scope(self) -> str:
        """The name of its list of photos (photos.scopes)."""
        return f"search-{self.query()}"

    def but(self, **terms: Any) -> Self:
        """The search with some terms changed."""
        return replace(self, **terms)

    def with_person(self, person: Person) -> Self:
        rest = self.without_person(person)
        return rest.but(people=(*rest.people, person))

    def excluding(self, person: Person) -> Self:
        rest = self.without_person(person)
        return rest.but(without=(*rest.without, person))

    def without_person(self, person: Person) -> Self:
        """The search with this person's chip taken off."""
        return self.but(
            people=tuple(p for p in self.people if p != person), without=tuple(p for p in self.without if p != person)
        )


def _faces_of_photo() -> Any:
    return Face.objects.filter(photo=OuterRef("pk"))


def _shows(**who: object) -> Exists:
    return Exists(_faces_of_photo().filter(**who))


def _ids(query: QueryDict, key: str) -> list[int]:
    return list(dict.fromkeys(primary_keys(query.getlist(key))))[:MOST_TERMS]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
