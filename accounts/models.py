"""Who uses Kith, and what they allowed it to do."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """An owner of photos. Everything in Kith belongs to exactly one of them."""

    class FaceAnalysis(models.TextChoices):
        UNANSWERED = "unanswered", "Not answered yet"
        ON = "on", "Yes, find people"
        OFF = "off", "Not now"

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the device"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    # Face data is biometric: nothing is analysed until its owner has said yes.
    face_analysis = models.CharField(max_length=10, choices=FaceAnalysis, default=FaceAnalysis.UNANSWERED)
    theme = models.CharField(max_length=6, choices=Theme, default=Theme.SYSTEM)
    # Single keys, such as Y for yes, disturb some who speak to their computer or touch keys by accident (WCAG 2.1.4).
    uses_keys = models.BooleanField(default=True)

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
