"""The review queue: one question at a time, answered with a key."""

from collections.abc import Collection

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people import answers
from people.asked import Asked, asked_about_group, asked_about_person, asked_of_no_group
from people.covers import attach_covers, attach_mosaics
from people.forms import NameForm, primary_keys
from people.history import to_redo
from people.models import Cluster, Decision, Person, Question, Upkeep
from people.questions import drop_settled, strangers
from people.review import Card, forecast, next_card
from people.views.respond import FIRST, say_what_was_decided
from photos.models import Photo

MOST_SKIPPED = 500
LONGEST_KEY = 40  # a letter and two primary keys
STRANGERS_SHOWN = 24


@vary_on_headers("HX-Request")
@require_safe
def review(request: UserRequest) -> HttpResponse:
    """Show the next question; `person` asks about one person first, `key` a question. Skipped ones wait for others."""
    if "again" in request.GET:
        request.session["skipped"] = []
        return redirect("people:review")
    template = "people/_question.html" if request.htmx else "people/review.html"
    about = next(iter(primary_keys(request.GET.getlist("person"))), None)
    return render(request, template, _context(request, about=about, first=request.GET.getlist("key")))


@require_POST
def answer(request: UserRequest) -> HttpResponse:
    """Take an answer and show the next question."""
    if request.POST.get("answer") == "skip":
        skipped = [*_skipped(request), request.POST.get("key", "")[:LONGEST_KEY]]
        request.session["skipped"] = skipped[-MOST_SKIPPED:]
    else:
        _decide(request)
        drop_settled(request.user, request.POST.get("key", ""))
    if not request.htmx:
        return redirect("people:review")
    return render(request, "people/_question.html", _context(request))


def _decide(request: UserRequest) -> None:
    kind = request.POST.get("answer", "")
    if kind in ("same", "different"):
        _decide_on_two(request, is_same=kind == "same")
        return
    asked = _asked(request).counted(_counted(request))
    if not asked.stands_for:  # answered in another tab, or by a second click
        say_what_was_decided(request, None)
        return
    ticked = asked.of(primary_keys(request.POST.getlist("faces")))
    if not ticked and kind != "no":
        messages.info(request, _("Tick at least one face first."))
        return
    if kind == "no":
        decision = answers.reject(_person_asked_about(request), asked.seen, actor=request.user)
    elif kind == "ignore":
        decision = answers.ignore(request.user, ticked | asked.unseen, actor=request.user)
    else:
        person = _person_asked_about(request) if kind == "yes" else _person_named(request)
        if person is None:
            return
        unticked = asked.seen - ticked
        decision = answers.confirm(person, ticked | asked.unseen, but_not=unticked, actor=request.user)
    say_what_was_decided(request, decision)


def _decide_on_two(request: UserRequest, *, is_same: bool) -> None:
    """Of two people, or two groups, whether they are one."""
    questions = Question.objects.owned_by(request.user).filter(kind=Question.Kind.SAME)
    question = questions.filter(pk__in=primary_keys([request.POST.get("question", "")])).first()
    decision = None
    if question is not None:
        decision = answers.of_two(question, is_same=is_same, counted=_counted(request), actor=request.user)
    say_what_was_decided(request, decision)


def _asked(request: UserRequest) -> Asked:
    """The faces of the question that still wait for an answer; others may be answered by now."""
    shown = primary_keys(request.POST.getlist("shown"))
    if "about" in request.POST:
        return asked_about_person(request.user, _person_asked_about(request), shown)
    clusters = Cluster.objects.owned_by(request.user)
    cluster = clusters.filter(pk__in=primary_keys([request.POST.get("cluster", "")])).first()
    # The group may be gone: what was shown of it is still answered for.
    return asked_about_group(request.user, cluster, shown) if cluster else asked_of_no_group(request.user, shown)


def _counted(request: UserRequest) -> list[int]:
    """The faces the page said the answer would be about, shown or not."""
    return primary_keys(request.POST.get("counted", "").split(","))


def _person_asked_about(request: UserRequest) -> Person:
    people = Person.objects.owned_by(request.user)
    person = get_object_or_404(people, pk__in=primary_keys([request.POST.get("about", "")]))
    person.owner = request.user  # known already: the ledger asks for it
    return person


def _person_named(request: UserRequest) -> Person | None:
    """Somebody else, or who a group is."""
    form = NameForm(request.POST, owner=request.user)
    if form.is_valid():
        return form.get_or_create_person()
    messages.error(request, _("Say who this is."))
    return None


def _context(request: UserRequest, *, about: int | None = None, first: Collection[str] = ()) -> dict[str, object]:
    skipped = _skipped(request)
    card = _first_card(request, about=about, first=first) or next_card(request.user, skipped=skipped)
    left = forecast(request.user, skipped=skipped)
    if card is not None:
        attach_covers(card.others)
    return {
        "card": card,
        "question": card.question if card else None,
        "known_in": _photo_count(card.question.person) if card else 0,
        "left": left,
        "answered": _answered(request, left.questions),
        "can_redo": to_redo(request.user) is not None,
        **(_without_question(request) if card is None else {}),
    }


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
        **({} if is_ranking else _strangers(request)),
    }


def _skipped(request: UserRequest) -> list[str]:
    skipped: list[str] = request.session.get("skipped", [])
    return skipped


def _first_card(request: UserRequest, *, about: int | None, first: Collection[str]) -> Card | None:
    """What the address asks for, or what an undo brought back: once, and even if it was skipped."""
    if about is not None:
        return next_card(request.user, about=about)
    first = first or request.session.pop(FIRST, [])
    return next_card(request.user, only=first) if first else None


def _strangers(request: UserRequest) -> dict[str, object]:
    """Groups folded away below the end of the queue."""
    as_of = Decision.objects.owned_by(request.user).newest_regroup()
    groups = Cluster.objects.owned_by(request.user).waiting().filter(is_hidden=False, pk__in=strangers(request.user))
    shown = list(groups[:STRANGERS_SHOWN])
    attach_mosaics(shown)
    count = groups.count() if len(shown) == STRANGERS_SHOWN else len(shown)
    return {"strangers": shown, "stranger_count": count, "as_of": as_of}


def _photo_count(person: Person | None) -> int:
    return 0 if person is None else person.faces.order_by().values("photo").distinct().count()


def _answered(request: UserRequest, left: int) -> int:
    """How many questions this session has seen go, for the bar above the question."""
    most = max(left, request.session.get("most_questions", 0)) if left else 0
    if most != request.session.get("most_questions"):
        request.session["most_questions"] = most
    return most - left
