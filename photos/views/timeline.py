"""All photos, the favourites, and those without a date."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from photos.grid import grid_context, grid_page, grid_template
from photos.models import Album, Batch, Photo, Progress
from photos.selection import keys_in

RECENT_BATCHES = 3


@vary_on_headers("HX-Request", "HX-Target")
@require_safe
def timeline(request: UserRequest) -> HttpResponse:
    """All photos, newest first, with the batch that is still being worked on."""
    photos = Photo.objects.owned_by(request.user)
    into = _album_to_fill(request)
    url = reverse("photos:timeline") + (f"?into={into.pk}" if into else "")
    context = grid_context(request, photos, url=url, scope="library", empty="photos/_timeline_empty.html")
    context |= {"into": into, **_unfinished_batch(request)}
    return render(request, grid_template(request, "photos/timeline.html"), context)


@vary_on_headers("HX-Request", "HX-Target")
@require_safe
def favourites(request: UserRequest) -> HttpResponse:
    return grid_page(
        request,
        Photo.objects.owned_by(request.user).filter(is_favourite=True),
        heading=_("Favourites"),
        url=reverse("photos:favourites"),
        scope="favourites",
        empty="photos/_favourites_empty.html",
    )


@vary_on_headers("HX-Request", "HX-Target")
@require_safe
def undated(request: UserRequest) -> HttpResponse:
    """Photos whose file says no date, to give them one."""
    return grid_page(
        request,
        Photo.objects.owned_by(request.user).undated(),
        heading=_("Photos without a date"),
        url=reverse("photos:undated"),
        scope="undated",
        empty="photos/_undated_empty.html",
        template="photos/undated.html",
    )


def _album_to_fill(request: UserRequest) -> Album | None:
    """The album that photos are being chosen for, if it was an album's page that sent the reader here."""
    keys = keys_in(request.GET, "into")
    return Album.objects.owned_by(request.user).filter(pk__in=keys[:1]).first() if keys else None


def _unfinished_batch(request: UserRequest) -> dict[str, Batch | Progress]:
    """For its card: the newest batch that there is something to wait for; of several at once the others follow."""
    recent = Batch.objects.owned_by(request.user).may_go_on().select_related("owner")[:RECENT_BATCHES]
    far = ((batch, batch.progress()) for batch in recent)
    return next(({"batch": batch, "progress": progress} for batch, progress in far if not progress.is_done), {})
