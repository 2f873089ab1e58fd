"""How an action answers: with a message that can be undone, back on the page it came from."""

from django.contrib import messages
from django.utils.translation import gettext_lazy as _

from accounts.http import UserRequest
from people.history import sentence
from people.models import Decision
from photos.views.respond import back as back

FIRST = "first"  # in the session: keys of questions that an undo brought back, for the queue to ask next
JUST_SKIPPED = "just_skipped"  # in the session: the key of the question that was skipped, if that was the last answer
NOTHING_LEFT = _("Nothing was left to change. The page shows how things stand now.")


def say_what_was_decided(request: UserRequest, decision: Decision | None) -> None:
    """Put a sentence into the toast, with Undo."""
    if decision is None:
        messages.info(request, NOTHING_LEFT)
    else:
        messages.success(request, f"{sentence(decision)}.", extra_tags=f"undo:{decision.pk}")
