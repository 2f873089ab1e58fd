"""A batch: what one user sent at one time, what became of each file, and how far the work is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from photos.addresses import address_of
from photos.models.album import Album
from photos.models.photo import Photo, PhotoQuerySet
from photos.sentences import in_words

if TYPE_CHECKING:
    from photos.models.archive import Archive

# Too little has happened before this to say how long the rest takes.
FORECAST_AFTER = timedelta(seconds=10)
BROKEN_OFF_AFTER = timedelta(minutes=10)
UNTITLED = "Photos"  # as it is stored: of a batch that goes into no album


@dataclass(frozen=True)
class Progress:
    """How far a batch is, counted in the database: it survives a reload and a restart."""

    total: int
    kept: int  # of the total, what is no duplicate, not left out and not in the trash: the goal of the later stages
    uploaded: int
    stored: int
    thumbnails: int
    faces: int
    grouped: int
    duplicates: int
    rejected: int
    failed: int
    unfinished: int  # photos that something is still to be done with
    unpacking: int  # archives that are not taken apart yet
    faces_off: bool
    is_done: bool
    minutes_left_text: str


class BatchQuerySet(models.QuerySet["Batch"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def may_go_on(self) -> Self:
        """Without those that are surely done: to count how far each is takes a look at all its photos."""
        since = timezone.now() - BROKEN_OFF_AFTER
        files = BatchFile.objects.filter(batch=models.OuterRef("pk"))
        unfinished = Photo.objects.filter(failure="").exclude(stage=Photo.Stage.DONE).values("pk")
        worked_on = BatchFile.objects.filter(photo__in=unfinished).values("batch")
        return self.filter(
            models.Q(started_at__gt=since)
            | models.Exists(files.filter(arrived_at__gt=since))
            | models.Q(pk__in=worked_on)
            | models.Q(archives__finished_at=None, archives__isnull=False)
        ).distinct()


class Batch(models.Model):
    class State(models.TextChoices):
        """What its owner wants done with it."""

        RUNNING = "running", gettext_lazy("Running")
        PAUSED = "paused", gettext_lazy("Paused")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches")
    title = models.CharField(max_length=200)
    album = models.ForeignKey(Album, on_delete=models.SET_NULL, related_name="batches", null=True, blank=True)
    expected = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "batches"
        indexes = [
            # Asked for by every claim; hardly any batch is held.
            models.Index(fields=["state"], condition=~models.Q(state="running"), name="batch_held"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("photos:batch", self.pk)

    @property
    def is_paused(self) -> bool:
        return self.state == Batch.State.PAUSED

    @property
    def is_cancelled(self) -> bool:
        return self.state == Batch.State.CANCELLED

    @property
    def heading(self) -> str:
        """Its title, in the language of the page where it is not the user's own."""
        return _("Photos") if self.title == UNTITLED and self.album_id is None else self.title

    def photos(self) -> PhotoQuerySet:
        """The photos its files became or turned out to be, each once."""
        return Photo.objects.filter(pk__in=self.files.values("photo"))

    def record(
        self,
        name: str,
        outcome: "BatchFile.Outcome",
        *,
        photo: Photo | None,
        reason: str,
        sha256: str = "",
        archive: "Archive | None" = None,
    ) -> "BatchFile":
        """Note what became of one file. A file that is sent again replaces its own note.

        Sent again means the same name and the same content: two folders may both have
        an IMG_1.jpg. What was stored is never noted as a duplicate of itself.
        """
        news = {"outcome": outcome, "photo": photo, "reason": reason[:300]}
        defaults = news | {"archive": archive}
        file, is_new = self.files.get_or_create(name=name, sha256=sha256, defaults=defaults)
        if not is_new:
            same = BatchFile.objects.filter(pk=file.pk)
            if outcome == BatchFile.Outcome.DUPLICATE:
                same = same.exclude(outcome=BatchFile.Outcome.STORED)
            same.update(**news, arrived_at=timezone.now())
            file.refresh_from_db()
        return file

    def hold(self, state: "Batch.State") -> None:
        """Pause, cancel or go on. Cancelling keeps what is here: nothing more comes, and no more faces are sought."""
        self.state = state
        self.save(update_fields=["state"])
        if state == Batch.State.RUNNING:
            return
        self.archives.unfinished().update(lease_until=None, attempts=0)  # out of every hand
        if state == Batch.State.CANCELLED:
            for archive in self.archives.unfinished():
                archive.finish()

    def rename(self, title: str) -> None:
        """Give the batch and its album another name; "" takes its photos out of the album.

        An album that no other batch shares is renamed. Else, or where an album of the new
        name exists, the photos of this batch move.
        """
        with transaction.atomic():
            old = self.album
            new = Album.objects.filter(owner=self.owner, title=title).first() if title else None
            if old is not None and title and new is None and not old.batches.exclude(pk=self.pk).exists():
                old.title = title
                old.save(update_fields=["title"])
            elif old is None or title != old.title:
                if title and new is None:
                    new, _is_new = Album.objects.get_or_create(owner=self.owner, title=title)
                self._move(old, new)
            self.title = title or self.title
            self.save(update_fields=["title"])

    def _move(self, old: Album | None, new: Album | None) -> None:
        """First the batch, then its photos: what arrives meanwhile goes to the new album."""
        self.album = new
        self.save(update_fields=["album"])
        if new is not None:
            new.photos.add(*self.photos().values_list("pk", flat=True))
        if old is not None:
            added_here = self.files.filter(outcome=BatchFile.Outcome.STORED).values("photo")
            old.photos.remove(*Photo.objects.filter(pk__in=added_here))

    def progress(self) -> Progress:
        """Count how far the batch is, in three queries."""
        outcomes = {o: (files, last) for o, files, last in self._outcomes()}
        count = {outcome: outcomes.get(outcome, (0, None))[0] for outcome in BatchFile.Outcome}
        stages = self._stage_counts()
        unfinished = stages["unfinished"]
        uploaded = sum(count.values())
        archives = self.archives.aggregate(
            files=models.Sum("file_count", default=0),
            all=models.Count("pk"),
            unpacking=models.Count("pk", filter=models.Q(finished_at=None)),
        )
        # The browser counted each archive as one file.
        expected = self.expected - archives["all"] + archives["files"]
        if self.is_cancelled or (self._is_broken_off(outcomes) and not archives["unpacking"]):
            expected = uploaded
        unwanted = count[BatchFile.Outcome.DUPLICATE] + count[BatchFile.Outcome.REJECTED]
        kept = max(expected, uploaded) - unwanted - stages.pop("in_trash")
        is_waited_for = self.state == Batch.State.RUNNING
        is_done = self.is_cancelled or (uploaded >= expected and not unfinished and not archives["unpacking"])
        return Progress(
            total=max(expected, uploaded),
            kept=kept,
            uploaded=uploaded,
            stored=count[BatchFile.Outcome.STORED],
            duplicates=count[BatchFile.Outcome.DUPLICATE],
            rejected=count[BatchFile.Outcome.REJECTED],
            unpacking=archives["unpacking"],
            faces_off=not self.owner.allows_faces,
            is_done=is_done,
            minutes_left_text=self._minutes_left_text(stages, kept) if is_waited_for and not is_done else "",
            **stages,
        )

    def _outcomes(self) -> "models.QuerySet[BatchFile, tuple[str, int, datetime]]":
        files = self.files.values_list("outcome").order_by()
        return files.annotate(models.Count("pk"), models.Max("arrived_at"))

    def _is_broken_off(self, outcomes: dict[str, tuple[int, datetime]]) -> bool:
        """Whether nothing has arrived for so long that nothing more will: the browser was closed."""
        last = max((last for _, last in outcomes.values()), default=self.started_at)
        return timezone.now() - last > BROKEN_OFF_AFTER

    def _stage_counts(self) -> dict[str, int]:
        stage = Photo.Stage
        has_end = models.Q(stage=stage.DONE) if self.owner.allows_faces else ~models.Q(small="")

        def reached(*stages: str) -> models.Count:
            return count(models.Q(stage__in=stages, failure=""))

        def count(wanted: models.Q) -> models.Count:
            return models.Count("pk", filter=wanted & models.Q(trashed_at=None))

        photos = Photo.everywhere.filter(batch_files__batch=self, batch_files__outcome=BatchFile.Outcome.STORED)
        return photos.aggregate(
            thumbnails=count(~models.Q(small="")),
            faces=reached(stage.GROUPING, stage.DONE),
            grouped=reached(stage.DONE),
            failed=count(~models.Q(failure="")),
            unfinished=count(models.Q(failure="") & ~has_end),
            in_trash=models.Count("pk", filter=models.Q(trashed_at__isnull=False)),
        )

    def _minutes_left_text(self, stages: dict[str, int], kept: int) -> str:
        """Forecast from the pace so far of the slowest stage, the faces."""
        elapsed = timezone.now() - self.started_at
        finished = stages["faces"] if self.owner.allows_faces else stages["thumbnails"]
        if elapsed < FORECAST_AFTER or not finished:
            return ""
        missing = kept - finished - stages["failed"]
        minutes = round(elapsed.total_seconds() / finished * max(missing, 0) / 60)
        if minutes < 1:
            return _("Less than a minute left")
        return ngettext("About %(n)s minute left", "About %(n)s minutes left", minutes) % {"n": minutes}


class BatchFile(models.Model):
    """What became of one file of a batch."""

    class Outcome(models.TextChoices):
        STORED = "stored", gettext_lazy("Added")
        DUPLICATE = "duplicate", gettext_lazy("Already in your library")
        REJECTED = "rejected", gettext_lazy("Left out")

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True)
    arrived_at = models.DateTimeField(auto_now=True)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="batch_files", null=True, blank=True)
    # Where it was packed in; None for a file that was sent as it is.
    archive = models.ForeignKey(
        "photos.Archive", on_delete=models.SET_NULL, related_name="files", null=True, blank=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "name", "sha256"], name="a_batch_has_each_file_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def reason_text(self) -> str:
        """Why it was left out, in the language of the page."""
        return in_words(self.reason)
