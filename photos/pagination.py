"""The timeline in pages: months of photos, newest first, by keyset so that page 1,000 is as fast."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from django.db.models import Count
from django.db.models.functions import ExtractYear, TruncMonth
from django.utils.formats import date_format

from photos.models import Photo
from photos.models.photo import PhotoQuerySet

PAGE_SIZE = 120


@dataclass(frozen=True)
class Month:
    """Photos of one month that are on this page, and how many the month has in all."""

    title: str
    slug: str
    count: int
    photos: list[Photo]
    is_continued: bool  # it began on the page before


@dataclass(frozen=True)
class Page:
    months: list[Month]
    next_cursor: str | None


def timeline_page(photos: PhotoQuerySet, cursor: str | None) -> Page:
    """Return the page of `photos` after a cursor; a cursor nobody can read starts at the top."""
    place = _parse_cursor(cursor)
    following = photos.older_than(*place) if place else photos
    found = list(following.newest_first().select_related("owner")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    has_more = len(found) > PAGE_SIZE
    return Page(_by_month(photos, shown, place[0] if place else None), _cursor(shown[-1]) if has_more else None)


def years_of(photos: PhotoQuerySet) -> list[int]:
    """Years that have photos, newest first."""
    years = photos.annotate(year=ExtractYear("taken_at")).order_by("-year")
    return list(years.values_list("year", flat=True).distinct())


def _by_month(photos: PhotoQuerySet, shown: Sequence[Photo], after: datetime | None) -> list[Month]:
    if not shown:
        return []
    counts = dict(
        photos.filter(taken_at__gte=_month_start(shown[-1].taken_at))
        .annotate(month=TruncMonth("taken_at"))
        .values_list("month")
        .annotate(Count("pk", distinct=True))
        .order_by()
    )
    continued = _month_start(after) if after else None
    return [
        Month(
            date_format(start, "YEAR_MONTH_FORMAT"),
            f"{start:%Y-%m}",
            counts.get(start, 0),
            list(group),
            start == continued,
        )
        for start, group in groupby(shown, key=lambda photo: _month_start(photo.taken_at))
    ]


def _month_start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _cursor(photo: Photo) -> str:
    return f"{photo.taken_at:%Y-%m-%dT%H:%M:%S.%f}~{photo.pk}"


def _parse_cursor(cursor: str | None) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    moment, _, pk = cursor.partition("~")
    try:
        return datetime.fromisoformat(moment).replace(tzinfo=UTC), int(pk)
    except ValueError:
        return None
