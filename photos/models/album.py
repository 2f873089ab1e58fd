"""An album: a title and the photos somebody put under it."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce

from accounts.models import User
from photos.addresses import address_of
from photos.models.photo import Photo


class AlbumQuerySet(models.QuerySet["Album"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def with_newest_photo(self) -> Self:
        """Annotate photo_count and newest_photo, the cover of an album that was given none."""
        newest = Photo.objects.filter(albums=models.OuterRef("pk")).newest_first().values("pk")[:1]
        # Counted album by album, of those a page shows: a join counts all of them first.
        inside = Album.photos.through.objects.filter(album=models.OuterRef("pk"), photo__trashed_at=None)
        counted = inside.order_by().values("album").annotate(count=models.Count("pk")).values("count")  # type: ignore[misc]  # an annotation
        return self.annotate(
            photo_count=Coalesce(models.Subquery(counted), 0),
            newest_photo=models.Subquery(newest),
        )


class Album(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="albums")
    title = models.CharField(max_length=200)
    photos = models.ManyToManyField(Photo, related_name="albums", blank=True)
    cover = models.ForeignKey(Photo, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    photo_count: int  # by with_newest_photo()
    newest_photo: int | None
    shown_cover: Photo | None  # on the albums page

    objects = AlbumQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "title"], name="an_owner_has_each_album_title_once"),
            models.CheckConstraint(condition=~models.Q(title=""), name="an_album_has_a_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("photos:album", self.pk)
