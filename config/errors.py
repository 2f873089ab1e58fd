"""The page of what nobody foresaw. It shows no trace, only the number under which the log tells what happened."""

import logging
import secrets

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string


def server_error(request: HttpRequest) -> HttpResponse:
    request.error_number = secrets.token_hex(4)  # type: ignore[attr-defined]
    # Without context processors: they ask the database, which may be what broke.
    return HttpResponseServerError(render_to_string("500.html", {"number": request.error_number}))  # type: ignore[attr-defined]


class Numbered(logging.Filter):
    """Puts the number of an error page behind the line Django logs about it, before the trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        number = getattr(getattr(record, "request", None), "error_number", "")
        if number and "[error " not in str(record.msg):
            record.msg = f"{record.msg} [error {number}]"
        return True
