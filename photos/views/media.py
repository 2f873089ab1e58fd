"""Serves files of photos. Every byte goes through a check of who asks."""

from django.core.exceptions import SuspiciousFileOperation
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from photos.models import Photo

# A derivative never changes under its address, but another user of this browser must not see it.
PRIVATE = "private, max-age=604800"


@require_safe
def small(request: UserRequest, photo_id: int) -> HttpResponseBase:
    return serve_picture(_photo_of(request, photo_id).small, "image/webp")


@require_safe
def large(request: UserRequest, photo_id: int) -> HttpResponseBase:
    return serve_picture(_photo_of(request, photo_id).large, "image/webp")


@require_safe
def original(request: UserRequest, photo_id: int) -> HttpResponseBase:
    return download_original(_photo_of(request, photo_id))


def download_original(photo: Photo) -> HttpResponseBase:
    """The file as it was uploaded, always as a download: it may be anything besides a picture."""
    response = _file_response(photo.original, photo.media_type, download_as=photo.name)
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = "sandbox"
    return response


def serve_picture(file: FieldFile, media_type: str) -> HttpResponseBase:
    """Answer with a picture Kith made itself; 404 while it does not exist."""
    response = _file_response(file, media_type)
    response["Cache-Control"] = PRIVATE
    response["Vary"] = "Cookie"
    return response


def _photo_of(request: UserRequest, photo_id: int) -> Photo:
    photos = Photo.everywhere.owned_by(request.user)  # the trash shows what is in it
    return get_object_or_404(photos.kept(), pk=photo_id)


def _file_response(file: FieldFile, media_type: str, *, download_as: str = "") -> FileResponse:
    if not file:
        raise Http404
    try:
        return FileResponse(
            file.open("rb"), content_type=media_type, as_attachment=bool(download_as), filename=download_as
        )
    except (FileNotFoundError, SuspiciousFileOperation) as error:
        raise Http404 from error
