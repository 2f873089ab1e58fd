"""What was decided, by whom, and the way back."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from accounts.models import User
from people import ledger, questions
from people.chronicle import Page, Place, attach_photos, page_after, page_before, place_of
from people.forms import HistoryForm
from people.history import KINDS, Filters, attach_faces, attach_held, attach_texts, day, short, to_redo, what_holds
from people.models import Decision, Person
from people.views.respond import FIRST, JUST_SKIPPED, back, newest_act
from photos import acts
from photos.numbers import written
from photos.widgets import options


@require_safe
def history(request: UserRequest) -> HttpResponse:
    """A page of it. `at` turns to a page that begins with one decision."""
    form = HistoryForm(request.GET, owner=request.user)
    filters = form.filters()
    at = form.cleaned_data.get("at")
    page = _page(request, filters, at)
    decisions = page.decisions
    attach_texts(decisions)
    attach_faces(decisions)
    attach_held(decisions)
    attach_photos(request.user, page.acts)
    context = {
        "page": page,
        "filters": filters,
        "is_filtered": filters != Filters(),
        "kinds": [(kind, words) for kind, (words, _) in KINDS.items()],
        "others": _other_actors(request.user),
        "people": options([("", _("Anybody")), *_names(request.user)], filters.person),
        "at": at,
    }
    return render(request, "people/history.html", context)


def _page(request: UserRequest, filters: Filters, at: int | None) -> Page:
    if at is not None:
        return page_after(request.user, filters, place_of(request.user, at))
    if before := Place.parse(request.GET.get("before", "")):
        return page_before(request.user, filters, before)
    return page_after(request.user, filters, Place.parse(request.GET.get("after", "")) or Place())


@require_POST
def undo(request: UserRequest, decision_id: int) -> HttpResponse:
    decision = get_object_or_404(Decision.objects.owned_by(request.user), pk=decision_id)
    _undo(request, decision)
    return back(request, "/history/")


@require_POST
def undo_later(request: UserRequest, decision_id: int) -> HttpResponse:
    """Take back, too, what was decided later and kept faces from following an undo."""
    undone = get_object_or_404(Decision.objects.owned_by(request.user), pk=decision_id, verb=Decision.Verb.UNDO)
    count = len(ledger.undo_all(what_holds(undone), actor=request.user))
    if count:
        messages.success(
            request,
            ngettext("%(n)s later answer undone, too.", "%(n)s later answers undone, too.", count)
            % {"n": written(count)},
        )
    else:
        messages.info(request, _("Nothing holds these faces any more."))
    return back(request, "/history/")


@require_POST
def undo_last(request: UserRequest) -> HttpResponse:
    """Take back what was done last and still stands, an answer or an act on photos; or ask again what was skipped."""
    skipped, act = request.session.pop(JUST_SKIPPED, ["", 0])
    if skipped and act == newest_act(request.user):
        request.session["skipped"] = [key for key in request.session.get("skipped", []) if key != skipped]
        request.session[FIRST] = [skipped]
        messages.info(request, _("No longer skipped."))
        return back(request, "/history/")
    last = _last_answer(request.user)
    if act := acts.undo_newest(request.user, since=last.made_at if last else None):
        messages.success(request, _("Undone: %(act)s.") % {"act": acts.sentence(act)})
    elif last is None:
        messages.info(request, _("There is nothing to undo."))
    else:
        _undo(request, last)
    return back(request, "/history/")


@require_POST
def redo_last(request: UserRequest) -> HttpResponse:
    """Do again what was undone last, unless something was answered since."""
    undone = to_redo(request.user)
    if undone is None:
        messages.info(request, _("There is nothing to do again."))
    else:
        _undo(request, undone)
    return back(request, "/history/")


def _last_answer(user: User) -> Decision | None:
    answers = Decision.objects.owned_by(user).filter(actor=user, is_in_force=True)
    return answers.exclude(verb=Decision.Verb.UNDO).order_by("-pk").first()


def _other_actors(user: User) -> list[User]:
    """Users beside the owner who decided something."""
    actors = Decision.objects.owned_by(user).exclude(actor=user).exclude(actor=None).order_by().values("actor")
    return list(User.objects.filter(pk__in=actors).order_by("username"))


def _names(user: User) -> QuerySet[Person, tuple[int, str]]:
    return Person.objects.owned_by(user).order_by("folded_name", "pk").values_list("pk", "name")


def _undo(request: UserRequest, decision: Decision) -> None:
    undone = ledger.undo(decision, actor=request.user)
    if undone.decision is None:
        messages.info(request, _("That was undone already."))
        return
    request.session[FIRST] = questions.ask_again(undone.decision)
    attach_texts([undone.decision])
    is_redone = undone.decision.is_redone
    tag = f"{'undo' if is_redone else 'redo'}:{undone.decision.pk}"
    if undone.stale:
        whole = undone.restored + len(undone.stale)
        went = _("%(n)s of %(whole)s faces went back.") % {"n": written(undone.restored), "whole": written(whole)}
        messages.warning(request, f"{went} {_stay(len(undone.stale), undone.later[0])}", extra_tags=tag)
    else:
        messages.success(request, _("Done again.") if is_redone else _("Undone."), extra_tags=tag)


def _stay(count: int, held_by: Decision) -> str:
    text = ngettext("%(n)s stays as it is: %(what)s on %(day)s.", "%(n)s stay as they are: %(what)s on %(day)s.", count)
    return text % {"n": written(count), "what": short(held_by), "day": day(held_by.made_at)}
