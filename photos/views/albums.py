"""The albums, and one of them."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from photos import acts
from photos.forms import TITLE_TAKEN, AlbumForm
from photos.grid import grid_page
from photos.models import Album, Photo
from photos.selection import chosen_photos
from photos.views.respond import back, say_what_was_done

ALBUMS_PER_PAGE = 60


@require_safe
def albums(request: UserRequest) -> HttpResponse:
    return _albums_page(request, AlbumForm(instance=Album(owner=request.user)))


@require_POST
def new_album(request: UserRequest) -> HttpResponse:
    form = AlbumForm(request.POST, instance=Album(owner=request.user))
    if not form.is_valid():
        return _albums_page(request, form, status=422)
    # A second click may have made it since the form was checked.
    album, _is_new = Album.objects.get_or_create(owner=request.user, title=form.cleaned_data["title"])
    return redirect(album)


@vary_on_headers("HX-Request", "HX-Target")
@require_safe
def album(request: UserRequest, album_id: int) -> HttpResponse:
    album = _album_of(request, album_id)
    return _album_page(request, album, AlbumForm(instance=album))


@require_POST
def rename_album(request: UserRequest, album_id: int) -> HttpResponse:
    album = _album_of(request, album_id)
    form = AlbumForm(request.POST, instance=album)
    if form.is_valid():
        try:
            act = acts.rename_album(album, form.cleaned_data["title"])
        except IntegrityError:  # another album got the title since the form was checked
            form.add_error("title", TITLE_TAKEN)
        else:
            if act is not None:
                say_what_was_done(request, act)
            return redirect(album)
    album.refresh_from_db()
    return _album_page(request, album, form, status=422)


@require_POST
def delete_album(request: UserRequest, album_id: int) -> HttpResponse:
    """Delete an album. Its photos stay; so no question is asked, and the toast takes it back."""
    try:
        album = _album_of(request, album_id)
    except Http404:
        if not acts.was_deleted(request.user, album_id):  # else a second click
            raise
        messages.info(request, _("It was deleted already."))
    else:
        say_what_was_done(request, acts.delete_album(album))
    return redirect("photos:albums")


@require_POST
def choose_cover(request: UserRequest, album_id: int) -> HttpResponse:
    """Make one photo of an album its cover: of several ticked ones the newest."""
    album = _album_of(request, album_id)
    photo = chosen_photos(request.user, request.POST).filter(albums=album).newest_first().first()
    say_what_was_done(request, acts.choose_cover(album, photo) if photo else None)
    return back(request, album.get_absolute_url())


@require_POST
def remove_photos(request: UserRequest, album_id: int) -> HttpResponse:
    album = _album_of(request, album_id)
    say_what_was_done(request, acts.remove_from_album(request.user, album, chosen_photos(request.user, request.POST)))
    return back(request, album.get_absolute_url())


def _album_of(request: UserRequest, album_id: int) -> Album:
    return get_object_or_404(Album.objects.owned_by(request.user).select_related("owner"), pk=album_id)


def _albums_page(request: UserRequest, form: AlbumForm, *, status: int = 200) -> HttpResponse:
    found = Album.objects.owned_by(request.user).with_newest_photo().order_by("-created_at", "-pk")
    page = Paginator(found, ALBUMS_PER_PAGE).get_page(request.GET.get("page"))
    wanted = {pk for album in page for pk in (album.cover_id, album.newest_photo) if pk}
    covers = Photo.objects.in_bulk(wanted)
    for album in page:
        # The one that was chosen may be in the trash.
        album.shown_cover = covers.get(album.cover_id or 0) or covers.get(album.newest_photo or 0)
    return render(request, "photos/albums.html", {"albums": page, "form": form}, status=status)


def _album_page(request: UserRequest, album: Album, form: AlbumForm, *, status: int = 200) -> HttpResponse:
    photos = Photo.objects.owned_by(request.user).filter(albums=album)
    # The people are a matter of the app above; the database knows them under their relation's name.
    has_people = photos.order_by().filter(faces__person__is_hidden=False).exists  # asked by the whole page
    return grid_page(
        request,
        photos,
        heading=album.title,
        url=album.get_absolute_url(),
        scope=f"album-{album.pk}",
        empty="photos/_album_empty.html",
        template="photos/album.html",
        context={"album": album, "form": form, "has_people": has_people},
        status=status,
    )
