"""Who uses Kith, what they allowed it to do, and the browsers they are signed in with."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from accounts.sessions import SessionStore


class User(AbstractUser):
    """An owner of photos. Everything in Kith belongs to exactly one of them."""

    class FaceAnalysis(models.TextChoices):
        UNANSWERED = "unanswered", _("Not answered yet")
        ON = "on", _("Yes, find people")
        OFF = "off", _("Not now")

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    # Face data is biometric: nothing is analysed until its owner has said yes.
    face_analysis = models.CharField(max_length=10, choices=FaceAnalysis, default=FaceAnalysis.UNANSWERED)
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    # Single keys, such as Y for yes, disturb some who speak to their computer or touch keys by accident (WCAG 2.1.4).
    uses_keys = models.BooleanField(default=True)
    # A code of settings.LANGUAGES; empty: as the browser says.
    language = models.CharField(max_length=10, blank=True)

    # Since when the account is closed; a worker deletes what belongs to it, and then the account itself.
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(face_analysis__in=["unanswered", "on", "off"]),
                name="face_analysis_is_an_answer",
            ),
        ]

    @property
    def allows_faces(self) -> bool:
        return self.face_analysis == self.FaceAnalysis.ON


class BrowserSession(AbstractBaseSession):
    """A session that knows whose it is, so that its user can end it from elsewhere."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions", null=True)
    agent = models.CharField(max_length=300, blank=True)  # the User-Agent it began with
    seen_at = models.DateTimeField(auto_now=True)

    class Meta(AbstractBaseSession.Meta):
        verbose_name = "session"

    @classmethod
    def get_session_store_class(cls) -> "type[SessionStore]":
        from accounts.sessions import SessionStore

        return SessionStore
