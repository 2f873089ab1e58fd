"""The trash: what is in it, back from it, and gone for good."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from photos import acts, trash
from photos.models import Photo
from photos.models.photo import KEPT_IN_TRASH
from photos.numbers import written
from photos.selection import chosen_photos
from photos.views.asking import ask
from photos.views.respond import back, say_what_was_done

PHOTOS_PER_PAGE = 120


@vary_on_headers("HX-Request")
@require_safe
def index(request: UserRequest) -> HttpResponse:
    photos = Photo.everywhere.owned_by(request.user).in_trash().select_related("owner")
    page = Paginator(photos, PHOTOS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "photos": page,
        "days_kept": KEPT_IN_TRASH.days,
        "scope": "trash",
        "select_total": page.paginator.count,
    }
    is_fragment = request.htmx and not request.htmx.boosted
    return render(request, "photos/_trash.html" if is_fragment else "photos/trash.html", context)


@require_POST
def restore(request: UserRequest) -> HttpResponse:
    photos = chosen_photos(request.user, request.POST, is_in_trash=True)
    say_what_was_done(request, acts.restore(request.user, photos))
    return back(request, reverse("photos:trash"))


@require_POST
def delete(request: UserRequest) -> HttpResponse:
    """Delete for good, after asking: the one act on photos that cannot be undone."""
    photos = chosen_photos(request.user, request.POST, is_in_trash=True)
    if request.POST.get("sure") == "yes":
        count = trash.delete_for_good(request.user, photos)
        text = ngettext("%(count)s photo deleted for good.", "%(count)s photos deleted for good.", count)
        messages.success(request, text % {"count": written(count)})
        return back(request, reverse("photos:trash"))
    return ask(request, "delete", photos)
