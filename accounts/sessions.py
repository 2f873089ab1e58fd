"""Where sessions are kept: Django's rows, with whose they are, and since when and with what browser."""

import time
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import BrowserSession, User

AGENT, SEEN = "agent", "seen"  # keys of a session
SEEN_AGAIN_AFTER = 600  # seconds; more often would write a row for every page

# What a User-Agent holds, and what it is called; the first that fits counts, for they all claim to be others, too.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        return BrowserSession

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        session: BrowserSession = super().create_model_instance(data)  # type: ignore[assignment]
        session.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        session.agent = str(data.get(AGENT, ""))[:300]
        return session


def names_of(agent: str) -> tuple[str, str]:
    """The browser and the system a User-Agent tells of; "" for what it does not."""
    browser, system = (next((name for part, name in known if part in agent), "") for known in (BROWSERS, SYSTEMS))
    return browser, system


def note_seen(request: HttpRequest) -> None:
    """Save the session now and then, so that its row says when it was last used."""
    now = int(time.time())
    if now - request.session.get(SEEN, 0) > SEEN_AGAIN_AFTER:
        request.session[SEEN] = now


@receiver(user_logged_in, dispatch_uid="note the browser of a session")
def note_browser(request: HttpRequest | None, user: User, **kwargs: object) -> None:
    if request is not None:
        request.session[AGENT] = request.META.get("HTTP_USER_AGENT", "")[:300]
        request.session[SEEN] = int(time.time())
