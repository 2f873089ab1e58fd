"""What was decided, by whom, and the way back."""

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Paginator
from django.db.models import OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from people import ledger
from people.history import describe
from people.models import Change, Decision, Face
from people.views.respond import back

PER_PAGE = 50
FACES_SHOWN = 3


@require_safe
def history(request: UserRequest) -> HttpResponse:
    decisions = (
        Decision.objects.owned_by(request.user)
        .with_counts()
        .select_related("person", "actor", "undoes")
        .order_by("-pk")
    )
    page = Paginator(decisions, PER_PAGE).get_page(request.GET.get("page"))
    for decision in page:
        decision.text = describe(decision)
    _attach_faces(list(page))
    return render(request, "people/history.html", {"decisions": page})


@require_POST
def undo(request: UserRequest, decision_id: int) -> HttpResponse:
    decision = get_object_or_404(Decision.objects.owned_by(request.user), pk=decision_id)
    _undo(request, decision)
    return back(request, "/history/")


@require_POST
def undo_last(request: UserRequest) -> HttpResponse:
    """Take back the last answer that still stands."""
    answers = Decision.objects.owned_by(request.user).filter(actor=request.user, is_in_force=True)
    last = answers.exclude(verb=Decision.Verb.UNDO).order_by("-pk").first()
    if last is None:
        messages.info(request, "There is nothing to undo.")
    else:
        _undo(request, last)
    return back(request, "/history/")


def _undo(request: UserRequest, decision: Decision) -> None:
    undone = ledger.undo(decision, actor=request.user)
    if undone.decision is None:
        messages.info(request, "That was undone already.")
    elif undone.stale:
        whole = undone.restored + len(undone.stale)
        messages.warning(
            request,
            f"{undone.restored} of {whole} faces went back. "
            f"{len(undone.stale)} had been changed since and stay as they are.",
        )
    else:
        messages.success(request, "Undone.")


def _attach_faces(decisions: list[Decision]) -> None:
    """Set `faces` on each decision: a few of those it touched."""
    changes = Change.objects.filter(decision=OuterRef("pk"), face__isnull=False).order_by("face")
    some = ArraySubquery(changes.values("face")[:FACES_SHOWN])
    shown = dict(Decision.objects.filter(pk__in=[decision.pk for decision in decisions]).values_list("pk", some))
    faces = Face.objects.without_vectors().in_bulk([pk for pks in shown.values() for pk in pks])
    for decision in decisions:
        decision.faces = [faces[pk] for pk in shown.get(decision.pk, []) if pk in faces]
