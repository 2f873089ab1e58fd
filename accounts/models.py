"""Who uses Kith, and what they allowed it to do."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


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
    # A code of settings.LANGUAGES; empty: as the browser says.
    language = models.CharField(max_length=10, blank=True)

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
