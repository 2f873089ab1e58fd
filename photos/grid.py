"""What a page with a grid of photos needs: some of them, the way on and back, the scrubber, what can be selected."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial

from django.utils import timezone

from accounts.http import UserRequest
from photos.models.photo import PhotoQuerySet
from photos.pagination import asked_page
from photos.scrubber import library_scrubber, scrubber_of_months

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


def grid_template(request: UserRequest, page: str) -> str:
    """htmx asks for more photos (or the first ones again); everybody else gets the page."""
    return FRAGMENT if request.htmx and not request.htmx.boosted else page
