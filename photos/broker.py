"""Sends wake-ups. Losing one costs half a minute: beat sends them again."""

import logging
import time

from celery import Task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from photos.faults import fault

logger = logging.getLogger(__name__)

# A broker that hangs costs seconds of each who asks it. Every thread asks again only after a while.
LEAVE_ALONE_SECONDS = 10.0

_asked_in_vain = float("-inf")  # when, on the monotonic clock, in this process


def send_wakeup(task: "Task[..., object]", *args: int, after: float = 0) -> None:
    """Tell a worker, after some seconds, that there is work; without a broker the work waits in PostgreSQL.

    Raises nothing: what was saved is saved, whatever the broker has. It is away, its disk is full, it was emptied.
    """
    global _asked_in_vain
    if time.monotonic() - _asked_in_vain < LEAVE_ALONE_SECONDS:
        return
    try:
        task.apply_async(args, countdown=after)
        fault("wakeup-sent")
    except (KombuError, RedisError, OSError, LookupError):
        _asked_in_vain = time.monotonic()
        logger.warning("The broker cannot be reached; %s is due later.", task.name)
