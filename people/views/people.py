"""The people of a library, and one of them."""

import numpy as np
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from accounts.models import User
from people import answers
from people.covers import attach_covers, attach_mosaics
from people.forms import NameForm, PersonForm, primary_keys
from people.models import Cluster, Decision, Face, Person, Question, Suggestion
from people.models.cluster import SMALLEST_GROUP
from people.models.counting import CountOf
from people.models.person import PersonQuerySet
from people.questions import strangers
from people.tiles import asked_as_somebodys
from people.views.respond import back, say_what_was_decided
from photos.grid import grid_context
from photos.models import Photo

PEOPLE_PER_PAGE = 96
GROUPS_SHOWN = 24
SINGLES_SHOWN = 48
FACES_PER_PAGE = 120
OFTEN_WITH = 3
NAMES_SUGGESTED = 6
ORDERS = {"photos": ("-photo_count", "folded_name"), "name": ("folded_name", "pk")}


@require_safe
def index(request: UserRequest) -> HttpResponse:
    """Named people, groups without a name, faces seen once, and who is hidden."""
    order = request.GET.get("sort", "photos")
    everyone = _everyone(request)
    named = everyone.filter(is_hidden=False).order_by(*ORDERS.get(order, ORDERS["photos"]))
    page = Paginator(named, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    hidden = list(everyone.filter(is_hidden=True).order_by("folded_name"))
    attach_covers([*page, *hidden])
    context = {
        "people": page,
        "hidden": hidden,
        **_without_name(request.user),
        "query": request.GET.get("q", ""),
        "sort": order,
        "has_photos": Photo.objects.owned_by(request.user).exists(),
        "is_working": _is_working(request),
    }
    return render(request, "people/index.html", context)


@require_safe
def names(request: UserRequest) -> JsonResponse:
    """Existing people for a naming box, those of most photos first."""
    text = request.GET.get("q", "")
    people = Person.objects.owned_by(request.user).with_faces().named_like(text)
    found = list(people.most_photos_first()[:NAMES_SUGGESTED])
    attach_covers(found)
    return JsonResponse(
        {
            "people": [
                {
                    "id": person.pk,
                    "name": person.name,
                    "note": person.note,
                    "photos": person.photo_count,
                    "crop": person.cover.crop_url if person.cover else "",
                }
                for person in found
            ]
        }
    )


@vary_on_headers("HX-Request")
@require_safe
def person(request: UserRequest, person_id: int) -> HttpResponse:
    """One person: photos, or faces with the least alike first."""
    person = _person_of(request, person_id)
    attach_covers([person])
    photos = Photo.objects.owned_by(request.user).filter(faces__person=person).distinct()
    tab = "faces" if request.GET.get("tab") == "faces" else "photos"
    photo_count = photos.count()
    context: dict[str, object] = {
        "person": person,
        "tab": tab,
        "form": PersonForm(instance=person),
        "photo_count": photo_count,
        "face_count": person.faces.count(),
        "to_review": person.suggestions.filter(asked_as_somebodys()).count(),
        "often_with": _often_with(person),
        "alike": _perhaps_the_same(request, person),
        "first_photo": photos.order_by("taken_at").first(),
        "last_photo": photos.order_by("-taken_at").first(),
    }
    if tab == "faces":
        faces = Paginator(_least_alike_first(person), FACES_PER_PAGE)
        context["faces"] = faces.get_page(request.GET.get("page"))
    else:
        scope = f"person-{person.pk}"
        context |= grid_context(request, photos, url=person.get_absolute_url(), scope=scope, total=photo_count)
    is_fragment = tab == "photos" and request.htmx and not request.htmx.boosted
    return render(request, "photos/_months.html" if is_fragment else "people/person.html", context)


@require_POST
def edit(request: UserRequest, person_id: int) -> HttpResponse:
    person = _person_of(request, person_id)
    form = PersonForm(request.POST, instance=person)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved %(name)s.") % {"name": person.name})
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("people:person", person_id)


@require_POST
def hide(request: UserRequest, person_id: int) -> HttpResponse:
    """Hide a person from the lists, or show them again. Their names stay."""
    person = _person_of(request, person_id)
    person.is_hidden = "show" not in request.POST
    person.save(update_fields=["is_hidden"])
    messages.success(
        request, (_("%(name)s is hidden.") if person.is_hidden else _("%(name)s is shown again.")) % {"name": person}
    )
    return back(request, "/people/")


@require_POST
def merge(request: UserRequest, person_id: int) -> HttpResponse:
    """Give all faces of this person to another one."""
    person = _person_of(request, person_id)
    form = NameForm(request.POST, owner=request.user)
    if not form.is_valid():
        messages.error(request, _("Choose whom to merge with."))
        return redirect(person)
    other = form.get_or_create_person()
    if other == person:
        messages.error(request, _("That is %(name)s already.") % {"name": person})
        return redirect(person)
    say_what_was_decided(request, answers.merge(person, other, actor=request.user))
    return redirect(other)


@require_safe
def merge_preview(request: UserRequest, person_id: int) -> HttpResponse:
    """What a merge would do, before it is done: for the dialog, once somebody is chosen."""
    person = _person_of(request, person_id)
    form = NameForm(request.GET, owner=request.user)
    if not form.is_valid() or not form.cleaned_data["person"]:
        return HttpResponse(status=404)
    other = form.get_or_create_person()
    attach_covers([person, other])
    photos = Photo.objects.owned_by(request.user)
    theirs = photos.filter(faces__person=other).distinct()
    context = {
        "person": person,
        "other": other,
        "face_count": person.faces.count(),
        "photo_count": theirs.count(),
        "together": theirs.filter(pk__in=photos.filter(faces__person=person).values("pk")).count(),
    }
    return render(request, "people/_merge_preview.html", context)


@require_POST
def change_faces(request: UserRequest, person_id: int) -> HttpResponse:
    """What a selection of a person's faces can have done: not them, somebody else, or their cover."""
    person = _person_of(request, person_id)
    theirs = person.faces.filter(pk__in=primary_keys(request.POST.getlist("faces")))
    faces = list(theirs.values_list("pk", flat=True))
    here = f"{person.get_absolute_url()}?tab=faces"
    if not faces:
        messages.info(request, _("Select at least one face first."))
    elif request.POST.get("action") == "cover":
        person.cover_face_id = faces[0]
        person.save(update_fields=["cover_face"])
        messages.success(request, _("%(name)s has a new cover.") % {"name": person})
    elif request.POST.get("action") == "move":
        form = NameForm(request.POST, owner=request.user)
        if form.is_valid():
            decision = answers.confirm(form.get_or_create_person(), faces, actor=request.user)
            say_what_was_decided(request, decision)
        else:
            messages.error(request, _("Say who this is."))
    elif request.POST.get("action") == "remove":
        say_what_was_decided(request, answers.remove_name(person, faces, actor=request.user))
    return back(request, here if person.faces.exists() else "/people/")


def _person_of(request: UserRequest, person_id: int) -> Person:
    return get_object_or_404(Person.objects.owned_by(request.user), pk=person_id)


def _everyone(request: UserRequest) -> PersonQuerySet:
    people = Person.objects.owned_by(request.user).with_faces().with_photo_count()
    query = request.GET.get("q", "")
    people = people.named_like(query) if query else people
    return people.annotate(to_check=CountOf(Suggestion.objects.filter(asked_as_somebodys(), person=OuterRef("pk"))))


def _without_name(user: User) -> dict[str, object]:
    """The largest groups of each kind, the clearest single faces, and how many there are of each."""
    as_of = Decision.objects.owned_by(user).newest_regroup()  # first: what joins a group from now on is not shown
    # Counted once for all: of sixteen thousand groups each further query takes as long again.
    groups = Cluster.objects.owned_by(user)
    rows = groups.sizes()
    folded = set(strangers(user))
    large = [(pk, is_hidden) for pk, is_hidden, count in rows if count >= SMALLEST_GROUP]
    hidden = [pk for pk, is_hidden in large if is_hidden]
    seen_once = [pk for pk, is_hidden in large if not is_hidden and pk in folded]
    asked = [pk for pk, is_hidden in large if not is_hidden and pk not in folded]
    shown = [some[:GROUPS_SHOWN] for some in (asked, seen_once, hidden)]
    clusters = groups.with_counts().in_bulk([pk for pks in shown for pk in pks])
    attach_mosaics(list(clusters.values()))
    waiting = Face.objects.owned_by(user).untagged()
    companions = Face.objects.untagged().filter(cluster=OuterRef("cluster")).exclude(pk=OuterRef("pk"))
    singles = waiting.exclude(Exists(companions))
    alone = sum(count for _, _, count in rows if count < SMALLEST_GROUP)
    in_order = [[clusters[pk] for pk in pks if pk in clusters] for pks in shown]
    return {
        **dict(zip(("groups", "strangers", "hidden_groups"), in_order, strict=True)),
        "as_of": as_of,
        "group_count": len(asked),
        "stranger_count": len(seen_once),
        "singles": singles.without_vectors().order_by("-quality", "pk")[:SINGLES_SHOWN],
        "single_count": alone + waiting.filter(cluster=None).count(),
    }


def _is_working(request: UserRequest) -> bool:
    """Whether groups are still to come."""
    photos = Photo.objects.owned_by(request.user).filter(failure="")
    return request.user.allows_faces and photos.exclude(stage=Photo.Stage.DONE).exists()


def _often_with(person: Person) -> list[Person]:
    theirs = Face.objects.filter(photo=OuterRef("photo"), person=person)
    companions = (
        Face.objects.filter(Exists(theirs), person__isnull=False, person__is_hidden=False)
        .exclude(person=person)
        .values_list("person")
        .annotate(together=Count("photo", distinct=True))
        .order_by("-together", "person")[:OFTEN_WITH]
    )
    counts = dict(companions)
    people = Person.objects.in_bulk(counts)
    found = [people[pk] for pk in counts]
    attach_covers(found)
    for companion in found:
        companion.together = counts[companion.pk]
    return found


def _perhaps_the_same(request: UserRequest, person: Person) -> Question | None:
    """The question whether somebody else is this person, if there is one."""
    questions = Question.objects.owned_by(request.user).open().filter(kind=Question.Kind.SAME)
    about = questions.filter(Q(person=person) | Q(other_person=person)).select_related("person", "other_person")
    question = about.best_first().first()
    if question is not None:
        attach_covers([each for each in (question.person, question.other_person) if each])
    return question


def _least_alike_first(person: Person) -> list[Face]:
    """A person's faces, those least like the others first: mistakes end up on top."""
    faces = list(person.faces.defer("embedding").select_related("photo"))
    if not faces:
        return []
    likeness = np.zeros(len(faces), dtype=np.float32)
    for model in {face.model for face in faces}:  # two, while the model is being changed: they do not compare
        places = [place for place, face in enumerate(faces) if face.model == model]
        embeddings = np.array([faces[place].projection for place in places], dtype=np.float32)
        likeness[places] = embeddings @ embeddings.mean(axis=0)
    return [faces[i] for i in np.argsort(likeness, kind="stable")]
