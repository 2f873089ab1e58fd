"""The request as our views see it: from a signed-in user, and from which address."""

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
    if settings.KITH_HTTPS and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
