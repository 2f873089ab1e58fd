"""What those who keep Kith running ask it: is it ready, and how is it doing."""

import hmac
import os
import shutil
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from redis import Redis
from redis.exceptions import RedisError

from config import metrics as counts
from ml import weights
from photos import media_folder
from photos.face_model import wanted_face_model
from photos.models import Archive, Photo
from photos.workers import workers

LOOPBACK = ("127.0.0.1", "::1")
ASK_SECONDS = 1.0


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether Kith can do its work: 200 or 503. What is missing is for those who may know."""
    database, media = _database_answers(), _media_takes_files()
    is_ready = database and media
    answer: dict[str, Any] = {"ready": is_ready}
    if _may_know(request):
        answer |= {"database": database, "media": media, "free_bytes": _free_bytes(), "queue": _queue_answers()}
        answer["workers"] = {worker.queue: worker.is_alive for worker in workers()}
        answer["weights"] = _weights_are_there()
    return JsonResponse(answer, status=200 if is_ready else 503)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus; for others this address does not exist."""
    if not _may_know(request):
        return HttpResponseNotFound()
    return HttpResponse(counts.counted() + _state(), content_type=CONTENT_TYPE_LATEST)


def _may_know(request: HttpRequest) -> bool:
    """With the token who has it. Without one, programs of this machine, as long as it is nobody else's server."""
    if settings.KITH_METRICS_TOKEN:
        wanted = f"Bearer {settings.KITH_METRICS_TOKEN}".encode()
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(errors="replace"), wanted)
    return not settings.KITH_IS_ELSEWHERE and request.META.get("REMOTE_ADDR") in LOOPBACK


def _state() -> str:
    """How it is now, which no process needs to count."""
    present = counts.present
    text = present("kith_queue_up", "Whether the queue answers.", {"": float(_queue_answers())})
    text += present("kith_disk_free_bytes", "Free space for photos.", {"": _free_bytes()})
    alive = {worker.queue: float(worker.is_alive) for worker in workers()}
    text += present("kith_worker_up", "Whether a worker answers for a queue.", alive, "queue")
    try:
        waiting, failed, archives = _work_list()
    except DatabaseError:
        return text + present("kith_database_up", "Whether the database answers.", {"": 0})
    text += present("kith_database_up", "Whether the database answers.", {"": 1})
    text += present("kith_photos_waiting", "Photos that wait for a stage.", waiting, "stage")
    text += present("kith_photos_failed", "Photos that failed.", {"": failed})
    return text + present("kith_archives_waiting", "Archives to unpack.", {"": archives})


def _work_list() -> tuple[dict[str, float], int, int]:
    """Photos that wait, by stage; how many failed; archives that wait. Each from an index of only those."""
    rows = Photo.objects.exclude(stage=Photo.Stage.DONE).filter(failure="").order_by()
    counted = dict(rows.values_list("stage").annotate(count=Count("pk")))
    waiting = {str(stage): float(counted.get(stage, 0)) for stage in Photo.Stage if stage != Photo.Stage.DONE}
    return waiting, Photo.objects.filter(~Q(failure="")).count(), Archive.objects.unfinished().count()


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _queue_answers() -> bool:
    try:
        with Redis.from_url(
            settings.KITH_REDIS_URL, socket_connect_timeout=ASK_SECONDS, socket_timeout=ASK_SECONDS
        ) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _media_takes_files() -> bool:
    try:
        return os.access(settings.MEDIA_ROOT, os.W_OK) and not media_folder.trouble()
    except DatabaseError:  # a folder without its mark is told from an empty library by the rows
        return False


def _free_bytes() -> int:
    try:
        return shutil.disk_usage(settings.MEDIA_ROOT).free
    except OSError:
        return 0


def _weights_are_there() -> bool:
    try:
        return weights.missing(settings.KITH_MODELS, wanted_face_model()) is None
    except weights.WeightsUnavailable:
        return False
