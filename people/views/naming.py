"""Settings of names that Kith gives by itself."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import UserRequest
from people import tagging
from people.forms import NamingForm
from people.models import Library, Upkeep
from people.tasks import refresh_suggestions
from photos.broker import send_wakeup


@require_http_methods(["GET", "HEAD", "POST"])
def naming(request: UserRequest) -> HttpResponse:
    """Show and change whether Kith names faces by itself."""
    library = Library.objects.filter(owner=request.user).first() or Library(owner=request.user)
    if request.method == "POST":
        form = NamingForm(request.POST)
        if form.is_valid():
            _change(request, **form.cleaned_data)
            return redirect("people:naming")
        messages.error(request, _("Choose how many names may be wrong."))
    context = {
        "library": library,
        "budgets": list(zip(tagging.BUDGETS, tagging.count_nameable(request.user.pk, tagging.BUDGETS), strict=True)),
        "named": tagging.count_named(request.user),
    }
    return render(request, "people/naming.html", context, status=422 if request.method == "POST" else 200)


@require_POST
def take_back(request: UserRequest) -> HttpResponse:
    """Take all names off that Kith gave and nobody confirmed."""
    decision = tagging.take_back(request.user)
    if decision is None:
        messages.info(request, _("There is no name to take back."))
    else:
        count = decision.changes.count()
        messages.success(
            request,
            ngettext(
                "Took back the name of %(n)s face. History can undo it.",
                "Took back the names of %(n)s faces. History can undo it.",
                count,
            )
            % {"n": count},
        )
    return redirect("people:naming")


def _change(request: UserRequest, *, is_tagging: bool, one_wrong_in: int) -> None:
    tagging.change_naming(request.user, is_tagging=is_tagging, one_wrong_in=one_wrong_in)
    if is_tagging:
        Upkeep.objects.want(request.user.pk, groups=False)
        send_wakeup(refresh_suggestions, request.user.pk)
        messages.success(request, _("Kith names faces by itself now: at most 1 wrong in %(n)s.") % {"n": one_wrong_in})
    else:
        messages.success(request, _("Kith names nobody by itself."))
