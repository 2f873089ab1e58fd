"""Parts of a person, or of a group, that may be somebody else: rows of faces, each of which may be named."""

from collections.abc import Iterator

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import UserRequest
from people import answers
from people.covers import attach_covers
from people.forms import NameForm, primary_keys
from people.models import Cluster, Person
from people.splitting import find_parts
from people.views.respond import ask_which, say_what_was_decided

MOST_PARTS = 8


@require_http_methods(["GET", "HEAD", "POST"])
def split_person(request: UserRequest, person_id: int) -> HttpResponse:
    """Find sub-groups of a person's faces; those that get a name, or are said to be nobody's, leave the person."""
    person = get_object_or_404(Person.objects.owned_by(request.user), pk=person_id)
    person.owner = request.user
    if request.method == "POST":
        return _which(request) or _split_person(request, person)
    attach_covers([person])
    found = find_parts(person.faces.all(), request.user.pk)
    return render(request, "people/split.html", {"person": person, "found": found, "face_count": person.faces.count()})


@require_http_methods(["GET", "HEAD", "POST"])
def split_group(request: UserRequest, cluster_id: int) -> HttpResponse:
    """Say that a group is not one person: its parts become groups of their own, or get a name at once."""
    cluster = get_object_or_404(Cluster.objects.owned_by(request.user), pk=cluster_id)
    if request.method == "POST":
        return _which(request) or _split_group(request, cluster)
    found = find_parts(cluster.faces.untagged(), request.user.pk)
    return render(request, "people/split.html", {"cluster": cluster, "found": found})


def _which(request: UserRequest) -> HttpResponse | None:
    """The page that asks which of several people of a name is meant, for the first row of whose name there are."""
    for number, form in _row_forms(request):
        if _faces_of(request, number) and form.is_valid() and (asked := ask_which(request, form)):
            return asked
    return None


@transaction.atomic  # nobody is made whom no face is given
def _split_person(request: UserRequest, person: Person) -> HttpResponse:
    named, nobodys = _named_parts(request)
    decision = None
    if named or nobodys:
        decision = answers.split(person, named, nobodys=nobodys, actor=request.user)
    if decision is None:
        messages.info(request, _("Nothing was split off: no row had a name."))
        return redirect("people:split", person.pk)
    say_what_was_decided(request, decision)
    return redirect(person if person.faces.exists() else "people:index")


@transaction.atomic  # as above
def _split_group(request: UserRequest, cluster: Cluster) -> HttpResponse:
    named, _nobodys = _named_parts(request)
    parts = [faces for number in range(MOST_PARTS) if (faces := _faces_of(request, number))]
    taken = {face for faces in named.values() for face in faces}
    unnamed = [faces for faces in parts if not taken.intersection(faces)]
    decision = answers.split_group(cluster, named, unnamed, actor=request.user)
    say_what_was_decided(request, decision)
    return redirect("people:index")


def _named_parts(request: UserRequest) -> tuple[dict[Person, list[int]], list[int]]:
    """By person, the faces of the rows that got their name; and those of rows that are said to be nobody's yet."""
    named: dict[Person, list[int]] = {}
    nobodys: list[int] = []
    for number, form in _row_forms(request):
        faces = _faces_of(request, number)
        if not faces:
            continue
        if form.is_valid():
            person = form.get_or_create_person()
            named[person] = named.get(person, []) + faces
        elif f"{number}-nobody" in request.POST:
            nobodys += faces
    return named, nobodys


def _row_forms(request: UserRequest) -> Iterator[tuple[int, NameForm]]:
    for number in range(MOST_PARTS):
        yield number, NameForm(request.POST, owner=request.user, prefix=str(number))


def _faces_of(request: UserRequest, number: int) -> list[int]:
    """All faces of a row, shown or not, but for those unticked."""
    faces = primary_keys(request.POST.get(f"{number}-faces", "").split(","))
    shown = set(primary_keys(request.POST.getlist(f"{number}-shown")))
    ticked = set(primary_keys(request.POST.getlist(f"{number}-ticked")))
    return [face for face in faces if face not in shown or face in ticked]
