"""The page of what nobody foresaw, and that of a database or a disk that is not there for the moment.

Neither shows a trace, only the number under which the log tells what happened.
"""

import errno
import logging
import sys
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from psycopg import errors as postgres

from config.database.base import NoAnswer
from config.tracing import request_number

RETRY_AFTER = "5"  # seconds
PAUSE = 1.0  # seconds; PostgreSQL is mostly back by then when it has lost one of its processes
LOOKS = ("GET", "HEAD")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

logger = logging.getLogger(__name__)


class RetryMiddleware:
    """Looks once more where a look failed because the database was just starting again: looking twice does no harm."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method in LOOKS and getattr(response, "may_pass", False):
            time.sleep(PAUSE)
            for connection in connections.all(initialized_only=True):
                connection.close_if_unusable_or_obsolete()
            response = self.get_response(request)
        return response


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    number = request_number.get()
    request.error_number = number  # type: ignore[attr-defined]
    if isinstance(error, (OperationalError, InterfaceError)):
        return _no_database(request, error, number)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return _disk_full(request, number)
    # Without context processors: they ask the database, which may be what broke.
    return HttpResponse(render_to_string("500.html", {"number": number}), status=500)


def _no_database(request: HttpRequest, error: Exception, number: str) -> HttpResponse:
    cause = error.__cause__
    kind = getattr(cause, "sqlstate", None) or type(cause or error).__name__
    logger.warning("The database did not answer (%s).", kind)
    with _language_without_a_user(request):
        sentence = _("Kith cannot reach its database at the moment. It tries again by itself; nothing is lost.")
        response = _answer(request, 503, _("One moment"), sentence, number)
    response["Retry-After"] = RETRY_AFTER
    response.may_pass = may_pass(cause)  # type: ignore[attr-defined]
    return response


def _disk_full(request: HttpRequest, number: str) -> HttpResponse:
    logger.error("The disk is full.")
    with _language_without_a_user(request):
        sentence = _("The disk is full. Your photos are safe; Kith goes on when there is space again.")
        response = _answer(request, 507, _("The disk is full"), sentence, number)
    response["Retry-After"] = RETRY_AFTER
    return response


def may_pass(cause: BaseException | None) -> bool:
    """Whether the same may work half a second later: a restart, a deadlock; not what took all of its time already."""
    lasting = (NoAnswer, postgres.ConnectionTimeout, postgres.QueryCanceled, postgres.LockNotAvailable)
    return not isinstance(cause, (*lasting, postgres.DiskFull))


def _answer(request: HttpRequest, status: int, title: str, sentence: str, number: str) -> HttpResponse:
    if _is_script(request):
        response: HttpResponse = JsonResponse({"message": sentence, "number": number}, status=status)
    else:
        # A form is not sent again by itself.
        context = {"title": title, "sentence": sentence, "number": number, "is_look": request.method in LOOKS}
        response = HttpResponse(render_to_string("unavailable.html", context), status=status)
    response._has_been_logged = True  # type: ignore[attr-defined]  # by us, in one line: a restart is no bug
    return response


def _is_script(request: HttpRequest) -> bool:
    """Whether a script of ours asks, which reads JSON. One that swaps parts of pages (htmx) does not."""
    return "X-CSRFToken" in request.headers and "HX-Request" not in request.headers


def _language_without_a_user(request: HttpRequest) -> "translation.override":
    return translation.override(translation.get_language_from_request(request))


class Numbered(logging.Filter):
    """Puts the number of an error page behind the line Django logs about it, before the trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        number = getattr(getattr(record, "request", None), "error_number", "")
        if number and "[error " not in str(record.msg):
            record.msg = f"{record.msg} [error {number}]"
        return True
