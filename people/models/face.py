"""A face in a photo: where it is, what it looks like to the network, and whose it is."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from numpy.typing import NDArray
from pgvector.django import CosineDistance, HalfVectorField, VectorField

from accounts.models import User
from ml.geometry import BoundingBox
from people.models.cluster import Cluster
from people.models.person import Person
from photos.addresses import address_of
from photos.models import Photo

FARTHEST = 2.0  # of cosine distances
# The model of a face whose owner took the consent back: its vectors are zeros. With a new yes it is embedded again, as
# after a change of model.
ERASED = "erased"
WAITING = Q(person=None, is_ignored=False, is_away=False)


def crop_place(owner_id: int, sha256: str) -> tuple[str, str]:
    """The folder in which the pictures of a photo's faces are, and how their names begin."""
    return f"crops/{owner_id}/{sha256[:2]}", f"{sha256}-"


class FaceQuerySet(models.QuerySet["Face"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(photo__owner=user)

    def gallery(self) -> Self:
        """Faces whose identity a user confirmed: what probes are matched against."""
        return self.filter(tagged_by=Face.TaggedBy.USER)

    def untagged(self) -> Self:
        """Faces that wait for a name: nobody's yet, and not set aside."""
        return self.filter(WAITING)

    def embedded(self) -> Self:
        """Without those drawn by hand just now, which no model has seen yet."""
        return self.exclude(model="")

    def embedded_by(self, model: str) -> Self:
        """Faces with an embedding of this model: only they compare."""
        return self.filter(model=model)

    def not_embedded_by(self, model: str) -> Self:
        """Faces with an embedding of another model; less-or-greater, because an index finds no "not equal"."""
        return self.filter(Q(model__lt=model) | Q(model__gt=model))

    def people_near(
        self, probes: Sequence[NDArray[np.float32]], *, field: str = "projection"
    ) -> tuple[list[int], NDArray[np.float64]]:
        """People of these faces, and how far each probe is from each of them, in one query.

        Args:
            probes: projections; of one model, and the faces too. More than a thousand are more than PostgreSQL takes.
            field: the one of the faces that holds what the probes are compared with.

        Returns:
            Primary keys of people, ascending, and the cosine distance from each probe (row) to the nearest face of
            each person (column).
        """
        if not probes:
            return [], np.zeros((0, 0))
        columns = {f"d{number}": models.Min(CosineDistance(field, probe)) for number, probe in enumerate(probes)}
        people = self.filter(person__isnull=False).order_by("person_id").values("person").annotate(**columns)
        rows = list(people.values_list("person", *columns))
        distances = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), len(probes)).T
        # A row of zeros has no direction, and is near nobody.
        return [row[0] for row in rows], np.nan_to_num(distances, nan=FARTHEST)

    def shown(self) -> Self:
        """Without drawings that were taken back: of them only the ledger knows."""
        return self.exclude(is_drawn=True, is_no_face=True)

    def without_vectors(self) -> Self:
        """For pages: a row without its vectors is a tenth of the bytes."""
        return self.without_other_vectors().defer("projection")

    def without_other_vectors(self) -> Self:
        """The same with the projection: who else the first of these may be is asked by it."""
        return self.defer("embedding", "own_projection")


class _FacesInSight(models.Manager["Face"]):
    """All faces but those of photos in the trash: no page and no worker knows about these."""

    def get_queryset(self) -> models.QuerySet["Face"]:
        return super().get_queryset().filter(is_away=False)


FacesInSight = _FacesInSight.from_queryset(FaceQuerySet)


