"""What has to be worked out again for an owner. In PostgreSQL, so that a lost message loses nothing."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)


def _pause_after(failures: int) -> timedelta:
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE)
    return pause


class UpkeepQuerySet(models.QuerySet["Upkeep"]):
    def want(self, owner_id: int, *, groups: bool) -> None:
        """Note, in the transaction of a change, that suggestions and perhaps groups are out of date."""
        counts = {"suggestions_wanted": F("suggestions_wanted") + 1, "groups_wanted": F("groups_wanted") + int(groups)}
        if not self.filter(pk=owner_id).update(**counts):
            self.get_or_create(owner_id=owner_id)
            self.filter(pk=owner_id).update(**counts)

    def hold(self, owner_id: int) -> None:
        """Take the owner's row until the transaction ends, after the faces and before what is counted of them.

        Whoever changes whose faces are holds it at the end: taken earlier, two of them do not wait for each other.
        """
        list(self.filter(pk=owner_id).select_for_update().values_list("pk"))

    def start_grouping(self, owner_id: int) -> None:
        """Put off the next run, ever longer, until this one says that it is done: it may be ended at any moment.

        Once it may be ended by anything, and is tried again at once.
        """
        upkeep, _ = self.get_or_create(owner_id=owner_id)
        pause = _pause_after(upkeep.failures) if upkeep.failures else timedelta()
        self.filter(pk=owner_id).update(failures=min(upkeep.failures + 1, 1000), retry_at=timezone.now() + pause)

    def fail_grouping(self, owner_id: int) -> None:
        """The run that was started has failed, by a fault of its own."""
        upkeep = self.get(owner_id=owner_id)
        self.filter(pk=owner_id).update(retry_at=timezone.now() + _pause_after(upkeep.failures))

    def interrupt_grouping(self, owner_id: int) -> None:
        """It did not fail: answers came faster. After the first pause it is tried again."""
        self.filter(pk=owner_id).update(failures=0, retry_at=timezone.now() + FIRST_PAUSE)

    def finish_grouping(self, owner_id: int) -> None:
        self.filter(pk=owner_id).update(failures=0, retry_at=None)

    def put_off(self) -> Self:
        """Those whose grouping failed and is not to be tried again yet."""
        return self.filter(retry_at__gt=timezone.now())

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
    # Grouping that fails is tried again ever later, not every half minute. Noted when it starts: its process may be
    # killed for the memory it takes.
    failures = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    objects = UpkeepQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Upkeep of {self.owner_id}"
