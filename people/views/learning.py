"""The part of Settings about learning from answers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import UserRequest
from people import training
from people.learning_state import learning_state


@require_http_methods(["GET", "HEAD", "POST"])
def learning(request: UserRequest) -> HttpResponse:
    """Show how far learning is, as a part of Settings; start, cancel, use or stop using it."""
    if request.method == "POST":
        act = ACTS.get(request.POST.get("action", ""))
        if act is not None:
            act(request)
    elif request.htmx:
        return render(request, "people/_learning.html", {"learning": learning_state(request.user)})
    return redirect(f"{reverse('accounts:settings')}#learning")


def _learn(request: UserRequest) -> None:
    if training.ask_to_learn(request.user):
        messages.success(request, _("Kith will learn from your answers. You can go on meanwhile."))


def _cancel(request: UserRequest) -> None:
    if training.cancel(request.user.pk):
        messages.success(request, _("Cancelled. Names and groups are as they were."))


def _use(request: UserRequest) -> None:
    training.use_latest(request.user)
    messages.success(request, _("Kith uses what it learns from your answers."))


def _stop(request: UserRequest) -> None:
    training.stop_using(request.user.pk)
    messages.success(request, _("Kith does not use what it learns. Names and groups are as they were."))


ACTS = {"learn": _learn, "cancel": _cancel, "use": _use, "stop": _stop}