class Face(models.Model):
    class TaggedBy(models.TextChoices):
        NOBODY = "", "Nobody"
        USER = "user", "A user"
        MACHINE = "machine", "The machine"

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="faces")
    # Fractions of the upright image, 0 to 1.
    left = models.FloatField()
    top = models.FloatField()
    width = models.FloatField()
    height = models.FloatField()
    landmarks = ArrayField(models.FloatField(), size=10)  # x, y of eyes, nose, mouth corners
    detection_score = models.FloatField()
    quality = models.FloatField()
    embedding = VectorField(dimensions=512)  # as the network gave it, unit length
    # Centred, unit length: what search compares. 128-d for FaceNet; as many as it has for a model we know little of.
    projection = HalfVectorField()
    # By the library's own projection (Training.filled), if it has one; NULL where a face holds no row of it yet.
    own_projection = HalfVectorField(dimensions=128, null=True, blank=True)
    model = models.CharField(max_length=50)
    crop = models.FileField(max_length=200)

    # RESTRICT: a person with faces goes away by a decision that can be undone, not by a cascade.
    # Its index is face_of_person.
    person = models.ForeignKey(
        Person, on_delete=models.RESTRICT, related_name="faces", null=True, blank=True, db_index=False
    )
    tagged_by = models.CharField(max_length=7, choices=TaggedBy, default=TaggedBy.NOBODY, blank=True)
    is_ignored = models.BooleanField(default=False)
    # Set aside for good: what is in the box is no face. Of one drawn by hand also: the drawing was taken back.
    is_no_face = models.BooleanField(default=False, db_default=False)
    # By hand, where the detector saw nothing. Until a worker has embedded it, its model is empty and it has no crop.
    is_drawn = models.BooleanField(default=False, db_default=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.SET_NULL, related_name="faces", null=True, blank=True)
    # The model by whose projection grouping has looked at this face since it waits for a name; empty if it has not.
    # That it has no group says nothing: most strangers never get one, and are not to be placed with every photo.
    # PLACE_AGAIN also for one that has a group.
    PLACE_AGAIN = "again"
    grouped_by = models.CharField(max_length=50, default="", blank=True)
    # Its photo is in the trash (people.receivers): here too, for an index knows the columns of one table.
    is_away = models.BooleanField(default=False, db_default=False)

    age: int | None  # on its person's page: how old they are in the photo

    objects = FacesInSight()
    # With those that are away: for the ledger, whose acts must find faces again, and for what deletes faces.
    everywhere = FaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(person=None, tagged_by="") | (Q(person__isnull=False) & ~Q(tagged_by="")),
                name="a_tagged_face_says_who_tagged_it",
            ),
            models.CheckConstraint(
                condition=Q(person=None) | Q(is_ignored=False),
                name="an_ignored_face_bears_no_name",
            ),
            models.CheckConstraint(
                condition=Q(is_no_face=False) | Q(is_ignored=True),
                name="what_is_no_face_is_set_aside",
            ),
            models.CheckConstraint(
                condition=Q(person=None) | Q(cluster=None),
                name="a_named_face_is_in_no_group",
            ),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="a_face_has_an_area"),
        ]
        # What a library of 300,000 faces is counted and listed by, without reading the faces (docs/naming.md).
        indexes = [
            models.Index(fields=["model", "photo"], condition=Q(is_away=False), name="face_model"),
            models.Index(
                fields=["person", "-quality", "id"],
                # Not a condition: what deletes a person looks for all faces by it.
                include=["photo", "is_away"],
                condition=Q(person__isnull=False),
                name="face_of_person",
            ),
            models.Index(
                fields=["cluster", "-quality", "id"], include=["photo"], condition=WAITING, name="face_of_group"
            ),
            models.Index(
                fields=["-quality", "id"], include=["cluster", "photo"], condition=WAITING, name="face_waiting"
            ),
            models.Index(fields=["person"], condition=Q(tagged_by="machine"), name="face_named_by_machine"),
            # How many faces a photo shows, and whether they have names: search asks it of all photos.
            models.Index(
                fields=["photo"],
                include=["person"],
                condition=Q(is_away=False, is_ignored=False),
                name="face_shown_in_photo",
            ),
        ]

    def __str__(self) -> str:
        return f"Face {self.pk} in {self.photo_id}"

    @property
    def box(self) -> BoundingBox:
        return BoundingBox(self.left, self.top, self.width, self.height)

    @property
    def crop_url(self) -> str:
        return address_of("people:crop", self.pk)

    @property
    def is_confirmed(self) -> bool:
        return self.tagged_by == self.TaggedBy.USER
