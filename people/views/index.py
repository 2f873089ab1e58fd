"""The people of a library: named, maybe the same, without a name, hidden; and what several can have done at once."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Max, OuterRef, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from accounts.models import User
from people import answers, ledger
from people.covers import attach_covers, attach_mosaics
from people.forms import NameForm, primary_keys
from people.models import Cluster, Decision, Face, Person, Question
from people.models.person import PersonQuerySet
from people.review import likely_people
from people.tiles import count_asked
from people.unnamed import Unnamed, has_faces_alone, unnamed_groups
from people.views.respond import ask_which, back, say_what_was_decided
from people.views.selection import Selection
from photos.models import Photo

PEOPLE_PER_PAGE = 48
HIDDEN_PER_PAGE = 48
GROUPS_PER_PAGE = 24
PAIRS_SHOWN = 3  # of people, or groups, who may be the same
NAMES_SUGGESTED = 6

ORDERS: dict[str, tuple[Any, ...]] = {
    "photos": ("-photo_count", "folded_name", "pk"),
    "name": ("folded_name", "pk"),
    "added": ("-created_at", "-pk"),
}


@require_safe
def index(request: UserRequest) -> HttpResponse:
    """Named people, who may be the same, groups without a name, and who is hidden."""
    query = request.GET.get("q", "").strip()
    everyone = _people_called(request.user, query)
    people = _page_of_people(request, everyone.filter(is_hidden=False))
    hidden = turned(request, everyone.filter(is_hidden=True).order_by("folded_name", "pk"), HIDDEN_PER_PAGE, "hidden")
    as_of = Decision.objects.owned_by(request.user).newest_regroup()  # first: what joins a group later is not shown
    unnamed = unnamed_groups(request.user)
    groups = group_page(request, unnamed.listed, "groups")
    alike = [] if query else _maybe_the_same(request.user)
    attach_covers([*people, *hidden, *(person for question in alike for person in question.people)])
    attach_mosaics([*groups, *(cluster for question in alike for cluster in question.clusters)])
    context = {
        "people": people,
        "hidden": hidden,
        "alike": alike,
        "groups": groups,
        "unnamed": unnamed,
        "folded": [] if query else _folded(request.user, unnamed),
        "as_of": as_of,
        "query": query,
        "sort": _order(request),
        "opened": "hidden" in request.GET or bool(query),
        "has_photos": Photo.objects.owned_by(request.user).exists(),
        "is_working": _is_working(request.user),
    }
    return render(request, "people/index.html", context)


@require_safe
def names(request: UserRequest) -> JsonResponse:
    """Existing people for a naming box: who is called just so, then those of most photos.

    Before anything is typed, those whom `group` or `face` may show come first.
    """
    text = request.GET.get("q", "")
    likely = [] if text.strip() else _likely(request)
    people = Person.objects.owned_by(request.user).with_faces().named_like(text)
    others = people.exclude(pk__in=[person.pk for person in likely]).best_match_first(text)
    found = [*likely, *others[: NAMES_SUGGESTED - len(likely)]]
    attach_covers(found)
    return JsonResponse({"people": [_as_json(person) for person in found]})


@require_POST
@transaction.atomic  # nobody is made whom no face is given
def together(request: UserRequest) -> HttpResponse:
    """Name or hide all that was selected, or hide one person. Merging asks first, on a page of its own."""
    if hidden := primary_keys(request.POST.getlist("hide")):
        people = Person.objects.owned_by(request.user).filter(pk__in=hidden)
        say_what_was_decided(request, ledger.hide(request.user, list(people), [], actor=request.user))
        return back(request, "/people/")
    selected = Selection.sent(request.user, request.POST)
    if selected.is_empty:
        messages.info(request, _("Select somebody first."))
    elif request.POST.get("action") == "hide":
        clusters = Cluster.objects.filter(pk__in=selected.groups)
        say_what_was_decided(request, ledger.hide(request.user, selected.people, list(clusters), actor=request.user))
    else:
        return _name_groups(request, selected)
    return back(request, "/people/")


def _people_called(user: User, query: str) -> PersonQuerySet:
    """Everybody of a user who has faces, with what a card shows; of a query, whose names begin like it."""
    people = Person.objects.owned_by(user).with_faces().with_photo_count()
    people = people.named_like(query) if query else people
    return people.annotate(to_check=count_asked(OuterRef("pk")))


def turned(request: HttpRequest, items: Any, per_page: int, parameter: str) -> "Page[Any]":
    """A page of a list that is one of several on its page, with the addresses before and after it."""
    page = Paginator(items, per_page).get_page(request.GET.get(parameter))
    for name, number in (("back_url", page.number - 1), ("more_url", page.number + 1)):
        if 1 <= number <= page.paginator.num_pages:
            query = request.GET.copy()
            query[parameter] = str(number)
            setattr(page, name, f"?{query.urlencode()}")
    return page


def group_page(request: HttpRequest, pks: Sequence[int], parameter: str) -> "Page[Any]":
    """A page of groups given by primary key."""
    page = turned(request, pks, GROUPS_PER_PAGE, parameter)
    found = Cluster.objects.with_counts().in_bulk(list(page.object_list))
    page.object_list = [found[pk] for pk in page.object_list if pk in found]
    return page


def _order(request: UserRequest) -> str:
    order = request.GET.get("sort", "")
    return order if order in (*ORDERS, "seen") else "photos"


def _page_of_people(request: UserRequest, people: PersonQuerySet) -> "Page[Any]":
    order = _order(request)
    if order == "seen":
        return _last_seen_first(request, people)
    return turned(request, people.order_by(*ORDERS[order]), PEOPLE_PER_PAGE, "page")


def _last_seen_first(request: UserRequest, people: PersonQuerySet) -> "Page[Any]":
    """By the date of the latest photo of each: asked of all faces at once, for there is no index to ask one by one."""
    # Of photos in sight, as all of these are: an index alone has their dates.
    seen = Face.objects.owned_by(request.user).filter(photo__trashed_at=None, person__in=people.values("pk"))
    latest = seen.order_by().values("person").annotate(latest=Max("photo__taken_at")).order_by("-latest", "person")
    pks = list(latest.values_list("person", flat=True))
    page = turned(request, pks, PEOPLE_PER_PAGE, "page")
    found = people.in_bulk(list(page.object_list))
    page.object_list = [found[pk] for pk in page.object_list if pk in found]
    return page


def _maybe_the_same(user: User) -> list[Question]:
    """Pairs of people, then pairs of groups."""
    questions = Question.objects.owned_by(user).open().filter(kind=Question.Kind.SAME).alias(of_groups=Q(person=None))
    pairs = questions.select_related("person", "other_person", "cluster", "other_cluster")
    return list(pairs.order_by("of_groups", "-worth", "pk")[:PAIRS_SHOWN])


def _folded(user: User, unnamed: Unnamed) -> "list[tuple[str, str, int | None]]":
    """What is folded away below the groups: its kind, its title and how many there are; none where there are none.

    Single faces are counted by a request of their own (`unnamed.count`): their number takes as long as half the page.
    """
    kinds: list[tuple[str, str, int | None]] = [
        ("pairs", _("Seen twice"), len(unnamed.pairs)),
        ("strangers", _("Seen on one day only"), len(unnamed.strangers)),
        ("hidden", _("Hidden groups"), len(unnamed.hidden)),
    ]
    found = [kind for kind in kinds if kind[2]]
    return [*found, ("singles", _("Single faces"), None)] if has_faces_alone(user, unnamed) else found


def _is_working(user: User) -> bool:
    """Whether groups are still to come."""
    photos = Photo.objects.owned_by(user).filter(failure="")
    return user.allows_faces and photos.exclude(stage=Photo.Stage.DONE).exists()


def _likely(request: UserRequest) -> list[Person]:
    """People whom the face, or the clearest of the group, that a box is beside may show."""
    faces = Face.objects.owned_by(request.user).select_related("photo")
    group, face = (primary_keys(request.GET.getlist(key)) for key in ("group", "face"))
    if group:
        faces = faces.untagged().filter(cluster__in=group).order_by("-quality", "pk")
    elif face:
        faces = faces.filter(pk__in=face)
    else:
        return []
    likely = [person.pk for person in likely_people(request.user, faces[:1])]
    people = Person.objects.with_photo_count().in_bulk(likely)
    return [people[pk] for pk in likely if pk in people]


def _as_json(person: Person) -> dict[str, object]:
    crop = person.cover.crop_url if person.cover else ""
    named = {"id": person.pk, "name": person.name, "note": person.note}
    return {**named, "photos": person.photo_count, "crop": crop, "url": person.get_absolute_url()}


def _name_groups(request: UserRequest, selected: Selection) -> HttpResponse:
    """Give all groups selected one name."""
    form = NameForm(request.POST, owner=request.user)
    if not form.is_valid():
        messages.error(request, _("Say who this is."))
        return back(request, "/people/")
    if asked := ask_which(request, form):
        return asked
    faces = selected.faces_of_groups()
    decision = answers.confirm(form.get_or_create_person(), faces, actor=request.user) if faces else None
    say_what_was_decided(request, decision)
    return back(request, "/people/")
