"""How many faces and photos people, groups and photos have: counted by PostgreSQL itself whenever faces are written.

Triggers on faces (people/migrations/0022) count again whatever a statement touched; nothing that writes faces can
forget to. Who has no face has no row. `people.integrity` compares them with the faces.
"""

from django.db import models

from people.models.cluster import Cluster
from people.models.person import Person
from photos.models import Photo


class PersonTally(models.Model):
    """Of a person, without what is in the trash."""

    # No constraint: the row goes with the last face, and that before the person.
    person = models.OneToOneField(
        Person, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="tally"
    )
    faces = models.PositiveIntegerField()
    photos = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.faces} faces of person {self.person_id}"


class GroupTally(models.Model):
    """Of a group: faces that wait for a name."""

    cluster = models.OneToOneField(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="tally"
    )
    faces = models.PositiveIntegerField()
    photos = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.faces} faces of group {self.cluster_id}"


class PhotoTally(models.Model):
    """Of a photo: faces that were not set aside, and those of them without a name."""

    photo = models.OneToOneField(
        Photo, on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="tally"
    )
    faces = models.PositiveSmallIntegerField()
    unnamed = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.faces} faces in photo {self.photo_id}"
