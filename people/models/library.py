"""What Kith learnt about an owner's faces as a whole, and what the owner lets it do by itself."""

from django.conf import settings
from django.db import models
from pgvector.django import VectorField


class Library(models.Model):
    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="library"
    )
    # The direction all faces of the library share (ml.projection.library_centre), taken away before comparing them.
    # Worked out anew only when the library has grown a lot: groups stay as they are in between.
    centre = VectorField(null=True, blank=True)
    centre_model = models.CharField(max_length=50, blank=True)
    centre_groups = models.PositiveIntegerField(default=0)  # it was worked out from so many
    # ml.calibration.Calibration as the library's own answers have it; nothing while there are too few.
    calibration = models.JSONField(null=True, blank=True)
    # Whether Kith may name faces by itself, and then at most one wrongly in how many.
    is_tagging = models.BooleanField(default=False)
    one_wrong_in = models.PositiveIntegerField(default=200)

    class Meta:
        verbose_name_plural = "libraries"
        constraints = [
            models.CheckConstraint(condition=models.Q(one_wrong_in__gte=2), name="an_error_budget_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"Library of {self.owner_id}"
