"""What Kith is doing, on what, and what went wrong."""

import shutil

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.http import UserRequest
from ml import device
from ml.weights import WeightsUnavailable
from photos.face_model import current_face_model, wanted_face_model
from photos.models import Photo
from photos.sentences import in_words
from photos.workers import missing_weights_notice, workers

FAILED_SHOWN = 100


@require_safe
def status(request: UserRequest) -> HttpResponse:
    photos = Photo.objects.owned_by(request.user)
    # One look at all of them for every number of the page.
    sums = {"all": Count("pk"), "failed": Count("pk", filter=~Q(failure="")), "bytes": Sum("byte_size")}
    rows = photos.order_by().values_list("stage").annotate(**sums)
    counts = {stage: (count - failed, failed, size) for stage, count, failed, size in rows}
    waiting_and_failed = {stage: counts.get(stage, (0, 0, 0))[:2] for stage in Photo.Stage}
    context = {
        "workers": workers(),
        "model_text": _model_text(),
        "device_text": _device_text(),
        "stages": [
            (stage.label, *numbers) for stage, numbers in waiting_and_failed.items() if stage != Photo.Stage.DONE
        ],
        "photo_count": sum(sum(numbers) for numbers in waiting_and_failed.values()),
        "failed_count": sum(failed for _, failed in waiting_and_failed.values()),
        "failed_photos": photos.failed().order_by("pk")[:FAILED_SHOWN],
        "disk_lines": _disk_lines(sum(size for _, _, size in counts.values()) + _bytes_in_trash(request)),
        "notices": [notice for notice in [missing_weights_notice()] if notice],
    }
    return render(request, "photos/status.html", context)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


def _device_text() -> str:
    try:
        return in_words(device.describe_device(device.choose_device(settings.KITH_DEVICE)))
    except device.DeviceUnavailable as error:
        return str(error)


def _model_text() -> str:
    try:
        return in_words(current_face_model().description)
    except WeightsUnavailable:
        return wanted_face_model()


def _bytes_in_trash(request: UserRequest) -> int:
    in_trash = Photo.everywhere.owned_by(request.user).in_trash()
    return int(in_trash.aggregate(Sum("byte_size"))["byte_size__sum"] or 0)


def _disk_lines(originals: int) -> list[str]:
    """What the user's originals take, in bytes, what the database does, and how much is left."""
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        database = cursor.fetchone()[0]
    return [
        _("Your originals: %(size)s") % {"size": filesizeformat(originals)},
        _("Database, with the face data of everybody here: %(size)s") % {"size": filesizeformat(database)},
        _("Free: %(size)s") % {"size": filesizeformat(shutil.disk_usage(settings.MEDIA_ROOT).free)},
    ]
