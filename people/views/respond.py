"""How an action answers: with a message that can be undone, back on the page it came from."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.http import UserRequest
from people.covers import attach_covers
from people.forms import NameForm
from people.history import sentence
from people.models import Decision

FIRST = "first"  # in the session: keys of questions that an undo brought back, for the queue to ask next
NOTHING_LEFT = _("Nothing was left to change. The page shows how things stand now.")


def say_what_was_decided(request: UserRequest, decision: Decision | None) -> None:
    """Put a sentence into the toast, with Undo."""
    if decision is None:
        messages.info(request, NOTHING_LEFT)
    else:
        messages.success(request, f"{sentence(decision)}.", extra_tags=f"undo:{decision.pk}")


def back(request: UserRequest, default: str) -> HttpResponse:
    """Return to where the form says it came from, if that is a page of ours.

    A request of htmx that names its target follows the redirect and swaps in its part of that page.
    """
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    target = target if is_ours and target.startswith("/") else default
    is_followed = not request.htmx or request.htmx.target
    # Not redirect(): it takes a word without a slash for the name of a view.
    return HttpResponseRedirect(target) if is_followed else HttpResponseClientRedirect(target)


def ask_which(request: UserRequest, form: NameForm) -> HttpResponse | None:
    """The page that asks which of several people of a typed name is meant, and sends the form again; None if one is.

    Only for a browser without JavaScript: the naming box asks by itself.
    """
    namesakes = [] if request.htmx else form.namesakes()
    if not namesakes:
        return None
    attach_covers(namesakes)
    answered = ("csrfmiddlewaretoken", "name", "person", "new", "note")
    fields = [(key, value) for key, values in request.POST.lists() if key not in answered for value in values]
    context = {"name": form.cleaned_data["name"], "namesakes": namesakes, "fields": fields, "action": request.path}
    return render(request, "people/which.html", context, status=422)
