"""How an action answers: with a message that can be undone, back on the page it came from."""

from django.contrib import messages
from django.utils.translation import gettext_lazy as _

from accounts.http import UserRequest
from accounts.models import User
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


def newest_act(user: User) -> int:
    """Primary key of what the user did last; 0 before anything."""
    acts = Decision.objects.owned_by(user).filter(actor=user).order_by("-pk")
    return acts.values_list("pk", flat=True).first() or 0
