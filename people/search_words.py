"""A search in words: the title of its page, and a chip for each of its terms."""

import calendar
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from people.models import Face, Person
from people.search import ANY, ONLY, PhotoSearch

COUNT_WORDS = {
    "0": gettext_lazy("nobody in them"),
    "1": gettext_lazy("one face"),
    "2": gettext_lazy("two faces"),
    "3-5": gettext_lazy("three to five faces"),
    "6": gettext_lazy("six faces or more"),
}


@dataclass(frozen=True)
class Chip:
    """A term of a search. remove_url: the search without it. exclude_url: of a person, the search without them."""

    words: str
    remove_url: str
    person: Person | None = None
    is_without: bool = False
    exclude_url: str = ""

    @property
    def face(self) -> Face | None:
        return self.person.cover if self.person else None


def chips_of(search: PhotoSearch) -> list[Chip]:
    """A chip for each term; those of people need `attach_covers` first."""
    chips = [
        Chip(str(p), search.without_person(p).url(), p, exclude_url=search.excluding(p).url()) for p in search.people
    ]
    chips += [
        Chip(_("Without %(name)s") % {"name": p}, search.without_person(p).url(), p, is_without=True)
        for p in search.without
    ]
    if search.since or search.until:
        chips.append(Chip(period(search.since, search.until), search.but(since=None, until=None).url()))
    if search.album:
        chips.append(Chip(str(search.album), search.but(album=None).url()))
    if search.place:
        chips.append(Chip(search.place, search.but(place="").url()))
    if search.count:
        words = str(COUNT_WORDS[search.count])
        chips.append(Chip(words[:1].upper() + words[1:], search.but(count="").url()))
    if search.has_unnamed:
        chips.append(Chip(_("Faces without a name"), search.but(has_unnamed=False).url()))
    if search.is_favourite:
        chips.append(Chip(_("Favourites"), search.but(is_favourite=False).url()))
    return chips


def sentence(search: PhotoSearch) -> str:
    """The search in words: "Ann and Bob without Mila, 2024"."""
    parts = [_who(search)]
    if search.since or search.until:
        parts.append(period(search.since, search.until))
    parts += [str(search.album)] if search.album else []
    parts += [search.place] if search.place else []
    parts += [str(COUNT_WORDS[search.count])] if search.count else []
    parts += [_("faces without a name")] if search.has_unnamed else []
    parts += [_("favourites")] if search.is_favourite else []
    said = ", ".join(part for part in parts if part)
    return said if search.people else said[:1].upper() + said[1:]


def _who(search: PhotoSearch) -> str:
    either, both = _("%(one)s or %(other)s"), _("%(one)s and %(other)s")
    people = _chained(either if search.mode == ANY else both, search.people)
    missing = _chained(either, search.without)
    if people and search.mode == ONLY:
        people = _("only %(people)s") % {"people": people}
    if not missing:
        return people
    if not people:
        return _("without %(people)s") % {"people": missing}
    return _("%(people)s without %(missing)s") % {"people": people, "missing": missing}


def _chained(joined: str, people: Sequence[Person]) -> str:
    """Names in a row: "Ann and Bob and Mila"."""
    names = [str(person) for person in people]
    return functools.reduce(lambda one, other: joined % {"one": one, "other": other}, names) if names else ""


def period(since: date | None, until: date | None) -> str:
    """Days in words, as short as they can be: "2024", "May 2024", "3 May 2024", "since 3 May 2024"."""
    if since and until:
        if (since, until) == (date(since.year, 1, 1), date(since.year, 12, 31)):
            return str(since.year)
        if (since.day, since.year, since.month) == (1, until.year, until.month) and until.day == _last_day(until):
            return date_format(since, "YEAR_MONTH_FORMAT")
        if since == until:
            return date_format(since)
        return _("%(since)s to %(until)s") % {
            "since": date_format(since),
            "until": date_format(until),
        }
    if since:
        return _("since %(day)s") % {"day": date_format(since)}
    return _("until %(day)s") % {"day": date_format(until or date.max)}


def year_of(year: int) -> tuple[date, date]:
    """The first and last day of a year."""
    return date(year, 1, 1), date(year, 12, 31)


def month_of(year: int, month: int) -> tuple[date, date]:
    """The first and last day of a month."""
    first = date(year, month, 1)
    return first, first + timedelta(days=calendar.monthrange(year, month)[1] - 1)


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]
