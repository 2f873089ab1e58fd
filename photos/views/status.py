"""What Kith is doing, on what, and what went wrong."""

import shutil
from pathlib import Path

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
from accounts.models import User
from ml import device
from ml.weights import WeightsUnavailable
from photos import media_folder
from photos.face_model import current_face_model, wanted_face_model
from photos.last_backup import last_backup
from photos.models import Photo
from photos.sentences import in_words
from photos.workers import missing_weights_notice, workers

FAILED_SHOWN = 100


@require_safe
def status(request: UserRequest) -> HttpResponse:
    photos = Photo.objects.owned_by(request.user)
    # One look at all of them for every number of the page.
    sums = {"all": Count("pk"), "failed": Count("pk", filter=~Q(failure=""))}
    rows = photos.order_by().values_list("stage").annotate(**sums)
    counts = {stage: (count - failed, failed) for stage, count, failed in rows}
    waiting_and_failed = {stage: counts.get(stage, (0, 0)) for stage in Photo.Stage}
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
        "disk_lines": _disk_lines(request.user),
        "last_backup": last_backup(),
        "notices": [notice for notice in [media_folder.trouble(), missing_weights_notice()] if notice],
    }
    return render(request, "photos/status.html", context)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database does, and the media folder is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if sentence := media_folder.trouble():
        return HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=503)
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


def _disk_lines(owner: User) -> list[str]:
    """What the user's originals take, what the database does, and how much is left."""
    kept = Photo.everywhere.owned_by(owner).kept()  # what is in the trash takes room, too
    originals = kept.aggregate(Sum("byte_size"))["byte_size__sum"] or 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        database = cursor.fetchone()[0]
    return [
        _("Your originals: %(size)s") % {"size": filesizeformat(originals)},
        _("Database, with the face data of everybody here: %(size)s") % {"size": filesizeformat(database)},
        _("Free: %(size)s") % {"size": filesizeformat(shutil.disk_usage(_where_media_are()).free)},
    ]


def _where_media_are() -> Path:
    """The media folder, or, as long as nothing made it, the one it will be in."""
    return next(folder for folder in (settings.MEDIA_ROOT, *settings.MEDIA_ROOT.parents) if folder.exists())
