"""A group of faces that look like one person nobody has named ("group" in the interface)."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce

from accounts.models import User
from photos.addresses import address_of

if TYPE_CHECKING:
    from people.models.face import Face

SMALLEST_GROUP = 2  # faces; a single one is a face without a name, not a group


class ClusterQuerySet(models.QuerySet["Cluster"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def with_counts(self) -> Self:
        """Annotate face_count and photo_count over the faces that still wait for a name."""
        return self.annotate(face_count=Coalesce("tally__faces", 0), photo_count=Coalesce("tally__photos", 0))

    def waiting(self) -> Self:
        """Groups whose faces wait for a name, the largest first."""
        return self.with_counts().filter(tally__faces__gte=SMALLEST_GROUP).order_by("-face_count", "pk")

    def has_any_shown(self) -> bool:
        """Whether there is a group to name."""
        return self.filter(tally__faces__gte=SMALLEST_GROUP, is_hidden=False).exists()

    def sizes(self) -> list[tuple[int, bool, int]]:
        """Of each group, the largest first: its primary key, whether it is hidden, how many faces wait in it."""
        by_size = self.filter(tally__faces__gt=0).order_by("-tally__faces", "pk")
        return list(by_size.values_list("pk", "is_hidden", "tally__faces"))


class Cluster(models.Model):
    """Its id stays the same from one run of the grouping to the next, for as long as most of it lives."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="clusters")
    is_hidden = models.BooleanField(default=False)
    hidden_by = models.ForeignKey(  # as of Person; such a group outlives its faces
        "people.Decision", on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    face_count: int  # by with_counts()
    photo_count: int
    mosaic: "list[Face]"  # by attach_mosaics()

    objects = ClusterQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Group {self.pk}"

    def get_absolute_url(self) -> str:
        return address_of("people:group", self.pk)
