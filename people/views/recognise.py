"""Recognise: who is in a picture that is shown once, or in front of the camera. Nothing of it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.http import UserRequest
from accounts.models import User
from ml.checked_files import WeightsUnavailable
from ml.geometry import BoundingBox
from people import inquiry, turns
from people.covers import attach_covers
from people.model_change import is_changing
from people.models import Face, Person
from photos import decoding
from photos.face_model import current_face_model
from photos.intake import DISK_FULL, clean_name, inspect
from photos.sentences import in_words
from photos.uploading import IncomingFile, receives_files
from photos.workers import missing_weights_notice

SURE = 0.9
# What other pages may not: see config.middleware.
CAMERA_ALLOWED = "camera=(self), microphone=(), geolocation=()"

FACES_ARE_OFF = gettext_lazy("Face analysis is off, so Kith looks at no faces. You can turn it on in Settings.")
NO_PICTURE = gettext_lazy("Choose a picture.")
CHANGING = gettext_lazy("Kith is changing its model; some people are not known again yet.")
NO_DISK = gettext_lazy("Kith could not take this picture: its disk is full or has a problem.")


class Refused(Exception):
    """The picture is not looked at; the message is a sentence that says why."""

    def __init__(self, sentence: str, *, status: int, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class ShownFace:
    """A face as the page shows it. `key` stays the same for the same person from frame to frame."""

    key: str
    box: BoundingBox
    person: Person | None = None
    is_sure: bool = False
    is_hidden: bool = False
    percent: int = 0
    alike: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """How the look draws it: solid, dashed or dotted."""
        if self.person is None:
            return "unknown"
        return "yes" if self.is_sure else "ask"

    @property
    def top(self) -> float:
        return self.box.top

    @property
    def height(self) -> float:
        return self.box.height


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@csrf_exempt  # _look checks the token, when it is known who asks
def recognise(request: UserRequest) -> HttpResponseBase:
    response = _look(request) if request.method == "POST" else _page(request)
    response["Permissions-Policy"] = CAMERA_ALLOWED
    return response


@receives_files
def _look(request: UserRequest) -> HttpResponse:
    """Answer a script with JSON, and a form without JavaScript with the page."""
    is_script = not request.accepts("text/html")
    try:
        faces = _faces_in_picture(request)
    except Refused as refused:
        response: HttpResponse = (
            JsonResponse({"message": str(refused)}, status=refused.status)
            if is_script
            else _page(request, status=refused.status, error=str(refused))
        )
        if refused.retry_after is not None:
            response["Retry-After"] = str(refused.retry_after)
        return response
    said = sentence(faces, is_model_changing=_is_model_changing(request.user, faces))
    if not is_script:
        return _page(request, faces=faces, sentence=said)
    return JsonResponse(
        {
            "sentence": said,
            "boxes": render_to_string("people/_seen_boxes.html", {"faces": faces}),
            "rows": render_to_string("people/_seen_rows.html", {"faces": faces, "with_crops": True}),
        }
    )


def _page(request: UserRequest, *, status: int = 200, **result: Any) -> HttpResponse:
    gallery = Face.objects.owned_by(request.user).gallery()
    context = {
        "has_people": gallery.filter(person__is_hidden=False).exists(),
        "notice": missing_weights_notice(),
        "pause": 60_000 // turns.PER_MINUTE,
    }
    return render(request, "people/recognise.html", context | result, status=status)


def _faces_in_picture(request: UserRequest) -> list[ShownFace]:
    """Let the picture through the gate of uploads and ask who is in it. Raises Refused."""
    if not request.user.allows_faces:
        raise Refused(str(FACES_ARE_OFF), status=403)
    incoming = cast(IncomingFile | None, request.FILES.get("picture"))
    if incoming is None:
        raise Refused(str(NO_PICTURE), status=400)
    try:
        with turns.turn_of(request.user):
            inspect(incoming)
            # A camera asks twice a second: it is told who somebody is, not whom they look like.
            answer = inquiry.ask(incoming, request.user, with_alike="alike" in request.POST)
    except turns.TooManyOthers as error:
        raise Refused(str(error), status=503, retry_after=error.retry_after) from error
    except turns.TooMany as error:
        raise Refused(str(error), status=429, retry_after=error.retry_after) from error
    except decoding.Rejected as error:
        name = clean_name(incoming.name or "") or _("This picture")
        reason = str(error).removesuffix(" and was left out").removesuffix(",")
        raise Refused(f"{name} {in_words(reason)}.", status=413 if incoming.is_too_large else 422) from error
    except inquiry.Unreadable as error:
        raise Refused(str(error), status=422) from error
    except inquiry.NoAnswer as error:
        raise Refused(str(error), status=503, retry_after=5) from error
    except OSError as error:
        raise Refused(str(NO_DISK), status=507 if error.errno in DISK_FULL else 500) from error
    return _shown(request, answer.faces)


def _shown(request: UserRequest, seen: Sequence[inquiry.SeenFace]) -> list[ShownFace]:
    """The faces with the people they are: this user's people, whatever the answer says."""
    people = Person.objects.owned_by(request.user).in_bulk([face.person for face in seen if face.person])
    attach_covers(list(people.values()))
    return [_shown_face(number, face, people.get(face.person or 0)) for number, face in enumerate(seen)]


def _shown_face(number: int, face: inquiry.SeenFace, person: Person | None) -> ShownFace:
    if person is None or person.is_hidden:
        return ShownFace(f"nobody-{number}", face.box, is_hidden=person is not None, alike=face.alike)
    # Never "100%": it is a probability.
    percent = min(round(100 * face.probability), 99)
    is_sure = face.probability >= SURE
    return ShownFace(f"person-{person.pk}", face.box, person, is_sure=is_sure, percent=percent, alike=face.alike)


def _is_model_changing(user: User, faces: Sequence[ShownFace]) -> bool:
    """Whether somebody may not be known only because his faces are of the model of before."""
    if all(face.person or face.is_hidden for face in faces):
        return False
    try:
        return is_changing(user.pk, current_face_model().name)
    except WeightsUnavailable:
        return False


def sentence(faces: Sequence[ShownFace], *, is_model_changing: bool = False) -> str:
    """What is seen in words: "3 faces: Ann, perhaps Bob and one you have not named." """
    said = _who(faces)
    return f"{said} {CHANGING}" if is_model_changing else said


def _who(faces: Sequence[ShownFace]) -> str:
    if not faces:
        return _("No face found in this picture.")
    count = ngettext("%(n)s face", "%(n)s faces", len(faces)) % {"n": len(faces)}
    parts = [_named(face) for face in faces if face.person]
    hidden = sum(face.is_hidden for face in faces)
    unnamed = len(faces) - len(parts) - hidden
    if not parts and not hidden:
        return _("%(faces)s: no one you have named.") % {"faces": count}
    if hidden:
        parts.append(ngettext("one you have hidden", "%(n)s you have hidden", hidden) % {"n": hidden})
    if unnamed:
        parts.append(ngettext("one you have not named", "%(n)s you have not named", unnamed) % {"n": unnamed})
    return f"{count}: {get_text_list(parts, _('and'))}."


def _named(face: ShownFace) -> str:
    return str(face.person) if face.is_sure else _("perhaps %(name)s") % {"name": face.person}
