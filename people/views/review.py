"""The review queue: one question at a time, and the one after it made ready."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Max, Min
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people.answered import as_answered, given, key_of, new_card
from people.asked import asked_about_person
from people.covers import attach_covers, attach_mosaics
from people.forms import primary_keys
from people.history import to_redo
from people.models import Cluster, Decision, Face, Person, PersonTally, Upkeep
from people.pace import minutes_for
from people.questions import strangers
from people.review import Card, forecast, next_card
from people.scope import Scope
from people.upcoming import Shown, card_after, still_right
from people.views.respond import FIRST
from people.views.tabs import tabs_of
from photos.models import Photo

STRANGERS_SHOWN = 24
PILE_SHOWN = 60  # faces of a group that are ticked one by one


Known = dict[Person | None, dict[str, object]]  # what is said of each person asked about


@dataclass(frozen=True)
class ShownCard:
    """A card with what its page needs beside it. name: under which it is answered once."""

    card: Card
    name: str
    known: dict[str, object]
    url: str


@vary_on_headers("HX-Request")
@require_safe
def review(request: UserRequest) -> HttpResponse:
    """Show the next question; `q` is one that is or was asked, `person`, `batch` and `photos` ask about these only."""
    scope = Scope.asked_for(request.GET, request.user)
    if "again" in request.GET:
        request.session["skipped"] = []
        return redirect(address(scope))
    position = request.GET.get("q") or request.GET.get("key") or ""
    is_back = FIRST in request.session
    decision = None if is_back else given(request.user, position)
    if decision is not None and decision.is_in_force:
        context = queue_context(request, scope) | {"answered": as_answered(decision), "shown": None}
        return _render(request, scope, context)
    first = request.session.pop(FIRST, []) if is_back else [key_of(position) or position] if position else []
    name = "" if is_back or decision is not None else position
    return _render(request, scope, queue_context(request, scope, first=first, name=name))


@require_safe
def pile(request: UserRequest) -> HttpResponse:
    """The faces that one tile of "Is this Ann?" stands for, each with a tick of its own."""
    person = get_object_or_404(
        Person.objects.owned_by(request.user), pk__in=primary_keys([request.GET.get("person", "")])
    )
    face = get_object_or_404(Face.objects.owned_by(request.user), pk__in=primary_keys([request.GET.get("face", "")]))
    members = asked_about_person(request.user, person, [face.pk]).of([face.pk]) - {face.pk}
    faces = Face.objects.without_vectors().select_related("photo").filter(pk__in=members)
    shown = list(faces.order_by("quality", "pk")[:PILE_SHOWN])  # the worst first: they are the ones in doubt
    return render(request, "people/_pile.html", {"faces": shown, "face": face})


@require_safe
def count(request: UserRequest) -> HttpResponse:
    """How many questions wait, for the navigation of a page that stays open."""
    return render(request, "people/_count.html")


def address(scope: Scope, position: str = "") -> str:
    query = urlencode(({"q": position} if position else {}) | scope.fields)
    return reverse("people:review") + (f"?{query}" if query else "")


def queue_context(
    request: UserRequest,
    scope: Scope,
    *,
    first: Collection[str] = (),
    name: str = "",
    shown: Shown | None = None,
) -> dict[str, object]:
    """What the page shows: a question, how much is left, and the question after it.

    first: keys of questions to ask before all others, even if they were skipped. shown: the card that the page shows
    already; it stays, if it is still right.
    """
    skipped: list[str] = request.session.get("skipped", [])
    within = scope.within(request.user)
    keeps = shown is not None and still_right(request.user, shown)
    card = None
    if not keeps:
        card = next_card(request.user, only=first) if first else None
        card = card or next_card(request.user, skipped=skipped, within=within)
        shown = Shown.of(card) if card else None
    upcoming = card_after(request.user, shown, skipped=skipped, within=within) if shown else None
    left = forecast(request.user, skipped=skipped, within=within)
    attach_covers([person for each in (card, upcoming) if each for person in each.others])
    known = _known({each.question.person for each in (card, upcoming) if each})
    return {
        "scope": scope,
        "keeps": keeps,
        "shown": _on_page(card, scope, known, name) if card else None,
        "upcoming": _on_page(upcoming, scope, known) if upcoming else None,
        "question": card.question if card else None,
        "left": left,
        "minutes": minutes_for(request.session, left.questions),
        "answered_count": _answered(request, left.questions),
        "can_redo": to_redo(request.user) is not None,
        "again_url": f"{reverse('people:review')}?{urlencode({'again': 1} | scope.fields)}",
        "here": address(scope),
        **(tabs_of(scope.person) if scope.person else {}),
        **(_without_question(request) if shown is None else {}),
    }


def _render(request: UserRequest, scope: Scope, context: dict[str, object]) -> HttpResponse:
    if request.htmx:
        return render(request, "people/_question.html", context)
    if scope.person:  # the page is one of the tabs of that person
        attach_covers([scope.person])
    return render(request, "people/review.html", context)


def _on_page(card: Card, scope: Scope, known: Known, name: str = "") -> ShownCard:
    """name: of the card as the address has it; kept if it is of this question, so that a reload is no new card."""
    name = name if key_of(name) == card.question.key else new_card(card.question)
    return ShownCard(card, name, known[card.question.person], address(scope, name))


def _without_question(request: UserRequest) -> dict[str, object]:
    """What the page says when nothing is left to ask."""
    photos = Photo.objects.owned_by(request.user)
    is_working = photos.filter(failure="").exclude(stage=Photo.Stage.DONE).exists() and request.user.allows_faces
    # Answers, too, bring questions: a worker is at it for seconds.
    is_ranking = Upkeep.objects.filter(owner=request.user).without_suggestions().exists()
    return {
        "has_photos": photos.exists(),
        "is_working": is_working,
        "is_to_be_continued": request.user.allows_faces and (is_working or is_ranking),
        "single_count": Face.objects.owned_by(request.user).untagged().filter(cluster=None).count(),
        **({} if is_ranking else _strangers(request)),
    }


def _strangers(request: UserRequest) -> dict[str, object]:
    """Groups folded away below the end of the queue."""
    as_of = Decision.objects.owned_by(request.user).newest_regroup()
    groups = Cluster.objects.owned_by(request.user).waiting().filter(is_hidden=False, pk__in=strangers(request.user))
    shown = list(groups[:STRANGERS_SHOWN])
    attach_mosaics(shown)
    count = groups.count() if len(shown) == STRANGERS_SHOWN else len(shown)
    return {"strangers": shown, "stranger_count": count, "as_of": as_of}


def _known(people: Collection[Person | None]) -> Known:
    """In how many photos each is known, and of which years those with a date are."""
    pks = [person.pk for person in people if person]
    counts = dict(PersonTally.objects.filter(pk__in=pks).values_list("pk", "photos"))
    # Of photos in sight, as all of these are: an index alone has their dates.
    dated = Face.objects.filter(person__in=pks, photo__trashed_at=None)
    dated = dated.exclude(photo__taken_at_source=Photo.DateSource.UPLOAD).order_by()
    days = dated.values_list("person").annotate(Min("photo__taken_at"), Max("photo__taken_at"))
    years = {pk: {"since": first.year, "until": last.year} for pk, first, last in days}
    return {
        person: {"photos": counts.get(person.pk, 0), **years.get(person.pk, {})} if person else {} for person in people
    }


def _answered(request: UserRequest, left: int) -> int:
    """How many questions this session has seen go, for the bar above the question."""
    most = max(left, request.session.get("most_questions", 0)) if left else 0
    if most != request.session.get("most_questions"):
        request.session["most_questions"] = most
    return most - left
