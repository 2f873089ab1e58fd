"""Whether somebody is there to do the work, and what is missing if not."""

from dataclasses import dataclass

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ml import weights
from photos.face_model import wanted_face_model
from photos.sentences import in_words

QUEUES = {
    "io": _("Thumbnails and suggestions"),
    "ml": _("Faces and groups"),
    "training": _("Learning from your answers"),
}
PHOTO_QUEUES = ("io", "ml")  # what a photo goes through
PING_SECONDS = 0.7
REMEMBER_SECONDS = 10


@dataclass(frozen=True)
class Worker:
    """One queue and whether a worker answers for it."""

    queue: str
    label: str
    is_alive: bool


def workers() -> list[Worker]:
    """Ask the workers who they are; what they said is remembered for a few seconds."""
    queues: set[str] = cache.get_or_set("worker-queues", _answering_queues, REMEMBER_SECONDS) or set()
    return [Worker(queue, str(label), queue in queues) for queue, label in QUEUES.items()]


def is_working(queue: str) -> bool:
    """Whether a worker answers for a queue."""
    return any(worker.queue == queue and worker.is_alive for worker in workers())


def missing_worker_notice() -> str:
    """A sentence for a page that waits for work to be done; "" when all is well."""
    sentence = missing_weights_notice()
    if sentence:
        return sentence
    if not all(worker.is_alive for worker in workers() if worker.queue in PHOTO_QUEUES):
        return gettext("Processing is paused. Photos you add wait in line.")
    return ""


def missing_weights_notice() -> str:
    try:
        missing = weights.missing(settings.KITH_MODELS, wanted_face_model())
    except weights.WeightsUnavailable as unknown:
        missing = str(unknown)
    return "" if missing is None else in_words(f"Faces cannot be found yet. {missing}")


def _answering_queues() -> set[str]:
    try:
        # The first answers come at once; only where they leave a queue out do we wait for more.
        answering = _ask(limit=len(QUEUES))
        return answering if answering >= QUEUES.keys() else answering | _ask(limit=None)
    except (OperationalError, RedisError, OSError):
        return set()


def _ask(limit: int | None) -> set[str]:
    answers = current_app.control.inspect(timeout=PING_SECONDS, limit=limit).active_queues() or {}
    return {queue["name"] for queues in answers.values() for queue in queues}
