"""The request as our views see it: always from a signed-in user."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class UserRequest(HttpRequest):
    """A request that passed LoginRequiredMiddleware."""

    user: User
    htmx: HtmxDetails
