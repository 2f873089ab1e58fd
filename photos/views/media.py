"""Serves files of photos. Every byte goes through a check of who asks."""

from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from photos.models import Photo


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
    response["Content-Security-Policy"] = "sandbox"
    return response


def serve_picture(file: FieldFile, media_type: str) -> HttpResponseBase:
    """Answer with a picture Kith made itself; 404 while it does not exist."""
    return _file_response(file, media_type)


def _photo_of(request: UserRequest, photo_id: int) -> Photo:
    photos = Photo.everywhere.owned_by(request.user)  # the trash shows what is in it
    return get_object_or_404(photos.kept(), pk=photo_id)


def _file_response(file: FieldFile, media_type: str, *, download_as: str = "") -> HttpResponseBase:
    """A file that no cache keeps: not after it is deleted, and not for the next user of this browser."""
    if not file:
        raise Http404
    try:
        response = _sent(file, media_type, download_as)
    except (FileNotFoundError, SuspiciousFileOperation) as error:
        raise Http404 from error
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = "Cookie"
    return response


def _sent(file: FieldFile, media_type: str, download_as: str) -> HttpResponseBase:
    if settings.KITH_ACCEL:
        return _sent_by_proxy(file, media_type, download_as)
    return FileResponse(file.open("rb"), content_type=media_type, as_attachment=bool(download_as), filename=download_as)


def _sent_by_proxy(file: FieldFile, media_type: str, download_as: str) -> HttpResponse:
    """An answer without a body: the proxy sends the file in its place, which nobody can ask it for otherwise."""
    if not Path(file.path).exists():
        raise FileNotFoundError(file.name)
    response = HttpResponse(content_type=media_type)
    response["X-Accel-Redirect"] = quote(f"{settings.KITH_ACCEL}{file.name}")
    if disposition := content_disposition_header(bool(download_as), download_as):
        response["Content-Disposition"] = disposition
    return response
