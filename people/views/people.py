"""One person: their photos and faces, and what is known of them."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import UserRequest
from people import answers, ledger
from people.covers import attach_covers
from people.early_years import years_at
from people.forms import NameForm, PersonForm, primary_keys
from people.merging import least_alike_first
from people.models import Face, Person, Question
from people.models.face import FaceQuerySet
from people.models.person import fold
from people.views.respond import ask_which, back, say_what_was_decided
from people.views.tabs import tabs_of
from photos.grid import grid_context
from photos.models import Photo
from photos.pagination import month_counts

FACES_PER_PAGE = 120
OFTEN_WITH = 5
FEW = 3  # people of a name that are shown
SECOND_LOOK = 8  # faces set apart as worth it, where there are more

# How faces may be sorted, as the address says it, and in words.
SORTS = {
    "alike": gettext_lazy("Least alike first"),
    "newest": gettext_lazy("Newest first"),
    "oldest": gettext_lazy("Oldest first"),
    "clearest": gettext_lazy("Clearest first"),
}


@vary_on_headers("HX-Request")
@require_safe
def person(request: UserRequest, person_id: int) -> HttpResponse:
    """One person: photos, or faces with the least alike first."""
    person = _person_of(request, person_id)
    often_with = _often_with(person)
    attach_covers([person, *often_with])
    photos = Photo.objects.owned_by(request.user).filter(pk__in=person.faces.order_by().values("photo"))
    tab = "faces" if request.GET.get("tab") == "faces" else "photos"
    tabs = tabs_of(person)
    context: dict[str, object] = {
        "person": person,
        "tab": tab,
        "form": PersonForm(instance=person),
        **tabs,
        "years": _years(tabs["first"], tabs["last"]),
        "often_with": often_with,
        "alike": _perhaps_the_same(request, person),
    }
    is_fragment = tab == "photos" and request.htmx and not request.htmx.boosted
    if tab == "faces":
        context |= _faces(request, person)
    else:
        url, scope = person.get_absolute_url(), f"person-{person.pk}"
        counts = None if is_fragment else month_counts(photos)
        context |= grid_context(request, photos, url=url, scope=scope, total=tabs["photo_count"], counts=counts)
    return render(request, "photos/_months.html" if is_fragment else "people/person.html", context)


@require_POST
def edit(request: UserRequest, person_id: int) -> HttpResponse:
    """Change name, note and birth date. A name somebody else bears is asked about: merge, or keep both?"""
    person = _person_of(request, person_id)
    before = person.folded_name
    form = PersonForm(request.POST, instance=person)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("people:person", person_id)
    renamed = form.save(commit=False)
    namesakes = list(Person.objects.owned_by(request.user).namesakes(renamed.name).exclude(pk=person.pk)[:FEW])
    if namesakes and fold(renamed.name) != before and "keep" not in request.POST:
        attach_covers([renamed, *namesakes])
        context = {"person": renamed, "before": Person.objects.get(pk=person.pk), "namesakes": namesakes}
        return render(request, "people/same_name.html", context, status=422)
    renamed.save()
    messages.success(request, _("Saved %(name)s.") % {"name": renamed})
    return redirect("people:person", person_id)


@require_POST
def hide(request: UserRequest, person_id: int) -> HttpResponse:
    """Hide a person from the lists, or show them again. Their names stay."""
    person = _person_of(request, person_id)
    if "show" in request.POST:
        decision = ledger.unhide(request.user, [person], [], actor=request.user)
    else:
        decision = ledger.hide(request.user, [person], [], actor=request.user)
    say_what_was_decided(request, decision)
    return back(request, "/people/")


@require_POST
@transaction.atomic  # nobody is made whom no face is given
def change_faces(request: UserRequest, person_id: int) -> HttpResponse:
    """What a selection of a person's faces can have done: not them, somebody else, their cover, or faces like it."""
    person = _person_of(request, person_id)
    person.owner = request.user
    theirs = person.faces.filter(pk__in=primary_keys(request.POST.getlist("faces")))
    faces = list(theirs.values_list("pk", flat=True))
    here = f"{person.get_absolute_url()}?tab=faces"
    if not faces:
        messages.info(request, _("Select at least one face first."))
    elif request.POST.get("action") == "like":
        return redirect("people:like", faces[0])
    elif request.POST.get("action") == "cover":
        person.cover_face_id = faces[0]
        person.save(update_fields=["cover_face"])
        messages.success(request, _("%(name)s has a new cover.") % {"name": person})
    elif request.POST.get("action") == "move":
        form = NameForm(request.POST, owner=request.user)
        if not form.is_valid():
            messages.error(request, _("Say who this is."))
        elif asked := ask_which(request, form):
            return asked
        else:
            parts = {form.get_or_create_person(): faces}
            say_what_was_decided(request, answers.split(person, parts, actor=request.user))
    elif request.POST.get("action") == "remove":
        say_what_was_decided(request, answers.remove_name(person, faces, actor=request.user))
    return back(request, here if person.faces.exists() else "/people/")


def _person_of(request: UserRequest, person_id: int) -> Person:
    return get_object_or_404(Person.objects.owned_by(request.user), pk=person_id)


def _years(first: Any, last: Any) -> str:
    """The years of the photos: "1998 to 2025", or one of them."""
    if first is None or last is None:
        return ""
    if first.year == last.year:
        return str(first.year)
    return _("%(first)s to %(last)s") % {"first": first.year, "last": last.year}


def _faces(request: UserRequest, person: Person) -> dict[str, object]:
    """A page of a person's faces, sorted, and how old the person was in each as far as that is known."""
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "alike"
    ordered: FaceQuerySet = person.faces.all()
    if sort == "alike":
        ordered = least_alike_first(ordered)
    else:
        by_time = {"newest": F("photo__taken_at").desc(), "oldest": F("photo__taken_at").asc()}
        ordered = ordered.order_by(by_time.get(sort, F("quality").desc()), "pk")
    faces = Paginator(ordered.without_vectors().select_related("photo"), FACES_PER_PAGE)
    page = faces.get_page(request.GET.get("page"))
    _attach_ages(person, list(page))
    return {"faces": page, "sort": sort, "sorts": SORTS.items(), "second_look": SECOND_LOOK}


def _attach_ages(person: Person, faces: list[Face]) -> None:
    """Set `age` on each face: whole years, None where the birth date or that of the photo is not known."""
    days: list[date | None] = [
        face.photo.taken_at.date() if face.photo.taken_at_source == Photo.DateSource.CAMERA else None for face in faces
    ]
    born = {person.pk: person.birth_date} if person.birth_date else {}
    for face, years in zip(faces, years_at(born, [person.pk] * len(faces), days).tolist(), strict=True):
        face.age = int(years) if years >= 0 else None


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
    found = [people[pk] for pk in counts if pk in people]  # somebody may go meanwhile
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
