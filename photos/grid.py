"""What a page with a grid of photos needs: some of them, the way on and back, the scrubber, what can be selected."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.http import UserRequest
from photos.models.photo import PhotoQuerySet
from photos.pagination import asked_page, month_counts
from photos.scrubber import library_scrubber, scrubber_of_months

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FRAGMENT = "photos/_months.html"


def grid_context(
    request: UserRequest,
    photos: PhotoQuerySet,
    *,
    url: str,
    scope: str,
    total: int | None = None,
    counts: Mapping[datetime, int] | None = None,
    empty: str = "photos/_empty.html",
) -> dict[str, object]:
    """The context of photos/_grid.html.

    url: of the page, without the place in it. scope: the name of the list (photos.scopes); "" for one without a name.
    total: how many photos it has; without it, there is no "Select all". counts: photos.pagination.month_counts(), of
    every list but the library for a whole page, not for a part of one. empty: the template where there are none.
    """
    query = {key: request.GET[key] for key in request.GET}
    page = asked_page(photos, query, counts)
    joined = f"{url}{'&' if '?' in url else '?'}"
    return {
        "months": page.months,
        "next_url": f"{joined}after={page.next_cursor}" if page.next_cursor else None,
        "newer_url": f"{joined}before={page.previous_cursor}" if page.previous_cursor else None,
        "grid_url": url,
        "empty": empty,
        "place_url": joined,
        # Asked for by whole pages only, not by each part of one.
        "scrubber": cache(
            partial(library_scrubber, request.user) if counts is None else partial(scrubber_of_months, counts)
        ),
        "scope": scope,
        "select_total": total,
        # What "all" of a form means at most: photos that arrive meanwhile were not looked at.
        "as_of": timezone.now().isoformat(),
    }


def grid_page(
    request: UserRequest,
    photos: PhotoQuerySet,
    *,
    heading: "StrOrPromise",
    url: str,
    scope: str,
    empty: str,
    template: str = "photos/grid_page.html",
    context: Mapping[str, object] | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page of one list of photos, which says how many there are. Arguments as of grid_context."""
    counts = month_counts(photos)  # the one look at all of them
    count = sum(counts.values())
    shown = grid_context(request, photos, url=url, scope=scope, total=count, counts=counts, empty=empty)
    shown |= {"heading": heading, "photo_count": count, "counts_photos": True, **(context or {})}
    return render(request, grid_template(request, template), shown, status=status)


def grid_template(request: UserRequest, page: str) -> str:
    """htmx asks for more photos (or the first ones again); everybody else gets the page."""
    return FRAGMENT if request.htmx and not request.htmx.boosted else page
