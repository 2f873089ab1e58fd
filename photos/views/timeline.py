"""The timeline and the albums."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from photos.forms import AlbumForm
from photos.models import Album, Batch, Photo
from photos.models.photo import PhotoQuerySet
from photos.pagination import timeline_page, years_of

ALBUMS_PER_PAGE = 60
RECENT_BATCHES = 3


@vary_on_headers("HX-Request")
@require_safe
def timeline(request: UserRequest) -> HttpResponse:
    """All photos, newest first, with the batch that is still being worked on."""
    photos = Photo.objects.owned_by(request.user)
    context = _timeline_context(request, photos, url=reverse("photos:timeline"))
    context["batch"] = _unfinished_batch(request)
    return render(request, _template(request, "photos/timeline.html"), context)


@require_safe
def albums(request: UserRequest) -> HttpResponse:
    found = Album.objects.owned_by(request.user).with_newest_photo().order_by("-created_at", "-pk")
    page = Paginator(found, ALBUMS_PER_PAGE).get_page(request.GET.get("page"))
    cover_of = {album: album.cover_id or album.newest_photo for album in page}
    covers = Photo.objects.in_bulk([pk for pk in cover_of.values() if pk])
    for album, pk in cover_of.items():
        album.shown_cover = covers.get(pk) if pk else None
    return render(request, "photos/albums.html", {"albums": page})


@vary_on_headers("HX-Request")
@require_safe
def album(request: UserRequest, album_id: int) -> HttpResponse:
    album = get_object_or_404(Album.objects.owned_by(request.user), pk=album_id)
    photos = Photo.objects.owned_by(request.user).filter(albums=album)
    context = _timeline_context(request, photos, url=album.get_absolute_url())
    context |= {"album": album, "photo_count": photos.count(), "form": AlbumForm(instance=album)}
    context["scope"] = f"album-{album.pk}"
    return render(request, _template(request, "photos/album.html"), context)


@require_POST
def rename_album(request: UserRequest, album_id: int) -> HttpResponse:
    album = get_object_or_404(Album.objects.owned_by(request.user), pk=album_id)
    form = AlbumForm(request.POST, instance=album)
    if form.is_valid():
        form.save()
        return redirect(album)
    album.refresh_from_db()
    photos = Photo.objects.owned_by(request.user).filter(albums=album)
    context = _timeline_context(request, photos, url=album.get_absolute_url())
    context |= {"album": album, "photo_count": photos.count(), "form": form}
    return render(request, "photos/album.html", context, status=422)


def _timeline_context(request: UserRequest, photos: PhotoQuerySet, *, url: str) -> dict[str, object]:
    page = timeline_page(photos, request.GET.get("after"))
    return {
        "months": page.months,
        "next_url": f"{url}?after={page.next_cursor}" if page.next_cursor else None,
        # The cursor of a year is the moment it ends.
        "years": [(year, f"{url}?after={year + 1}-01-01~0") for year in years_of(photos)],
        "timeline_url": url,
    }


def _template(request: UserRequest, page: str) -> str:
    """htmx asks for more months (or the first ones again); everybody else gets the page."""
    return "photos/_months.html" if request.htmx and not request.htmx.boosted else page


def _unfinished_batch(request: UserRequest) -> Batch | None:
    """The newest batch that there is something to wait for; of several at once the others follow."""
    recent = Batch.objects.owned_by(request.user).select_related("owner")[:RECENT_BATCHES]
    return next((batch for batch in recent if not batch.progress().is_done), None)
