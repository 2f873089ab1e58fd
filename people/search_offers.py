"""What a search could go on with: people, albums, times and places that fit what was typed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

from accounts.models import User
from people.covers import attach_covers
from people.models import Person
from people.models.person import fold
from people.search import PhotoSearch
from people.search_words import COUNT_WORDS, month_of, period, year_of
from photos.models import Album, Photo

PEOPLE, ALBUMS, PLACES = 6, 4, 4  # offered at once
MOST_LOOKED_THROUGH = 2000  # albums and places, whose names are folded here
YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")


@dataclass(frozen=True)
class Offer:
    """A term that can be added. icon: of its kind; kind: what that is, in words. url: the search with it."""

    icon: str
    kind: str
    words: str
    url: str
    person: Person | None = None
    about: str = ""


def offers(owner: User, search: PhotoSearch, text: str) -> list[Offer]:
    """Terms that fit a text, the likeliest first; accents and case do not matter. None fit no text."""
    folded = fold(text)
    if not folded:
        return []
    return list(
        chain(
            islice(_people(owner, search, text), PEOPLE),
            _times(search, folded),
            islice(_albums(owner, search, folded), ALBUMS),
            islice(_places(owner, search, folded), PLACES),
            _kinds(search, folded),
        )
    )


def people_to_add(owner: User, search: PhotoSearch, text: str, limit: int) -> list[Person]:
    """People the text names, else those of most faces; with covers. Nobody who is hidden or searched for already.

    With the count of their photos only before anything is searched for: later it would not be that of the results.
    """
    people = Person.objects.owned_by(owner).with_faces().most_faces_first()
    people = people.with_photo_count() if search.is_empty else people
    people = people.filter(is_hidden=False).exclude(pk__in=[p.pk for p in (*search.people, *search.without)])
    found = list((people.named_like(text) if text else people)[:limit])
    attach_covers(found)
    return found


def _people(owner: User, search: PhotoSearch, text: str) -> Iterator[Offer]:
    for person in people_to_add(owner, search, text, PEOPLE):
        yield Offer("person", _("Person"), person.name, search.with_person(person).url(), person, person.note)


def _times(search: PhotoSearch, folded: str) -> Iterator[Offer]:
    """The year somebody typed, the month of it, or of every recent year that has photos."""
    found = YEAR.search(folded)
    if found is None:
        return
    year = int(found[1])
    rest = YEAR.sub("", folded).strip()
    months = [number for number, name in MONTHS.items() if rest and fold(str(name)).startswith(rest)]
    spans = [month_of(year, month) for month in months]
    for since, until in spans if rest else [year_of(year)]:
        yield Offer("calendar3", _("Time"), period(since, until), search.but(since=since, until=until).url())


def _albums(owner: User, search: PhotoSearch, folded: str) -> Iterator[Offer]:
    for album in Album.objects.owned_by(owner)[:MOST_LOOKED_THROUGH]:
        if _fits(folded, album.title):
            yield Offer("images", _("Album"), album.title, search.but(album=album).url())


def _places(owner: User, search: PhotoSearch, folded: str) -> Iterator[Offer]:
    """Towns, regions and countries; a country once, however many of its towns there are."""
    photos = Photo.objects.owned_by(owner).filter(place__gt="").order_by("place")
    names: dict[str, None] = {}
    for place in photos.values_list("place", flat=True).distinct()[:MOST_LOOKED_THROUGH]:
        parts = (place or "").split(", ")
        names |= dict.fromkeys(", ".join(parts[number:]) for number in reversed(range(len(parts))))
    for name in names:
        if _fits(folded, name.partition(",")[0]):
            yield Offer("geo-alt", _("Place"), name, search.but(place=name).url())


def _kinds(search: PhotoSearch, folded: str) -> Iterator[Offer]:
    if _fits(folded, _("Favourites")):
        yield Offer("heart", _("Filter"), _("Favourites"), search.but(is_favourite=True).url())
    if _fits(folded, _("Faces without a name")):
        yield Offer("sliders", _("Filter"), _("Faces without a name"), search.but(has_unnamed=True).url())
    for count, said in COUNT_WORDS.items():
        if _fits(folded, str(said)):
            yield Offer("sliders", _("Filter"), str(said), search.but(count=count).url())


def _fits(folded: str, name: str) -> bool:
    """Whether a word of the name starts with the text."""
    return f" {folded}" in f" {fold(name)}"
