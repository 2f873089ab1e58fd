"""A photo: an original that never changes, what is derived from it, how far that is, and whether it is in the trash."""

from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pgvector.django import BitField

from accounts.models import User
from photos.addresses import address_of
from photos.dates import day_in_words
from photos.models import leases
from photos.sentences import in_words

MAX_ATTEMPTS = 3
KEPT_IN_TRASH = timedelta(days=30)
# When a photo was put into the trash that was then deleted by hand: a worker takes it away as soon as it can.
DELETED_AT = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_PLACE = 200
GAVE_UP = "Kith stopped three times while working on this photo."

# The aspect ratios look.css has classes for, in tenths.
RATIO_TENTHS = (5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 25, 30)


class PhotoQuerySet(models.QuerySet["Photo"]):
    def owned_by(self, user: User) -> Self:
        """The only way views reach photos."""
        return self.filter(owner=user)

    def in_trash(self) -> Self:
        """Photos that can still be put back, of `everywhere`; the latest first."""
        since = timezone.now() - KEPT_IN_TRASH
        return self.filter(trashed_at__gt=since).order_by("-trashed_at", "-pk")

    def to_be_purged(self) -> Self:
        """Photos that were in the trash long enough, or were deleted by hand, of `everywhere`."""
        return self.filter(trashed_at__lte=timezone.now() - KEPT_IN_TRASH)

    def kept(self) -> Self:
        """Without those of `everywhere` that only wait for a worker to take them away."""
        return self.filter(models.Q(trashed_at=None) | models.Q(trashed_at__gt=timezone.now() - KEPT_IN_TRASH))

    def undated(self) -> Self:
        """Photos whose file says no date: they stand where they were added."""
        return self.filter(taken_at_source=Photo.DateSource.UPLOAD)

    def newest_first(self) -> Self:
        return self.order_by("-taken_at", "-pk")

    def older_than(self, taken_at: datetime, pk: int) -> Self:
        """What follows this place in newest_first()."""
        earlier = models.Q(taken_at__lt=taken_at) | models.Q(taken_at=taken_at, pk__lt=pk)
        return self.filter(earlier)

    def newer_than(self, taken_at: datetime, pk: int) -> Self:
        """What precedes this place in newest_first()."""
        return self.filter(models.Q(taken_at__gt=taken_at) | models.Q(taken_at=taken_at, pk__gt=pk))

    def at_stage(self, stage: "Photo.Stage") -> Self:
        return self.filter(stage=stage, failure="")

    def failed(self) -> Self:
        return self.exclude(failure="")

    def due(self, stage: "Photo.Stage") -> Self:
        """Photos that wait for this stage and are in nobody's hands."""
        photos = self.at_stage(stage).filter(leases.is_free())
        photos = photos.exclude(models.Exists(_in_held_batches(stage)))
        # Face data is biometric: photos of an owner who has not said yes just wait.
        if stage in (Photo.Stage.FACES, Photo.Stage.GROUPING):
            photos = photos.filter(owner__face_analysis=User.FaceAnalysis.ON)
        return photos

    def claim(self, stage: "Photo.Stage", *, limit: int) -> list["Photo"]:
        """Take up to `limit` photos that are due for a stage into our hands, as `lease` does."""
        return self.due(stage).lease(limit=limit)

    def lease(self, *, limit: int) -> list["Photo"]:
        """Take up to `limit` of these photos, all in nobody's hands, into ours for as long as the lease runs.

        The attempt is committed before anything is decoded. A photo that was in a
        worker's hands when it died comes back alone, so that it can only take itself down.
        """
        self.give_up()
        with transaction.atomic():
            due = self.select_for_update(of=("self",), skip_locked=True)
            claimed = list(due.filter(attempts=0).order_by("pk")[:limit])
            claimed = claimed or list(due.order_by("attempts", "pk")[:1])
            Photo.objects.filter(pk__in=[photo.pk for photo in claimed]).update(
                attempts=models.F("attempts") + 1,
                lease_until=leases.until(leases.LEASE),
                held_by=leases.Holder(),
            )
        leased = Photo.objects.select_related("owner").in_bulk([photo.pk for photo in claimed])
        return [leased[photo.pk] for photo in claimed if photo.pk in leased]

    def give_up(self) -> int:
        """Mark those that used up their attempts as failed, and return how many."""
        return self.filter(attempts__gte=MAX_ATTEMPTS).update(failure=GAVE_UP, lease_until=None)

    def retry(self) -> int:
        """Put failed photos back in line, and return how many."""
        return self.failed().update(failure="", attempts=0, lease_until=None)


