"""Browsers a user is signed in with, and signing them out."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import UserRequest
from accounts.models import BrowserSession
from accounts.sessions import names_of

MOST_SHOWN = 50


@dataclass(frozen=True)
class SignedIn:
    """A browser somebody is signed in with. number: tells it from the others without giving its key away."""

    number: str
    browser: str
    system: str
    seen_at: datetime
    is_here: bool


def sessions_of(request: UserRequest) -> list[SignedIn]:
    """The user's sessions that still count: this one, then those used last."""
    rows = BrowserSession.objects.filter(user=request.user, expire_date__gt=timezone.now()).order_by("-seen_at")
    found = [
        SignedIn(number_of(row), *names_of(row.agent), row.seen_at, row.session_key == request.session.session_key)
        for row in rows[:MOST_SHOWN]
    ]
    return sorted(found, key=lambda session: not session.is_here)


def number_of(session: BrowserSession) -> str:
    """A name for a session that may stand in a page: whoever has its key is signed in."""
    return salted_hmac("accounts.session_views", session.session_key).hexdigest()[:20]


@require_POST
def end_session(request: UserRequest) -> HttpResponse:
    """Sign one other browser out."""
    wanted = request.POST.get("session", "")
    others = _others(request)
    ended = [row.pk for row in others if constant_time_compare(number_of(row), wanted)]
    BrowserSession.objects.filter(pk__in=ended).delete()
    messages.success(request, _("Signed out there.") if ended else _("That browser is signed out already."))
    return redirect("accounts:settings")


@require_POST
def end_other_sessions(request: UserRequest) -> HttpResponse:
    """Sign all browsers out but this one."""
    _others(request).delete()
    messages.success(request, _("Signed out everywhere else."))
    return redirect("accounts:settings")


def _others(request: UserRequest) -> "QuerySet[BrowserSession]":
    return BrowserSession.objects.filter(user=request.user).exclude(pk=request.session.session_key)
