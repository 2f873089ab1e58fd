"""Up to when the faces of an owner have been scored, and by what."""

from django.conf import settings
from django.db import models


class Scored(models.Model):
    """What the last run of suggestions went by. Without it the next one scores all faces that wait.

    horizon, identity: of the notes of faces (people.models.face_write); all written before has been seen.
    """

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="scored"
    )
    at = models.DateTimeField()  # before the faces were read
    horizon = models.BigIntegerField()
    identity = models.JSONField()
    basis = models.CharField(max_length=64)  # a digest of what all scores go by (people.rescoring)
    said = models.BinaryField()  # what users said that scores of single faces go by (people.spoken)
    means = models.BinaryField()  # of groups (people.group_means)
    confused = models.JSONField()  # pairs of people (people.separators)
    confirmed = models.PositiveIntegerField()  # faces
    answers = models.PositiveBigIntegerField()  # decisions of users there were, undone ones and all

    def __str__(self) -> str:
        return f"Scores of {self.owner_id}"
