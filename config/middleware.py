"""Headers that every answer bears."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# A view that needs one of these says so itself.
NO_DEVICES = "camera=(), microphone=(), geolocation=()"


class PermissionsPolicyMiddleware:
    """Keeps camera, microphone and place away from pages that have no use for them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", NO_DEVICES)
        return response
