"""Answers to the questions of the review queue. Each card is answered once, however often its answer arrives."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import UserRequest
from people import answers
from people.answered import answer_once
from people.asked import Asked, asked_about_group, asked_about_person, asked_of_no_group
from people.forms import NameForm, primary_keys
from people.models import Cluster, Decision, Person, Question
from people.pace import note_answer
from people.questions import drop_settled
from people.review import next_card
from people.scope import Scope
from people.upcoming import Shown
from people.views.respond import JUST_SKIPPED, ask_which, newest_act, say_what_was_decided
from people.views.review import address, queue_context

MOST_SKIPPED = 500
LONGEST_KEY = 40  # a letter and two primary keys


class Refused(Exception):
    """What was sent is no answer; the message says what is missing."""


@require_POST
def answer(request: UserRequest) -> HttpResponse:
    """Take an answer and show the next question.

    The page's script has shown that one already and says which it was ("showing"): the reply leaves it alone if it is
    still right, and brings the one after it.
    """
    form = NameForm(request.POST, owner=request.user)
    if request.POST.get("answer") == "name" and form.is_valid() and (asked := ask_which(request, form)):
        return asked
    try:
        _take(request, form)
    except Refused as refusal:
        messages.error(request, str(refusal))
        if "showing" in request.POST:
            return render(request, "people/_refused.html", status=422)
    else:
        note_answer(request.session)
    scope = Scope.asked_for(request.POST, request.user, person_field="only")  # "person" is an answer
    if "showing" in request.POST or request.htmx:
        context = queue_context(request, scope, shown=_showing(request))
        return render(request, "people/_question.html", context)
    following = next_card(request.user, skipped=request.session.get("skipped", []), within=scope.within(request.user))
    return redirect(address(scope, following.question.key if following else ""))


def _take(request: UserRequest, form: NameForm) -> None:
    key = request.POST.get("key", "")[:LONGEST_KEY]
    if request.POST.get("answer") == "skip":
        skipped = [other for other in request.session.get("skipped", []) if other != key]
        request.session["skipped"] = [*skipped, key][-MOST_SKIPPED:]
        request.session[JUST_SKIPPED] = [key, newest_act(request.user)]
        messages.info(request, _("Skipped."))
        return
    request.session.pop(JUST_SKIPPED, None)
    decision, is_old = answer_once(request.user, request.POST.get("card", ""), lambda: _decide(request, form))
    if decision is not None and is_old and not decision.is_in_force:
        messages.info(request, _("This card was answered and undone meanwhile. It is asked again."))
    else:
        say_what_was_decided(request, decision)
    drop_settled(request.user, key)


def _decide(request: UserRequest, form: NameForm) -> Decision | None:
    kind = request.POST.get("answer", "")
    if kind in ("same", "different"):
        return _decide_on_two(request, is_same=kind == "same")
    asked = _asked(request).counted(_numbers(request, "counted"))
    if not asked.stands_for:  # answered in another tab, or by a second click
        return None
    ticked = asked.of(primary_keys(request.POST.getlist("faces")))
    if not ticked and kind != "no":
        raise Refused(_("Tick at least one face first."))
    if kind == "no":
        return answers.reject(_person_asked_about(request), asked.seen, actor=request.user)
    if kind == "ignore":
        return answers.ignore(request.user, ticked | asked.unseen, actor=request.user)
    person = _person_asked_about(request) if kind == "yes" else _person_named(form)
    return answers.confirm(person, ticked | asked.unseen, but_not=asked.seen - ticked, actor=request.user)


def _decide_on_two(request: UserRequest, *, is_same: bool) -> Decision | None:
    """Of two people, or two groups, whether they are one."""
    questions = Question.objects.owned_by(request.user).filter(kind=Question.Kind.SAME)
    question = questions.filter(pk__in=primary_keys([request.POST.get("question", "")])).first()
    if question is None:
        return None
    return answers.of_two(question, is_same=is_same, counted=_numbers(request, "counted"), actor=request.user)


def _asked(request: UserRequest) -> Asked:
    """The faces of the question that still wait for an answer; others may be answered by now."""
    shown = primary_keys(request.POST.getlist("shown"))
    if "about" in request.POST:
        opened = primary_keys(request.POST.getlist("opened"))
        return asked_about_person(request.user, _person_asked_about(request), shown, opened=opened)
    clusters = Cluster.objects.owned_by(request.user)
    cluster = clusters.filter(pk__in=primary_keys([request.POST.get("cluster", "")])).first()
    # The group may be gone: what was shown of it is still answered for.
    return asked_about_group(request.user, cluster, shown) if cluster else asked_of_no_group(request.user, shown)


def _showing(request: UserRequest) -> Shown | None:
    """The card that the page's script shows since the answer was given, if it had one ready."""
    key = request.POST.get("showing", "")[:LONGEST_KEY]
    if not key:
        return None
    return Shown(key, _numbers(request, "showing-shown"), _numbers(request, "showing-counted"))


def _numbers(request: UserRequest, field: str) -> list[int]:
    """Primary keys of faces, with commas between: of those the page said the answer would be about, for one."""
    return primary_keys(request.POST.get(field, "").split(","))


def _person_asked_about(request: UserRequest) -> Person:
    people = Person.objects.owned_by(request.user)
    person = get_object_or_404(people, pk__in=primary_keys([request.POST.get("about", "")]))
    person.owner = request.user  # known already: the ledger asks for it
    return person


def _person_named(form: NameForm) -> Person:
    """Somebody else, or who a group is."""
    if not form.is_valid():
        raise Refused(_("Say who this is."))
    return form.get_or_create_person()
