"""Asks for what an act on chosen photos still needs: in a dialog of the page, or on a page of its own."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import reswap, retarget

from accounts.http import UserRequest
from photos.models.photo import PhotoQuerySet
from photos.numbers import written
from photos.selection import choice_in
from photos.views.respond import back


def ask(
    request: UserRequest, question: str, photos: PhotoQuerySet, context: dict[str, object] | None = None
) -> HttpResponse:
    """Show the template of a question about chosen photos; its form is sent back here with the same choice."""
    count = photos.count()
    if not count:
        messages.info(request, _("Select at least one photo first."))
        return back(request, "/")
    context = (context or {}) | {
        "question": f"photos/_ask_{question}.html",
        "count_text": ngettext("%(count)s photo", "%(count)s photos", count) % {"count": written(count)},
        "chosen": choice_in(request.POST),
        "next": request.POST.get("next", ""),
    }
    if not request.htmx:
        return render(request, "photos/ask.html", context)
    return reswap(retarget(render(request, "photos/_ask.html", context), "#ask"), "innerHTML")
