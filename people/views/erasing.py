"""Deleting face data, after a typed word."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.http import UserRequest
from people import erasing
from people.models import Face, Person
from photos import media_folder
from photos.numbers import written

WORD = _("DELETE")  # what is typed to go on


@require_http_methods(["GET", "HEAD", "POST"])
def delete_face_data(request: UserRequest) -> HttpResponse:
    """Delete all faces, groups and names, and look for no more."""
    if _is_confirmed(request) and _has_files(request):
        deleted = erasing.delete_face_data(request.user)
        said = ngettext(
            "Deleted the data of %(n)s face. Face analysis is off.",
            "Deleted the data of %(n)s faces. Face analysis is off.",
            deleted,
        )
        messages.success(request, said % {"n": written(deleted)})
        return redirect("accounts:settings")
    context: dict[str, object] = {
        "people_count": Person.objects.owned_by(request.user).with_faces().count(),
        "face_count": Face.everywhere.owned_by(request.user).count(),
    }
    return _ask(request, context)


@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: UserRequest, person_id: int) -> HttpResponse:
    """Delete one person's name and faces."""
    person = Person.objects.owned_by(request.user).filter(pk=person_id).first()
    if person is None and _is_confirmed(request):  # a second click; nothing is left that says whose person it was
        messages.info(request, _("Nothing was left to delete."))
        return redirect("people:index")
    if person is None:
        raise Http404
    if _is_confirmed(request) and _has_files(request):
        deleted = erasing.forget_person(person)
        said = ngettext(
            "Deleted %(name)s and the data of %(n)s face.", "Deleted %(name)s and the data of %(n)s faces.", deleted
        )
        messages.success(request, said % {"name": person, "n": written(deleted)})
        return redirect("people:index")
    return _ask(request, {"person": person, "face_count": Face.everywhere.filter(person=person).count()})


def _is_confirmed(request: UserRequest) -> bool:
    return request.method == "POST" and request.POST.get("word", "").strip() == str(WORD)


def _has_files(request: UserRequest) -> bool:
    """Whether the pictures of faces can be deleted, too; else it is said why not."""
    sentence = media_folder.trouble()
    if sentence:
        messages.error(request, sentence)
    return not sentence


def _ask(request: UserRequest, context: dict[str, object]) -> HttpResponse:
    is_wrong = request.method == "POST" and not _is_confirmed(request)
    context |= {"word": WORD, "is_wrong": is_wrong}
    status = 200 if request.method != "POST" else 422 if is_wrong else 503
    return render(request, "people/erase.html", context, status=status)
