"""What the machine would say about a face, if it were asked. Only a user makes it a name."""

from typing import Self

from django.db import models

from accounts.models import User
from people.models.face import Face
from people.models.person import Person


class SuggestionQuerySet(models.QuerySet["Suggestion"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(face__photo__owner=user)


class Suggestion(models.Model):
    """One face, one person it may be. Rewritten whenever faces or answers change."""

    face = models.OneToOneField(Face, on_delete=models.CASCADE, related_name="suggestion")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="suggestions")
    probability = models.FloatField(default=0)  # calibrated: of a hundred suggestions of 0.9, ninety are right
    distance = models.FloatField()  # cosine, to the nearest confirmed face of the person
    nearest = models.ForeignKey(Face, on_delete=models.CASCADE, related_name="+")

    objects = SuggestionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Face {self.face_id} may be {self.person_id}"
