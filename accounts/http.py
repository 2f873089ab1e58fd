"""The request as our views see it: from a signed-in user, and from which address."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class UserRequest(HttpRequest):
    """A request that passed LoginRequiredMiddleware."""

    user: User
    htmx: HtmxDetails


def client_address(request: HttpRequest) -> str:
    """Return who is at the other end, for counting wrong passwords.

    Behind our proxy that is the last hop it noted; without a proxy the header is
    whatever a stranger likes to claim, and is not read.
    """
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    noted = _address_in(forwarded.rsplit(",", 1)[-1].strip()) if settings.KITH_HTTPS else ""
    return noted or str(request.META.get("REMOTE_ADDR", ""))


def _address_in(text: str) -> str:
    """Return the IP address of "1.2.3.4", "1.2.3.4:5555", "::1" or "[::1]:5555"; "" if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
