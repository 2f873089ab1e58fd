"""Sends wake-ups. Losing one costs half a minute: beat sends them again."""

import logging

from celery import Task
from kombu.exceptions import OperationalError

from photos.faults import fault

logger = logging.getLogger(__name__)


def send_wakeup(task: "Task[..., object]", *args: int, after: float = 0) -> None:
    """Tell a worker, after some seconds, that there is work; without a broker the work waits in PostgreSQL."""
    try:
        task.apply_async(args, countdown=after)
        fault("wakeup-sent")
    except OperationalError:
        logger.warning("The broker cannot be reached; %s is due later.", task.name)
