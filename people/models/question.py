"""A question of the review queue, as the worker last ranked them: what the page shows next is one lookup."""

from typing import Self

from django.conf import settings
from django.db import models

from accounts.models import User
from people.models.cluster import Cluster
from people.models.person import Person


class QuestionQuerySet(models.QuerySet["Question"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def best_first(self) -> Self:
        return self.order_by("-worth", "pk")


class Question(models.Model):
    """Rewritten whenever groups or suggestions are; an answer takes away those it settles at once."""

    class Kind(models.TextChoices):
        PERSON = "person", "Is this Ann?"
        GROUP = "group", "Who is this?"
        SAME = "same", "Same person?"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="questions")
    kind = models.CharField(max_length=6, choices=Kind)
    # PERSON: the person. GROUP: the cluster. SAME: two clusters, or two people.
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    other_person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    other_cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    faces = models.PositiveIntegerField()  # that wait for this answer, and for those that follow it
    answers = models.FloatField()  # expected: a click for the question, and one for each face to untick
    worth = models.FloatField()  # faces settled per answer, expected, of what one screen shows
    is_stranger = models.BooleanField(default=False)  # a group seen once only: folded away, asked when all else is

    objects = QuestionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "is_stranger", "-worth"], name="question_queue")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.pk})"
