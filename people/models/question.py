"""A question of the review queue, as the worker last ranked them: what the page shows next is one lookup."""

import re
from collections.abc import Collection
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import User
from people.models.cluster import Cluster
from people.models.face import Face, FaceQuerySet
from people.models.person import Person

# Of a person or group, and of the other one.
KEY = re.compile(r"([pg])([1-9]\d{0,17})-([1-9]\d{0,17})?")


class QuestionQuerySet(models.QuerySet["Question"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def open(self) -> Self:
        """Those that are asked by themselves: nobody hidden, no strangers."""
        # Few are hidden: looking those up is quicker than joining four tables, and every page counts the questions.
        people = Person.objects.filter(is_hidden=True).values("pk")
        groups = Cluster.objects.filter(is_hidden=True).values("pk")
        hidden = models.Q(person__in=people) | models.Q(other_person__in=people)
        hidden |= models.Q(cluster__in=groups) | models.Q(other_cluster__in=groups)
        return self.filter(is_stranger=False).exclude(hidden)

    def keyed(self, keys: Collection[str]) -> Self:
        """Those that were skipped or answered under these names; nonsense is nobody's."""
        found = [match for key in keys if (match := KEY.fullmatch(key))]
        people, clusters = ([int(match[2]) for match in found if match[1] == kind and not match[3]] for kind in "pg")
        about = Q(person__in=people, other_person=None) | Q(cluster__in=clusters, other_cluster=None)
        for match in found:
            if match[3]:
                one, other = ("person", "other_person") if match[1] == "p" else ("cluster", "other_cluster")
                about |= Q(**{one: int(match[2]), other: int(match[3])})
        return self.filter(about)

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
    is_needed = models.BooleanField(default=False)  # with those before it, until 95 % of the faces have their name
    is_stranger = models.BooleanField(default=False)  # a group seen on one day only: folded away until it comes again

    objects = QuestionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "is_stranger", "-worth"], name="question_queue")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.pk})"

    @property
    def people(self) -> list[Person]:
        """Whom it is about, as far as they have a name."""
        return [person for person in (self.person, self.other_person) if person]

    @property
    def clusters(self) -> list[Cluster]:
        return [cluster for cluster in (self.cluster, self.other_cluster) if cluster]

    @property
    def key(self) -> str:
        """What stays the same when the question is ranked anew: it was skipped under this name."""
        # KEY reads it.
        people = f"p{self.person_id}-{self.other_person_id or ''}" if self.person_id else ""
        groups = f"g{self.cluster_id}-{self.other_cluster_id or ''}" if self.cluster_id else ""
        return people + groups

    def sides(self) -> tuple[FaceQuerySet, FaceQuerySet]:
        """Of SAME, the faces of the two people, or those of the two groups that wait for a name."""
        if self.person_id:
            return Face.objects.filter(person=self.person_id), Face.objects.filter(person=self.other_person_id)
        waiting = Face.objects.untagged()
        return waiting.filter(cluster=self.cluster_id), waiting.filter(cluster=self.other_cluster_id)
