"""What the people page folds away: groups of two, strangers, single faces, hidden groups. A page or a fold of each."""

from typing import Any

from django.core.paginator import Page
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people.covers import attach_mosaics
from people.models import Decision
from people.unnamed import FacesAlone, unnamed_groups
from people.views.index import group_page, turned
from photos.numbers import written

FACES_PER_PAGE = 96

# What the page is called, and what it says.
KINDS = {
    "pairs": (_("Seen twice"), _("Groups of two faces. You can name them all the same.")),
    "strangers": (
        _("Seen on one day only"),
        _("Kith does not ask about them by itself, unless they come again. You can name them all the same."),
    ),
    "singles": (_("Single faces"), _("Faces that look like no other. Open the photo to name one.")),
    "hidden": (_("Hidden groups"), _("Kith does not ask about them.")),
}


@vary_on_headers("HX-Request")
@require_safe
def unnamed(request: UserRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    if kind not in KINDS:
        raise Http404
    title, about = KINDS[kind]
    as_of = Decision.objects.owned_by(request.user).newest_regroup()
    page: Page[Any]
    if kind == "singles":
        page = turned(request, FacesAlone(request.user), FACES_PER_PAGE, "page")
    else:
        page = group_page(request, unnamed_groups(request.user).of_kind(kind), "page")
        attach_mosaics(list(page))
    context = {"kind": kind, "title": title, "about": about, "items": page, "as_of": as_of}
    is_fold = request.htmx and request.htmx.target == f"fold-{kind}"
    return render(request, "people/_unnamed.html" if is_fold else "people/unnamed.html", context)


@require_safe
def count(request: UserRequest) -> HttpResponse:
    """How many single faces there are, for the fold that holds them."""
    return HttpResponse(str(written(len(FacesAlone(request.user)))), content_type="text/plain")
