"""Merging people: who with whom, what it would do, and doing it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people import answers
from people.covers import attach_covers
from people.forms import primary_keys
from people.merging import preview
from people.models import Person, Question
from people.questions import drop_settled
from people.views.respond import back, say_what_was_decided
from people.views.selection import Selection


@vary_on_headers("HX-Request")
@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: UserRequest) -> HttpResponse:
    """Ask with whom to merge `people`, show what it would do, or do it: then the name of `keep` stays.

    Groups that were selected with them get the name, too.
    """
    fields = request.POST if request.method == "POST" else request.GET
    selected = Selection.sent(request.user, fields)
    people = _with_the_one_chosen(selected.people, request)
    if request.method == "POST" and "keep" in fields:
        return _merge(request, people, selected)
    is_ready = len(people) > 1 or (len(people) == 1 and selected.groups)
    attach_covers(people)
    context = {
        "people": people,
        "groups": selected.groups,
        "group_faces": len(selected.faces_of_groups()),
        "as_of": selected.as_of,
        "preview": preview(people) if is_ready else None,
        "is_unknown": bool(fields.get("name", "").strip()) and not is_ready,
    }
    return render(request, "people/_merge.html" if request.htmx else "people/merge.html", context)


@require_POST
def answer_same(request: UserRequest, question_id: int) -> HttpResponse:
    """Say on the people page whether two people are one: those of fewer faces go to the other, or they are two."""
    questions = Question.objects.owned_by(request.user).filter(kind=Question.Kind.SAME)
    question = get_object_or_404(questions.select_related("person", "other_person"), pk=question_id)
    is_same = request.POST.get("answer") == "same"
    decision = answers.of_two(question, is_same=is_same, actor=request.user)
    drop_settled(request.user, question.key)
    say_what_was_decided(request, decision)
    return back(request, "/people/")


def _with_the_one_chosen(people: list[Person], request: UserRequest) -> list[Person]:
    """With who was picked in the naming box, or without JavaScript typed."""
    fields = request.GET
    theirs = Person.objects.owned_by(request.user).with_faces()
    if chosen := primary_keys(fields.getlist("person")):
        others = theirs.filter(pk__in=chosen)
    elif name := fields.get("name", "").strip():
        others = theirs.namesakes(name)[:1]
    else:
        return people
    known = {person.pk for person in people}
    return [*people, *(person for person in others if person.pk not in known)]


def _merge(request: UserRequest, people: list[Person], selected: Selection) -> HttpResponse:
    kept = next((person for person in people if person.pk in primary_keys(request.POST.getlist("keep"))), None)
    if kept is None or (len(people) < 2 and not selected.groups):
        messages.info(request, _("Nothing was merged. Somebody changed these people meanwhile."))
        return back(request, "/people/")
    kept.owner = request.user
    counted = primary_keys(request.POST["counted"].split(",")) if "counted" in request.POST else None
    faces = selected.faces_of_groups()
    decision = answers.merge_all(people, kept, unnamed=faces, counted=counted, actor=request.user)
    say_what_was_decided(request, decision)
    return redirect(kept)
