"""Actions on one face, from the page of its photo."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from people import answers
from people.forms import NameForm, primary_keys
from people.models import Face, Person
from people.views.photo import back_to_photo
from people.views.respond import ask_which, say_what_was_decided
from photos.views.media import serve_picture

NO_CROP_YET = '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160"/>'


@require_safe
def crop(request: UserRequest, face_id: int) -> HttpResponseBase:
    """The cut of a face; an empty picture for a moment, until a worker has cut out one that was drawn."""
    face = _face_of(request, face_id)
    if face.is_drawn and not face.crop:
        return HttpResponse(NO_CROP_YET, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})
    return serve_picture(face.crop, "image/webp")


@require_POST
@transaction.atomic  # nobody is made whom no face is given
def name_face(request: UserRequest, face_id: int) -> HttpResponse:
    face = _face_of(request, face_id)
    form = NameForm(request.POST, owner=request.user)
    if form.is_valid():
        if asked := ask_which(request, form):
            return asked
        person = form.get_or_create_person()
        say_what_was_decided(request, answers.confirm(person, [face.pk], actor=request.user))
    else:
        messages.error(request, _("Say who this is."))
    return back_to_photo(request, face.photo)


@require_POST
def answer_suggestion(request: UserRequest, face_id: int) -> HttpResponse:
    """Yes or no to "Is this Ann?" The form names the person: suggestions may change meanwhile."""
    face = _face_of(request, face_id)
    people = Person.objects.owned_by(request.user)
    person = get_object_or_404(people, pk__in=primary_keys([request.POST.get("about", "")]))
    match request.POST.get("answer"):
        case "yes":
            say_what_was_decided(request, answers.confirm(person, [face.pk], actor=request.user))
        case "no":
            say_what_was_decided(request, answers.reject(person, [face.pk], actor=request.user))
        case _:
            messages.info(request, _("Say yes or no."))
    return back_to_photo(request, face.photo)


@require_POST
def remove_name(request: UserRequest, face_id: int) -> HttpResponse:
    """The form names the person: the face may bear another name by now."""
    face = _face_of(request, face_id)
    people = Person.objects.owned_by(request.user)
    person = people.filter(pk__in=primary_keys([request.POST.get("about", "")])).first()
    decision = answers.remove_name(person, [face.pk], actor=request.user) if person else None
    say_what_was_decided(request, decision)
    return back_to_photo(request, face.photo)


@require_POST
def ignore(request: UserRequest, face_id: int) -> HttpResponse:
    """Set a face aside; with "no_face" for good, for it is none; with "show" ask about it again."""
    face = _face_of(request, face_id)
    say = answers.no_face if "no_face" in request.POST else answers.ignore
    say = answers.show_again if "show" in request.POST else say
    say_what_was_decided(request, say(request.user, [face.pk], actor=request.user))
    return back_to_photo(request, face.photo)


def _face_of(request: UserRequest, face_id: int) -> Face:
    faces = Face.objects.owned_by(request.user).without_vectors()
    return get_object_or_404(faces.select_related("photo", "person"), pk=face_id)
