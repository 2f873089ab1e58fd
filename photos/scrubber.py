"""The months a list of photos has, for the scrubber beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from accounts.models import User
from photos.dates import day_in_words

MOST_LABELS = 24  # years that fit beside each other

# From each month straight to the next one that has photos: as many index lookups as months, however many photos.
MONTHS = """
    WITH RECURSIVE month (start) AS (
        SELECT date_trunc('month', max(taken_at), 'UTC') FROM photos_photo
        WHERE owner_id = %(owner)s AND trashed_at IS NULL
        UNION ALL
        SELECT (
            SELECT date_trunc('month', max(taken_at), 'UTC') FROM photos_photo
            WHERE owner_id = %(owner)s AND trashed_at IS NULL AND taken_at < month.start
        ) FROM month WHERE month.start IS NOT NULL
    )
    SELECT start FROM month WHERE start IS NOT NULL
"""


@dataclass(frozen=True)
class ScrubMonth:
    slug: str  # of an address: ?to=2024-05
    title: str


@dataclass(frozen=True)
class ScrubYear:
    """months: newest first. label: the year, or "" where there is no room for all of them."""

    year: int
    months: list[ScrubMonth]
    label: str


@dataclass(frozen=True)
class Scrubber:
    years: list[ScrubYear]

    @property
    def months(self) -> list[ScrubMonth]:
        return [month for year in self.years for month in year.months]

    @property
    def last(self) -> int:
        """The place of the oldest month, counted from 0."""
        return max(len(self.months) - 1, 0)


def library_scrubber(owner: User) -> Scrubber:
    """Of all photos of an owner, without reading them."""
    with connection.cursor() as cursor:
        cursor.execute(MONTHS, {"owner": owner.pk})
        return _scrubber([start.date() for (start,) in cursor.fetchall()])


def scrubber_of_months(months: Iterable[datetime]) -> Scrubber:
    """Of months that are known, the newest first."""
    return _scrubber([month.date() for month in months])


def _scrubber(months: list[date]) -> Scrubber:
    by_year: dict[int, list[ScrubMonth]] = {}
    for month in months:
        title = day_in_words(month, "YEAR_MONTH_FORMAT")
        by_year.setdefault(month.year, []).append(ScrubMonth(month.isoformat()[:7], title))
    step = -(-len(by_year) // MOST_LABELS) or 1
    return Scrubber(
        [
            ScrubYear(year, theirs, "" if place % step else str(year))
            for place, (year, theirs) in enumerate(by_year.items())
        ]
    )
