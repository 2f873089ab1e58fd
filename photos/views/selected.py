"""What can be done with selected photos."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import UserRequest
from photos import acts
from photos.forms import AlbumTitleForm, DayForm
from photos.models import Act, Album
from photos.models.photo import PhotoQuerySet
from photos.selection import chosen_photos
from photos.views.asking import ask
from photos.views.media import download_original
from photos.views.respond import back, say_what_was_done
from photos.zipping import zipped

ALBUMS_OFFERED = 8
TITLES_OFFERED = 200
READ_AT_ONCE = 500


@require_POST
def favourite(request: UserRequest) -> HttpResponse:
    """Make photos favourites; with `plain`, the opposite."""
    act = acts.mark(request.user, _chosen(request), is_favourite="plain" not in request.POST)
    say_what_was_done(request, act)
    return back(request, "/")


@require_POST
def move_to_trash(request: UserRequest) -> HttpResponse:
    say_what_was_done(request, acts.move_to_trash(request.user, _chosen(request)))
    return back(request, "/")


@require_POST
def add_to_album(request: UserRequest) -> HttpResponse:
    """Put photos into an album; asks for its title first."""
    form = AlbumTitleForm(request.POST if "title" in request.POST else None)
    if form.is_valid():
        act = acts.add_to_album(request.user, _chosen(request), form.cleaned_data["title"])
        if act is None:
            messages.info(request, _("They are in that album already."))
        else:
            say_what_was_done(request, act)
        return back(request, "/")
    albums = Album.objects.owned_by(request.user)
    context = {
        "form": form,
        "recent": albums.order_by("-created_at", "-pk")[:ALBUMS_OFFERED],
        "titles": albums.order_by("title").values_list("title", flat=True)[:TITLES_OFFERED],
    }
    return ask(request, "album", _chosen(request), context)


@require_POST
def set_date(request: UserRequest) -> HttpResponse:
    """Say when photos were taken; asks for the day first."""
    form = DayForm(request.POST if "day" in request.POST else None)
    if form.is_valid():
        say_what_was_done(request, acts.set_date(request.user, _chosen(request), form.cleaned_data["day"]))
        return back(request, "/")
    photo = _chosen(request).newest_first().first()
    return ask(request, "date", _chosen(request), {"form": form, "day": photo.taken_at.date() if photo else None})


@require_POST
def download(request: UserRequest) -> HttpResponseBase:
    """One original as it is, several as a ZIP file that is made while it is sent."""
    photos = _chosen(request)
    some = list(photos.newest_first()[:2])
    if not some:
        messages.info(request, _("Select at least one photo first."))
        return back(request, "/")
    if len(some) == 1:
        return download_original(some[0])
    return as_zip(photos.newest_first(), "kith-photos.zip")


def as_zip(photos: PhotoQuerySet, name: str) -> HttpResponseBase:
    """Originals as a ZIP file of this name, in the order the photos have."""
    response = StreamingHttpResponse(zipped(photos.iterator(chunk_size=READ_AT_ONCE)), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def undo(request: UserRequest, act_id: int) -> HttpResponse:
    act = get_object_or_404(Act.objects.owned_by(request.user), pk=act_id)
    if acts.undo(act):
        messages.success(request, _("Undone: %(act)s.") % {"act": acts.sentence(act)})
    else:
        messages.info(request, _("That cannot be taken back any more."))
    return back(request, "/")


def _chosen(request: UserRequest) -> PhotoQuerySet:
    return chosen_photos(request.user, request.POST)
