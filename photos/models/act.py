"""What an owner did with photos, so that it can be taken back. Acts on faces are in the ledger of people."""

from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction

from accounts.models import User
from photos.models.album import Album
from photos.models.photo import Photo

SHOWN = 3  # photos of an act, in the history


class ActQuerySet(models.QuerySet["Act"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    @transaction.atomic
    def forget(self, photos: Collection[int]) -> None:
        """Take photos that are deleted for good out of all acts; what was about nothing else goes with them."""
        gone = set(photos)
        held = models.Q(photos__overlap=list(gone)) | models.Q(before__cover__in=list(gone))
        acts = list(self.filter(held).order_by("pk").select_for_update(of=("self",))) if gone else []
        for act in acts:
            act.photos = [pk for pk in act.photos if pk not in gone]
            if act.before.get("cover") in gone:
                act.before["cover"] = None
            if "dates" in act.before:
                act.before["dates"] = {pk: said for pk, said in act.before["dates"].items() if int(pk) not in gone}
        emptied = [act.pk for act in acts if not act.photos and act.verb in OF_PHOTOS]
        self.bulk_update([act for act in acts if act.pk not in emptied], ["photos", "before"], 500)
        self.filter(pk__in=emptied).delete()

    def briefly(self) -> Self:
        """Without the list of all photos, which may be long: `photo_count` and `first_photos` instead."""
        brief = self.defer("photos", "before")
        return brief.annotate(photo_count=models.F("photos__len"), first_photos=models.F(f"photos__0_{SHOWN}"))


OF_PHOTOS = ("trash", "restore", "favourite", "plain", "date", "add", "remove", "cover")  # not of albums alone


class Act(models.Model):
    """One act on photos. Its undo is noted here, once."""

    class Verb(models.TextChoices):
        TRASH = "trash", "moved to the trash"
        RESTORE = "restore", "restored"
        FAVOURITE = "favourite", "made favourites"
        PLAIN = "plain", "no longer favourites"
        DATE = "date", "given a date"
        ADD = "add", "added to an album"
        REMOVE = "remove", "removed from an album"
        COVER = "cover", "made a cover"
        RENAME = "rename", "renamed an album"
        DELETE = "delete", "deleted an album"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="acts")
    verb = models.CharField(max_length=9, choices=Verb)
    # Those it changed, as long as they are not deleted for good.
    photos = ArrayField(models.BigIntegerField(), default=list)
    album = models.ForeignKey(Album, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    album_title = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)  # what undo needs besides; photos.acts
    made_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    # Set by briefly().
    photo_count: int
    first_photos: list[int]
    # Set by people.chronicle, for the history.
    text: str  # what it did, in words
    shown: list[Photo]

    objects = ActQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["owner", "-id"], name="act_history")]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} ({self.pk})"
