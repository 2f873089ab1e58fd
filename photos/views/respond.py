"""How an act on photos answers: with a message that can be undone, back on the page it came from."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.http import UserRequest
from photos.acts import sentence
from photos.models import Act


def say_what_was_done(request: UserRequest, act: Act | None) -> None:
    """Put a sentence into the toast, with Undo."""
    if act is None:
        messages.info(request, _("Nothing was left to change."))
    else:
        messages.success(request, f"{sentence(act)}.", extra_tags=f"act:{act.pk}")


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
