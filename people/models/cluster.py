"""A group of faces that look like one person nobody has named ("group" in the interface)."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models

from accounts.models import User
from people.models.counting import CountOf, PhotoCountOf
from photos.addresses import address_of

if TYPE_CHECKING:
    from people.models.face import Face

SMALLEST_GROUP = 2  # faces; a single one is a face without a name, not a group


class ClusterQuerySet(models.QuerySet["Cluster"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def with_counts(self) -> Self:
        """Annotate face_count and photo_count over the faces that still wait for a name."""
        from people.models.face import Face

        waiting = Face.objects.untagged().filter(cluster=models.OuterRef("pk"))
        return self.annotate(face_count=CountOf(waiting.values("cluster")), photo_count=PhotoCountOf(waiting))

    def waiting(self) -> Self:
        """Groups whose faces wait for a name, the largest first."""
        return self.with_counts().filter(face_count__gte=SMALLEST_GROUP).order_by("-face_count", "pk")

    def has_any_shown(self) -> bool:
        """Whether there is a group to name; without counting them."""
        from people.models.face import Face

        second = Face.objects.untagged().filter(cluster=models.OuterRef("pk")).order_by()[SMALLEST_GROUP - 1 :][:1]
        return self.filter(models.Exists(second), is_hidden=False).exists()

    def sizes(self) -> list[tuple[int, bool, int]]:
        """Of each group, the largest first: its primary key, whether it is hidden, how many faces wait in it."""
        by_size = self.with_counts().order_by("-face_count", "pk")  # type: ignore[misc]  # an annotation
        return list(by_size.values_list("pk", "is_hidden", "face_count"))  # type: ignore[misc]


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
