"""The map of a library: where its people and groups lie, drawn by a worker and kept until there is a newer one."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

# The map's own units, and what a circle may stand for.
WIDTH, HEIGHT = 1600, 800
PERSON, GROUP = "person", "group"


class LibraryMap(models.Model):
    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="library_map"
    )
    # Of each circle, largest first: kind, pk, x, y and r, its radius.
    circles = models.JSONField(default=list)
    # Upkeep.suggestions_wanted when it was drawn: by now it may be out of date.
    wanted = models.PositiveBigIntegerField(default=0)
    drawn_at = models.DateTimeField()

    if TYPE_CHECKING:
        objects: "models.Manager[LibraryMap]"

    def __str__(self) -> str:
        return f"Map of {self.owner_id}"
