"""How an action answers: with a message that can be undone, back on the page it came from."""

from secrets import token_urlsafe

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.http import UserRequest
from accounts.models import User
from people.covers import attach_covers
from people.forms import NameForm
from people.history import sentence
from people.models import Decision
from photos.views.respond import back as back

FIRST = "first"  # in the session: keys of questions that an undo brought back, for the queue to ask next
# In the session: the key of the question that was skipped last, and the newest act then.
JUST_SKIPPED = "just_skipped"
NOTHING_LEFT = _("Nothing was left to change. The page shows how things stand now.")


def say_what_was_decided(request: UserRequest, decision: Decision | None) -> None:
    """Put a sentence into the toast, with Undo."""
    if decision is None:
        messages.info(request, NOTHING_LEFT)
    else:
        messages.success(request, f"{sentence(decision)}.", extra_tags=f"undo:{decision.pk}")


def ask_which(request: UserRequest, form: NameForm) -> HttpResponse | None:
    """The page that asks which of several people of a typed name is meant, and sends the form again; None if one is.

    Only for a browser without JavaScript: the naming box asks by itself.
    """
    namesakes = [] if request.htmx else form.namesakes()
    if not namesakes:
        return None
    attach_covers(namesakes)
    answered = ["csrfmiddlewaretoken", *(form.add_prefix(field) for field in form.fields)]
    fields = [(key, value) for key, values in request.POST.lists() if key not in answered for value in values]
    context = {"name": form.cleaned_data["name"], "namesakes": namesakes, "fields": fields, "action": request.path}
    context |= {"prefix": form.add_prefix("")}
    return render(request, "people/which.html", context | {"form_key": token_urlsafe(12)}, status=422)


def newest_act(user: User) -> int:
    """Primary key of what the user did last; 0 before anything."""
    acts = Decision.objects.owned_by(user).filter(actor=user).order_by("-pk")
    return acts.values_list("pk", flat=True).first() or 0
