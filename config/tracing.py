"""The number of the request or the task that is being worked on: every line of the log bears it."""

import logging
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config import metrics

request_number: ContextVar[str] = ContextVar("request_number", default="")
task_number: ContextVar[str] = ContextVar("task_number", default="")

HEADER = "X-Request-ID"
CARRIED = "kith_request"  # in the headers of a message

logger = logging.getLogger("config.tracing")

_started: dict[str, float] = {}  # task -> when, on the monotonic clock


class RequestMiddleware:
    """Gives each request a number, and notes how it went."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        started = time.monotonic()
        number = secrets.token_hex(4)
        before = request_number.set(number)
        try:
            response = self.get_response(request)
            response.headers[HEADER] = number
            _note_request(request, response.status_code, time.monotonic() - started)
        finally:
            request_number.reset(before)
        return response


def _note_request(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    view = match.view_name if match else ""
    metrics.note_request(view, status, seconds)
    # The pattern of the address, not the address: that may hold what nobody else should read.
    fields = {
        "method": request.method,
        "route": match.route if match else "",
        "status": status,
        "seconds": round(seconds, 4),
    }
    logger.info("request", extra={"fields": fields})


@before_task_publish.connect(dispatch_uid="messages carry the number of the request")
def carry_number(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and request_number.get():
        headers[CARRIED] = request_number.get()


@task_prerun.connect(dispatch_uid="tasks have a number")
def begin_task(task_id: str, task: Any, **kwargs: Any) -> None:
    task_number.set(task_id)
    request_number.set(getattr(task.request, CARRIED, None) or "")
    _started[task_id] = time.monotonic()


@task_postrun.connect(dispatch_uid="tasks are noted")
def end_task(task_id: str, task: Any, state: str | None = None, **kwargs: Any) -> None:
    seconds = time.monotonic() - _started.pop(task_id, time.monotonic())
    metrics.note_task(task.name, state or "", seconds)
    fields = {"name": task.name, "state": state, "seconds": round(seconds, 4)}
    logger.info("task", extra={"fields": fields})
    task_number.set("")
    request_number.set("")
