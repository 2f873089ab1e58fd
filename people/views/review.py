"""The review queue: one question at a time, answered with a key."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people import answers
from people.covers import attach_covers
from people.forms import NameForm, primary_keys
from people.models import Cluster, Decision, Face, Person
from people.review import count_questions, next_question
from people.views.respond import say_what_was_decided
from photos.models import Photo

MOST_SKIPPED = 500
LONGEST_KEY = 20  # a letter and a primary key


@vary_on_headers("HX-Request")
@require_safe
def review(request: UserRequest) -> HttpResponse:
    """Show the next question; `person` asks about one person first. Skipped ones wait for the others."""
    if "again" in request.GET:
        request.session["skipped"] = []
        return redirect("people:review")
    template = "people/_question.html" if request.htmx else "people/review.html"
    about = next(iter(primary_keys(request.GET.getlist("person"))), None)
    return render(request, template, _context(request, about=about))


@require_POST
def answer(request: UserRequest) -> HttpResponse:
    """Take an answer and show the next question."""
    if request.POST.get("answer") == "skip":
        skipped = [*request.session.get("skipped", []), request.POST.get("key", "")[:LONGEST_KEY]]
        request.session["skipped"] = skipped[-MOST_SKIPPED:]
    else:
        _decide(request)
    if not request.htmx:
        return redirect("people:review")
    return render(request, "people/_question.html", _context(request))


def _decide(request: UserRequest) -> None:
    faces = _asked_faces(request)
    if not faces:  # answered in another tab, or by a second click
        say_what_was_decided(request, None)
        return
    ticked = set(primary_keys(request.POST.getlist("faces"))) & faces
    if not ticked and request.POST.get("answer") != "no":
        messages.info(request, "Tick at least one face first.")
        return
    decision: Decision | None
    match request.POST.get("answer"):
        case "yes":
            person = _person_asked_about(request)
            decision = answers.confirm(person, ticked, but_not=faces - ticked, actor=request.user)
        case "no":
            decision = answers.reject(_person_asked_about(request), faces, actor=request.user)
        case "ignore":
            decision = answers.ignore(request.user, ticked, actor=request.user)
        case _:
            decision = _name(request, faces, ticked)
            if decision is None:
                return
    say_what_was_decided(request, decision)


def _name(request: UserRequest, faces: set[int], ticked: set[int]) -> Decision | None:
    """Somebody else, or the name of a group: then the faces that were not shown come along."""
    form = NameForm(request.POST, owner=request.user)
    if not form.is_valid():
        messages.error(request, "Say who this is.")
        return None
    unseen: set[int] = set()
    if request.POST.get("cluster"):
        clusters = Cluster.objects.owned_by(request.user)
        cluster = get_object_or_404(clusters, pk__in=primary_keys([request.POST["cluster"]]))
        waiting = cluster.faces.untagged().filter(suggestion=None)
        unseen = set(waiting.values_list("pk", flat=True)) - faces
    return answers.confirm(form.get_or_create_person(), ticked | unseen, but_not=faces - ticked, actor=request.user)


def _asked_faces(request: UserRequest) -> set[int]:
    """The faces of the question that still wait for an answer; others may be answered by now."""
    shown = primary_keys(request.POST.getlist("shown"))
    return set(Face.objects.owned_by(request.user).untagged().filter(pk__in=shown).values_list("pk", flat=True))


def _person_asked_about(request: UserRequest) -> Person:
    people = Person.objects.owned_by(request.user)
    return get_object_or_404(people, pk__in=primary_keys([request.POST.get("about", "")]))


def _context(request: UserRequest, *, about: int | None = None) -> dict[str, object]:
    skipped = request.session.get("skipped", [])
    question = next_question(request.user, skipped=skipped, about=about) if about else None
    question = question or next_question(request.user, skipped=skipped)
    if question is not None:
        attach_covers([*question.others, *([question.person] if question.person else [])])
    photos = Photo.objects.owned_by(request.user)
    left = count_questions(request.user)
    return {
        "question": question,
        "left": left,
        "answered": _answered(request, left),
        "skipped": len(skipped),
        "has_photos": photos.exists(),
        "is_working": photos.filter(failure="").exclude(stage=Photo.Stage.DONE).exists() and request.user.allows_faces,
    }


def _answered(request: UserRequest, left: int) -> int:
    """How many questions this session has seen go, for the bar above the question."""
    most = max(left, request.session.get("most_questions", 0)) if left else 0
    if most != request.session.get("most_questions"):
        request.session["most_questions"] = most
    return most - left
