"""The timeline in pages: months and days of photos, newest first, by keyset so that page 1,000 is as fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from photos.dates import day_in_words
from photos.keys import primary_keys
from photos.models import Photo
from photos.models.photo import PhotoQuerySet

PAGE_SIZE = 120
# Days of fewer photos share a heading with their neighbours: a row of its own for each would be mostly empty.
FEWEST_OF_A_DAY = 6

Place = tuple[datetime, int]  # in the order of newest_first(): taken_at and primary key


@dataclass(frozen=True)
class Day:
    """Photos of a day, or of a few days that follow each other. undated: how many are here by their upload only."""

    title: str
    photos: list[Photo]
    undated: int

    @property
    def is_undated(self) -> bool:
        return self.undated == len(self.photos)


@dataclass(frozen=True)
class Month:
    """Photos of one month that are on this page, and how many the month has in all."""

    title: str
    slug: str
    count: int
    days: list[Day]
    is_continued: bool  # it began on the page before

    @property
    def photos(self) -> list[Photo]:
        return [photo for day in self.days for photo in day.photos]

    @property
    def key(self) -> str:
        """What tells this part of a month from its other parts on a page."""
        return f"{self.slug}-{self.days[0].photos[0].pk}"


@dataclass(frozen=True)
class Page:
    """next_cursor: to go on towards older photos, after it; previous_cursor: towards newer ones, before it."""

    months: list[Month]
    next_cursor: str | None
    previous_cursor: str | None = None


def month_counts(photos: PhotoQuerySet) -> dict[datetime, int]:
    """How many photos each month has, the newest first."""
    months = photos.annotate(month=TruncMonth("taken_at")).order_by("-month").values_list("month")
    return dict(months.annotate(Count("pk")))


def asked_page(photos: PhotoQuerySet, query: Mapping[str, str], counts: Mapping[datetime, int] | None = None) -> Page:
    """The page of `photos` that an address asks for.

    counts: month_counts(), where they are known already: then only the months of the page are looked through.

    after, before: a cursor. to: a month, "2024-05". at: a photo by its primary key, which then comes first. The top
    for what nobody can read.
    """
    if "at" in query:
        return timeline_page(photos, _at(photos, query["at"]), counts=counts)
    if "to" in query:
        return timeline_page(photos, _end_of_month(query["to"]), counts=counts)
    return timeline_page(photos, query.get("after"), before=query.get("before"), counts=counts)


def timeline_page(
    photos: PhotoQuerySet,
    after: str | None,
    *,
    before: str | None = None,
    counts: Mapping[datetime, int] | None = None,
) -> Page:
    """Return the page of `photos` after a cursor, or the one before another."""
    if place := _parse_cursor(before):
        return _page_before(photos, place, counts)
    place = _parse_cursor(after)
    following = photos.older_than(*place) if place else photos
    following = following if counts is None else _in_months_of_page(following, counts, place)
    found = list(following.newest_first().select_related("owner")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    months = _by_month(photos, shown, place[0] if place else None, counts)
    return Page(
        months,
        _cursor(_place(shown[-1])) if len(found) > PAGE_SIZE else None,
        _cursor(_place(shown[0])) if place and shown and photos.newer_than(*_place(shown[0])).exists() else None,
    )


def _in_months_of_page(photos: PhotoQuerySet, counts: Mapping[datetime, int], place: Place | None) -> PhotoQuerySet:
    """Of the photos after a place those of as many months as a page can need.

    PostgreSQL does not know that the photos of a list are near each other: it would look through all younger ones.
    """
    months = [month for month in counts if place is None or month <= _month_start(place[0])]
    if not months:
        return photos
    found = 0
    for last in months:
        # How many of its own month come after a place is not known.
        found += counts[last] if place is None or last < _month_start(place[0]) else 0
        if found > PAGE_SIZE:
            break
    end = _next_month(months[0])
    photos = photos.filter(taken_at__gte=last)
    return photos.filter(taken_at__lt=end) if end > months[0] else photos  # nothing comes after the year 9999


def _page_before(photos: PhotoQuerySet, place: Place, counts: Mapping[datetime, int] | None) -> Page:
    nearest = photos.newer_than(*place).order_by("taken_at", "pk").select_related("owner")
    found = list(nearest[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE][::-1]
    if not shown:
        return timeline_page(photos, None, counts=counts)
    return Page(
        _by_month(photos, shown, None, counts),
        _cursor(_place(shown[-1])),
        _cursor(_place(shown[0])) if len(found) > PAGE_SIZE else None,
    )


def _by_month(
    photos: PhotoQuerySet, shown: Sequence[Photo], after: datetime | None, counts: Mapping[datetime, int] | None
) -> list[Month]:
    if not shown:
        return []
    if counts is None:
        first, end = _month_start(shown[-1].taken_at), _next_month(shown[0].taken_at)
        counts = month_counts(photos.filter(taken_at__gte=first, taken_at__lt=end))
    continued = _month_start(after) if after else None
    return [
        Month(
            day_in_words(start.date(), "YEAR_MONTH_FORMAT"),
            start.isoformat()[:7],
            counts.get(start, 0),
            _by_day(list(group)),
            start == continued,
        )
        for start, group in groupby(shown, key=lambda photo: _month_start(photo.taken_at))
    ]


def _by_day(shown: Sequence[Photo]) -> list[Day]:
    together: list[list[Photo]] = []
    for _day, group in groupby(shown, key=lambda photo: photo.taken_at.date()):
        if together and len(together[-1]) < FEWEST_OF_A_DAY:
            together[-1] += group
        else:
            together.append(list(group))
    return [_day_of(photos) for photos in together]


def _day_of(photos: list[Photo]) -> Day:
    undated = sum(photo.taken_at_source == Photo.DateSource.UPLOAD for photo in photos)
    first, last = (photo.taken_at.date() for photo in (photos[-1], photos[0]))
    title = day_in_words(last, "MONTH_DAY_FORMAT")
    if first != last:
        title = _("%(first)s to %(last)s") % {"first": _short(first), "last": title}
    if undated == len(photos):
        title = _("Added %(days)s") % {"days": title}
    return Day(title, photos, undated)


def _short(day: date) -> str:
    return day_in_words(day, "MONTH_DAY_FORMAT")


def _place(photo: Photo) -> Place:
    return photo.taken_at, photo.pk


def _month_start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(moment: datetime) -> datetime:
    start = _month_start(moment)
    if start.month == 12:
        return start.replace(year=min(start.year + 1, 9999), month=1)
    return start.replace(month=start.month + 1)


def _cursor(place: Place) -> str:
    # Not strftime: it gives years before 1000 fewer than four digits.
    return f"{place[0].replace(tzinfo=None).isoformat()}~{place[1]}"


def _parse_cursor(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    moment, _sign, pk = cursor.partition("~")
    try:
        return datetime.fromisoformat(moment).replace(tzinfo=UTC), int(pk)
    except ValueError:
        return None


def _end_of_month(month: str) -> str | None:
    """The cursor before the newest photo of a month."""
    try:
        start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    return _cursor((_next_month(start), 0))


def _at(photos: PhotoQuerySet, pk: str) -> str | None:
    """The cursor before a photo."""
    photo = photos.filter(pk__in=primary_keys([pk])).first()
    return _cursor((photo.taken_at, photo.pk + 1)) if photo else None
