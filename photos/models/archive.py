"""A ZIP archive somebody sent: a row of the work list until everything in it was taken in."""

from functools import partial
from typing import Self

from django.db import models, transaction
from django.utils import timezone

from photos.models import leases
from photos.models.batch import Batch, BatchFile
from photos.models.photo import MAX_ATTEMPTS


class ArchiveQuerySet(models.QuerySet["Archive"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)

    def due(self) -> Self:
        """Archives that wait to be unpacked and are in nobody's hands."""
        return self.unfinished().filter(leases.is_free(), batch__state=Batch.State.RUNNING)

    def claim(self) -> "Archive | None":
        """Take one due archive into our hands. The attempt is committed before a byte of it is read."""
        with transaction.atomic():
            due = self.due().select_for_update(of=("self",), skip_locked=True)
            archive = due.order_by("attempts", "pk").first()
            if archive is None:
                return None
            Archive.objects.filter(pk=archive.pk).update(
                attempts=models.F("attempts") + 1,
                lease_until=leases.until(leases.LEASE),
                held_by=leases.Holder(),
            )
        return Archive.objects.select_related("batch__owner", "batch__album").get(pk=archive.pk)


class Archive(models.Model):
    """Its entries are taken in one after the other; `position` says how many have been dealt with."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="archives")
    name = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    file = models.FileField(max_length=200)
    # How many files of the batch it stands for: itself, until it is opened.
    file_count = models.PositiveIntegerField(default=1)
    position = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)  # at the entry at `position`
    lease_until = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=leases.LONGEST_NAME, blank=True, default="", db_default="")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "name", "sha256"], name="a_batch_has_each_archive_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_stopped_kith(self) -> bool:
        """Whether the entry at `position` has used up its attempts: each time the worker died over it."""
        return self.attempts > MAX_ATTEMPTS

    def opened(self, file_count: int) -> bool:
        """Note how many files are in it; return whether it is still ours."""
        self.file_count = file_count
        return bool(self._in_our_hands().update(file_count=file_count))

    def moved_on(self) -> bool:
        """Note that the entry at `position` was dealt with; return whether the archive is still ours."""
        self.position += 1
        self.attempts = 1
        return bool(self._in_our_hands().update(position=self.position, attempts=1))

    def hand_back(self) -> None:
        """Put a claimed archive back in line, as if this attempt had not been made."""
        self._in_our_hands().update(lease_until=None, attempts=models.F("attempts") - 1)

    def finish(self) -> None:
        """Nothing more is taken from it: its bytes go, and it stands for what came out of it."""
        with transaction.atomic():
            if self._unfinished().select_for_update().first() is None:
                return
            self.file_count = BatchFile.objects.filter(archive=self).count()
            self.finished_at = timezone.now()
            self.lease_until = None
            self.save(update_fields=["file_count", "finished_at", "lease_until"])
            transaction.on_commit(partial(self.file.storage.delete, str(self.file.name)))

    def _unfinished(self) -> ArchiveQuerySet:
        return Archive.objects.unfinished().filter(pk=self.pk)

    def _in_our_hands(self) -> ArchiveQuerySet:
        # A batch that is paused or cancelled takes its archives out of every hand.
        return self._unfinished().filter(lease_until=self.lease_until, batch__state=Batch.State.RUNNING)
