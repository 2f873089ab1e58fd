"""One photo with its faces: the viewer's page, and acts on the photo as a whole."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import UserRequest
from ml.geometry import BoundingBox
from people import answers, drawing, ledger, tasks
from people.forms import BoxForm, primary_keys
from people.leafing import leaf_of, words_of
from people.models import Face
from people.photo_words import alt_text, date_source, exposure_text, faces_text, is_pending
from people.relinking import names_not_found
from people.views.respond import back, say_what_was_decided
from photos.broker import send_wakeup
from photos.models import Photo

MAP_WIDTH, MAP_HEIGHT = 800, 400  # tenths of degrees around the place


@dataclass(frozen=True)
class Place:
    """Where a photo was taken, as the small map draws it: tenths of degrees, x to the east and y to the south."""

    latitude: float
    longitude: float

    @property
    def x(self) -> int:
        return round(self.longitude * 10)

    @property
    def y(self) -> int:
        return round(-self.latitude * 10)

    @property
    def view_box(self) -> str:
        left = min(max(self.x - MAP_WIDTH // 2, -1800), 1800 - MAP_WIDTH)
        top = min(max(self.y - MAP_HEIGHT // 2, -900), 900 - MAP_HEIGHT)
        return f"{left} {top} {MAP_WIDTH} {MAP_HEIGHT}"

    @property
    def geo(self) -> str:
        return f"geo:{self.latitude:.6f},{self.longitude:.6f}"

    def __str__(self) -> str:
        north = _("N") if self.latitude >= 0 else _("S")
        east = _("E") if self.longitude >= 0 else _("W")
        return f"{abs(self.latitude):.4f}° {north}, {abs(self.longitude):.4f}° {east}"


@require_safe
def photo(request: UserRequest, photo_id: int) -> HttpResponse:
    photo = _photo_of(request, photo_id)
    faces = list(
        photo.faces.shown().without_vectors().select_related("person", "suggestion__person").order_by("left", "pk")
    )
    waiting = [face for face in faces if not face.is_ignored]
    scope = request.GET.get("in", "")
    leaf = leaf_of(request.user, photo, scope)
    alt = alt_text(photo, waiting)
    context = {
        "photo": photo,
        "leaf": leaf,
        "slides": leaf.slides(photo),
        "back_words": words_of(scope),
        "faces": waiting,
        "ignored": [face for face in faces if face.is_ignored],
        "others": _others(waiting),
        "named_count": sum(face.person_id is not None for face in waiting),
        "albums": photo.albums.all(),
        "faces_text": faces_text(photo, faces),
        "is_pending": is_pending(photo),
        "is_embedding": any(face.model == drawing.NOT_EMBEDDED for face in waiting),
        "alt_text": alt,
        "date_source": date_source(photo),
        "exposure_text": exposure_text(photo.exposure),
        "lens": (photo.exposure or {}).get("lens", ""),
        "place": _place(photo),
        "is_repeat": len(waiting) > 1 and bool(answers.repeated(photo)),
        "not_found": names_not_found(photo),
    }
    return render(request, "people/photo.html", context)


@require_POST
def repeat(request: UserRequest, photo_id: int) -> HttpResponse:
    """Say whether a photo shows somebody more than once: then two of its faces may bear one name."""
    photo = _photo_of(request, photo_id)
    if request.POST.get("repeat") == "yes":
        say_what_was_decided(request, answers.repeat(photo, actor=request.user))
    elif ledger.undo_all(answers.repeated(photo), actor=request.user):
        messages.success(request, _("Everybody is in this photo once."))
    else:
        say_what_was_decided(request, None)
    return back_to_photo(request, photo)


@require_POST
def draw(request: UserRequest, photo_id: int) -> HttpResponse:
    """Add a face the detector did not find; a worker embeds it in a moment."""
    photo = _photo_of(request, photo_id)
    form = BoxForm(request.POST)
    if not photo.owner.allows_faces:
        messages.error(request, _("Face analysis is off. Turn it on in Settings to draw faces."))
    elif not form.is_valid():
        messages.error(request, _("Draw a box around a face first."))
    else:
        try:
            _face, decision = drawing.draw(photo, BoundingBox(**form.cleaned_data), actor=request.user)
        except drawing.BadBox as error:
            messages.error(request, str(error))
        except Photo.DoesNotExist as error:  # trashed since
            raise Http404 from error
        else:
            send_wakeup(tasks.embed_again)
            say_what_was_decided(request, decision)
    return back_to_photo(request, photo)


@require_POST
def ignore_others(request: UserRequest, photo_id: int) -> HttpResponse:
    """Set aside the faces nobody named, of those the form shows: one decision."""
    photo = _photo_of(request, photo_id)
    shown = primary_keys(request.POST.getlist("faces"))
    faces = photo.faces.filter(pk__in=shown).values_list("pk", flat=True)
    say_what_was_decided(request, answers.ignore_waiting(request.user, faces, actor=request.user))
    return back_to_photo(request, photo)


def back_to_photo(request: UserRequest, photo: Photo) -> HttpResponse:
    """Answer an act in the viewer, in the list one leafs through."""
    query = request.GET.urlencode()
    return back(request, photo.get_absolute_url() + (f"?{query}" if query else ""))


def _photo_of(request: UserRequest, photo_id: int) -> Photo:
    return get_object_or_404(Photo.objects.owned_by(request.user).select_related("owner"), pk=photo_id)


def _others(faces: list[Face]) -> list[Face]:
    """Faces without name and suggestion, beside at least one that is somebody's: bystanders, perhaps."""
    unknown = [face for face in faces if face.person is None and not hasattr(face, "suggestion")]
    return unknown if len(unknown) > 1 or len(unknown) < len(faces) else []


def _place(photo: Photo) -> Place | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    return Place(photo.latitude, photo.longitude)
