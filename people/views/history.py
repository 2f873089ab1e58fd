"""What was decided, by whom, and the way back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from people import ledger, questions
from people.history import describe
from people.models import Change, Decision, Face
from people.views.respond import FIRST, back

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
    if undone.decision is not None:
        request.session[FIRST] = questions.ask_again(undone.decision)
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
    place = Window(RowNumber(), partition_by=F("decision"), order_by=F("pk").asc())
    changes = Change.objects.filter(decision__in=decisions, face__isnull=False).annotate(place=place)
    pairs = list(changes.filter(place__lte=FACES_SHOWN).values_list("decision", "face"))
    faces = Face.objects.without_vectors().in_bulk({face for _, face in pairs})
    for decision in decisions:
        decision.faces = [faces[face] for pk, face in pairs if pk == decision.pk and face in faces]