class _PhotosInSight(models.Manager["Photo"]):
    """All photos but those in the trash: nothing but the trash itself knows about these."""

    def get_queryset(self) -> models.QuerySet["Photo"]:
        return super().get_queryset().filter(trashed_at=None)


PhotosInSight = _PhotosInSight.from_queryset(PhotoQuerySet)


def _in_held_batches(stage: "Photo.Stage") -> models.QuerySet[Any]:
    """Files of batches whose owner said not now. What is found already is still grouped."""
    from photos.models.batch import Batch, BatchFile

    held = {
        Photo.Stage.DERIVATIVES: [Batch.State.PAUSED],  # a cancelled batch still shows what it brought
        Photo.Stage.FACES: [Batch.State.PAUSED, Batch.State.CANCELLED],
    }
    files = BatchFile.objects.filter(photo=models.OuterRef("pk"), outcome=BatchFile.Outcome.STORED)
    return files.filter(batch__state__in=held.get(stage, []))


class Photo(models.Model):
    """One picture of one owner."""

    class Stage(models.TextChoices):
        """What has to be done next."""

        DERIVATIVES = "derivatives", gettext_lazy("Thumbnail")
        FACES = "faces", gettext_lazy("Faces")
        GROUPING = "grouping", gettext_lazy("Groups")
        DONE = "done", gettext_lazy("Done")

    class DateSource(models.TextChoices):
        CAMERA = "camera", gettext_lazy("The camera")
        UPLOAD = "upload", gettext_lazy("The upload")
        USER = "user", gettext_lazy("You")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="photos")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=50)
    original = models.FileField(max_length=200)
    byte_size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()  # of the upright image
    height = models.PositiveIntegerField()
    small = models.FileField(max_length=200, blank=True)
    large = models.FileField(max_length=200, blank=True)
    perceptual_hash = BitField(length=64, null=True, blank=True)

    # The camera's clock as it stood, kept as if it were UTC: a photo of 23:00 in Rome is of that day.
    taken_at = models.DateTimeField()
    taken_at_source = models.CharField(max_length=6, choices=DateSource, default=DateSource.UPLOAD)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    # The nearest town, its region and country (photos.places); None until a worker has looked it up.
    place = models.CharField(max_length=LONGEST_PLACE, null=True, blank=True)
    camera = models.CharField(max_length=100, blank=True)
    # As photos.decoding.metadata.read_metadata gives it; null of photos that were read before Kith kept it.
    exposure = models.JSONField(null=True, blank=True)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    is_favourite = models.BooleanField(default=False, db_default=False)
    trashed_at = models.DateTimeField(null=True, blank=True)

    stage = models.CharField(max_length=11, choices=Stage, default=Stage.DERIVATIVES)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=leases.LONGEST_NAME, blank=True, default="", db_default="")
    failure = models.CharField(max_length=200, blank=True)

    is_faceless = False  # on pages that found out

    objects = PhotosInSight()
    everywhere = PhotoQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sha256"], name="an_owner_has_each_photo_once"),
        ]
        indexes = [
            models.Index(
                fields=["owner", "-taken_at", "-id"],
                include=["taken_at_source"],  # of somebody's photos, the years of those with a date
                condition=models.Q(trashed_at=None),
                name="photo_timeline",
            ),
            models.Index(
                fields=["owner", "-taken_at", "-id"],
                condition=models.Q(trashed_at=None, is_favourite=True),
                name="photo_favourites",
            ),
            models.Index(
                fields=["owner", "-taken_at", "-id"],
                condition=models.Q(trashed_at=None, taken_at_source="upload"),
                name="photo_undated",
            ),
            models.Index(
                fields=["owner", "-trashed_at", "-id"],
                condition=models.Q(trashed_at__isnull=False),
                name="photo_trash",
            ),
            models.Index(fields=["owner", "place"], condition=models.Q(place__gt=""), name="photo_of_place"),
            models.Index(fields=["id"], condition=models.Q(latitude__isnull=False, place=None), name="photo_to_place"),
            models.Index(fields=["owner", "id"], condition=~models.Q(failure=""), name="photo_failed"),
            models.Index(
                fields=["stage", "attempts", "id"],
                condition=~models.Q(stage="done") & models.Q(failure=""),
                name="photo_work_list",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("people:photo", self.pk)

    def locked_in_our_hands(self) -> "Photo | None":
        """Lock the row and return it, or None when the photo is no longer ours to finish.

        Its lease ran out and somebody else took or finished it, or it was deleted.
        Must be called inside the transaction that writes the results.
        """
        return self._in_our_hands().select_for_update(of=("self",)).first()

    def hand_back(self, *, pause: timedelta | None = None) -> None:
        """Put a claimed photo back in line, for after a pause, as if it had not been claimed.

        One that was finished stays so.
        """
        lease_until = None if pause is None else leases.until(f"{pause.total_seconds()} s")
        self._in_our_hands().update(lease_until=lease_until, held_by="", attempts=models.F("attempts") - 1)

    def postpone(self, pause: timedelta) -> None:
        """Put a claimed photo back in line for after a pause; the attempt counts."""
        self._in_our_hands().update(lease_until=leases.until(f"{pause.total_seconds()} s"), held_by="")

    def advance(self, stage: "Photo.Stage") -> None:
        """Hand the photo on to the next stage, in the transaction that wrote the results."""
        self.stage = stage
        self.attempts = 0
        self.lease_until = None
        self.save(update_fields=["stage", "attempts", "lease_until"])

    def fail(self, reason: str) -> None:
        """Stop working on this photo until somebody asks for a retry."""
        self.failure = reason[:200]
        self.lease_until = None
        self.save(update_fields=["failure", "lease_until"])

    def _in_our_hands(self) -> PhotoQuerySet:
        # Without a lease it was taken from us before we looked, and is in nobody's hands.
        if self.lease_until is None:
            return Photo.objects.none()
        return Photo.objects.filter(pk=self.pk, stage=self.stage, lease_until=self.lease_until, failure="")

    @property
    def has_small(self) -> bool:
        return bool(self.small)

    @property
    def small_url(self) -> str:
        return address_of("photos:small", self.pk)

    @property
    def large_url(self) -> str:
        return address_of("photos:large", self.pk)

    @property
    def original_url(self) -> str:
        return address_of("photos:original", self.pk)

    @property
    def ratio_class(self) -> str:
        """The class that gives a justified row this photo's shape; "" is look.css's default, 1.5."""
        tenths = min(RATIO_TENTHS, key=lambda t: abs(t - 10 * self.width / self.height))
        return "" if tenths == 15 else f"r{tenths}"

    @property
    def day_text(self) -> str:
        return day_in_words(self.taken_at.date())

    @property
    def alt_text(self) -> str:
        if self.taken_at_source == self.DateSource.CAMERA:
            return _("Photo of %(day)s") % {"day": self.day_text}
        return _("Photo %(name)s") % {"name": self.name}

    @property
    def select_text(self) -> str:
        """The label of its tick. Not of the template: blocktranslate takes ten times as long, on pages of hundreds."""
        return _("Select: %(photo)s") % {"photo": self.alt_text}

    @property
    def failure_text(self) -> str:
        """Why the work on it ended, in the language of the page."""
        return in_words(self.failure)

    @property
    def town(self) -> str:
        """The nearest town alone."""
        return (self.place or "").partition(",")[0]

    @property
    def state_text(self) -> str:
        """What is still missing, in the words of the page; "" when nothing is."""
        if self.failure:
            return _("Failed")
        if self.stage == self.Stage.FACES and self.owner.allows_faces:
            return _("Faces pending")
        if self.is_faceless:
            return _("No faces")
        return ""
