"""What has to be worked out again for an owner. In PostgreSQL, so that a lost message loses nothing."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F


class UpkeepQuerySet(models.QuerySet["Upkeep"]):
    def want(self, owner_id: int, *, groups: bool) -> None:
        """Note, in the transaction of a change, that suggestions and perhaps groups are out of date."""
        self.get_or_create(owner_id=owner_id)
        self.filter(pk=owner_id).update(
            suggestions_wanted=F("suggestions_wanted") + 1, groups_wanted=F("groups_wanted") + int(groups)
        )

    def without_suggestions(self) -> Self:
        return self.filter(suggestions_made__lt=F("suggestions_wanted"))

    def without_groups(self) -> Self:
        return self.filter(groups_made__lt=F("groups_wanted"))


class Upkeep(models.Model):
    """Counts per owner: a change counts up what is wanted; who has worked it out sets made to what was wanted then."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="upkeep"
    )
    suggestions_wanted = models.PositiveBigIntegerField(default=0)
    suggestions_made = models.PositiveBigIntegerField(default=0)
    groups_wanted = models.PositiveBigIntegerField(default=0)
    groups_made = models.PositiveBigIntegerField(default=0)
    # Grouping that fails is tried again ever later, not every half minute.
    failures = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    objects = UpkeepQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Upkeep of {self.owner_id}"
