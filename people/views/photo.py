"""One photo with its faces."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from people import answers, ledger
from people.models import Face
from people.relinking import names_not_found
from people.views.respond import back, say_what_was_decided
from photos.models import Photo


@require_safe
def photo(request: UserRequest, photo_id: int) -> HttpResponse:
    photos = Photo.objects.owned_by(request.user)
    photo = get_object_or_404(photos.select_related("owner"), pk=photo_id)
    faces = list(photo.faces.without_vectors().select_related("person", "suggestion__person").order_by("left", "pk"))
    waiting = [face for face in faces if not face.is_ignored]
    context = {
        "photo": photo,
        "faces": waiting,
        "ignored": [face for face in faces if face.is_ignored],
        "named_count": sum(face.person_id is not None for face in waiting),
        "newer": _neighbour(photo, newer=True),
        "older": _neighbour(photo, newer=False),
        "albums": photo.albums.all(),
        "faces_text": _faces_text(photo, faces),
        "alt_text": _alt_text(photo, waiting),
        "is_repeat": len(waiting) > 1 and bool(answers.repeated(photo)),
        "not_found": names_not_found(photo),
    }
    return render(request, "people/photo.html", context)


@require_POST
def repeat(request: UserRequest, photo_id: int) -> HttpResponse:
    """Say whether a photo shows somebody more than once: then two of its faces may bear one name."""
    photos = Photo.objects.owned_by(request.user)
    photo = get_object_or_404(photos.select_related("owner"), pk=photo_id)
    if request.POST.get("repeat") == "yes":
        say_what_was_decided(request, answers.repeat(photo, actor=request.user))
    elif ledger.undo_all(answers.repeated(photo), actor=request.user):
        messages.success(request, _("Everybody is in this photo once."))
    else:
        say_what_was_decided(request, None)
    return back(request, photo.get_absolute_url())


def _neighbour(photo: Photo, *, newer: bool) -> Photo | None:
    photos = Photo.objects.filter(owner=photo.owner_id)
    if not newer:
        return photos.older_than(photo.taken_at, photo.pk).newest_first().first()
    later = photos.filter(taken_at__gt=photo.taken_at)
    same_moment = photos.filter(taken_at=photo.taken_at, pk__gt=photo.pk)
    return (later | same_moment).order_by("taken_at", "pk").first()


def _faces_text(photo: Photo, faces: list[Face]) -> str:
    """Why the list of faces is as it is, when it is empty."""
    if faces:
        return ""
    if photo.failure:
        return photo.failure_text
    if not photo.owner.allows_faces:
        return _("Face analysis is off.")
    if photo.stage in (Photo.Stage.DERIVATIVES, Photo.Stage.FACES):
        return _("Faces are still being looked for.")
    return _("No faces were found in this photo.")


def _alt_text(photo: Photo, faces: list[Face]) -> str:
    """The picture in words: "Ann, Bob and 2 unnamed people, 3 May 2024"."""
    parts = [face.person.name for face in faces if face.person]
    unnamed = sum(face.person is None for face in faces)
    if unnamed:
        parts.append(ngettext("%(n)s unnamed person", "%(n)s unnamed people", unnamed) % {"n": unnamed})
    return f"{get_text_list(parts, _('and'))}, {date_format(photo.taken_at)}" if parts else photo.alt_text
