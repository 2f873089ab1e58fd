"""What every request passes before anything reads it, and headers that every answer bears."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# What a proxy says about who is in front of it.
FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
# A view that needs one of these says so itself.
NO_DEVICES = "camera=(), microphone=(), geolocation=()"
# What is not said to be public belongs to whoever is signed in: no cache keeps it, that of the browser neither.
NOT_KEPT = "private, no-store"


class ForwardedMiddleware:
    """Forgets what strangers say of themselves: only our proxy may, and it is a machine of this network."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (settings.KITH_HTTPS and _is_of_this_network(str(request.META.get("REMOTE_ADDR", "")))):
            for header in FORWARDED:
                request.META.pop(header, None)
        return self.get_response(request)


class HeadersMiddleware:
    """Says of every answer what a browser may do with it, unless its view has said so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", NO_DEVICES)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", NOT_KEPT)
        return response


def _is_of_this_network(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:  # a Unix socket has none
        return not address
