"""Who gets through, and in which language: a first visit makes its two steps first, and strangers sign in."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.sessions import note_seen

# Paths that work before there is anybody.
OPEN_PATHS = (settings.STATIC_URL, "/healthz", "/metrics", "/welcome/", "/language/", "/jsi18n/")
# They say nothing, or their address says in which language: no need to know who asks.
SPEECHLESS_PATHS = ("/healthz", "/metrics", "/jsi18n/")
SIGN_IN_AGAIN = _("Sign in again, then send it once more.")


class LanguageMiddleware(LocaleMiddleware):
    """Speaks the language the user chose; of who chose none, that of the cookie or the browser."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if _is_speechless(request):
            return
        language = getattr(request.user, "language", "")
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # Without our "Vary" a browser keeps what says the same to everybody.
        return response if _is_speechless(request) else super().process_response(request, response)


def _is_speechless(request: HttpRequest) -> bool:
    return request.path.startswith(SPEECHLESS_PATHS)


class FirstVisitMiddleware:
    """No user yet: make one. Signed in without an answer about faces: ask for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(OPEN_PATHS):
            if not request.user.is_authenticated and not User.objects.filter(deleted_at=None).exists():
                return redirect("accounts:welcome")
            if _is_page_view(request) and _owes_an_answer(request):
                return redirect("accounts:faces")
        return self.get_response(request)


def _is_page_view(request: HttpRequest) -> bool:
    """Whether a person looks at a whole page: no fragment, no picture, no action."""
    wants_html = "text/html" in request.headers.get("Accept", "text/html")
    return request.method == "GET" and wants_html and "HX-Request" not in request.headers


def _owes_an_answer(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and user.is_authenticated and user.face_analysis == User.FaceAnalysis.UNANSWERED


class SignedInMiddleware(LoginRequiredMiddleware):
    """Sends strangers to the sign-in page, and tells a script so, which would take that page for its answer."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], *arguments: Any
    ) -> HttpResponseBase | None:
        # Django looks first who asks: a query, and a "Vary", where it does not matter.
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, *arguments)

    def handle_no_permission(  # type: ignore[override]  # Django types its own answer, not what may be answered
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if "X-CSRFToken" in request.headers and "HX-Request" not in request.headers:
            return JsonResponse({"message": str(SIGN_IN_AGAIN)}, status=401)
        return super().handle_no_permission(request, view_func)


class SeenMiddleware:
    """Lets the list of sessions in Settings say when each was last used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_page_view(request) and not request.path.startswith(OPEN_PATHS) and request.user.is_authenticated:
            note_seen(request)
        return self.get_response(request)
