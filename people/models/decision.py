"""The ledger: every act on faces, with what each face was before and after."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import User
from people.models.face import Face
from people.models.person import Person

if TYPE_CHECKING:
    from people.history import Held


class DecisionQuerySet(models.QuerySet["Decision"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def hidden_counts(self) -> dict[int, tuple[int, int]]:
        """Of each act that hid people or groups, or showed them again: how many of both that are still there."""
        acts = self.filter(verb__in=(Decision.Verb.HIDE, Decision.Verb.UNHIDE))
        people, groups = (
            dict(acts.order_by().filter(**{f"{kind}__isnull": False}).values_list("pk").annotate(models.Count(kind)))
            for kind in ("hides_people", "hides_groups")
        )
        return {pk: (people.get(pk, 0), groups.get(pk, 0)) for pk in people.keys() | groups.keys()}

    def newest_regroup(self) -> int:
        """Primary key of the last act that moved faces between groups; 0 before the first."""
        regroups = self.filter(verb=Decision.Verb.REGROUP).order_by("-pk")
        return regroups.values_list("pk", flat=True).first() or 0


class Decision(models.Model):
    """One act of a user or of the machine. Undo is a later decision that reverses an earlier one."""

    class Verb(models.TextChoices):
        CONFIRM = "confirm", "confirmed"
        REJECT = "reject", "said no"
        IGNORE = "ignore", "set aside"
        SHOW = "show", "asked about again"
        NO_FACE = "no_face", "said this is no face"
        DRAW = "draw", "drew a face"
        REMOVE = "remove", "took the name off"
        MERGE = "merge", "merged"
        SPLIT = "split", "split"
        HIDE = "hide", "hid"
        UNHIDE = "unhide", "brought back"
        IMPORT = "import", "imported names"
        SAME = "same", "said these are one person"
        DIFFERENT = "different", "said these are two people"
        REPEAT = "repeat", "said a photo shows somebody more than once"
        REGROUP = "regroup", "grouped"
        TAG = "tag", "named by itself"
        UNDO = "undo", "undid"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="decisions")
    # Nobody: the machine.
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True)
    verb = models.CharField(max_length=10, choices=Verb)
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, related_name="decisions", null=True, blank=True)
    # Of an act on two people, the other one.
    other = models.ForeignKey(Person, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    # Of HIDE: whom it hid, and of UNHIDE: whom it showed again. Kept when that is undone, for doing it again.
    hides_people = models.ManyToManyField(Person, related_name="+")
    hides_groups = models.ManyToManyField("people.Cluster", related_name="+")
    undoes = models.ForeignKey("self", on_delete=models.CASCADE, related_name="undone_by", null=True, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    # False once a later decision took this one back; kept here so that constraints are one lookup.
    is_in_force = models.BooleanField(default=True)
    # Of an answer to a question: the card it was given on, as people.answered.CARD reads it. A card is answered once,
    # however often its answer arrives.
    card = models.CharField(max_length=60, blank=True, default="", db_default="")

    # Set by people.history, for its page.
    text: str  # what it did, in words
    root: "Decision"  # of an undo: what it is about, however often that was undone and done again
    is_redone: bool  # an undo of an undo, which does the act again
    faces: list[Face]  # a few of those it touched
    held: "list[Held]"  # what kept faces from following the undo

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["owner", "-id"], name="decision_history")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "card"], condition=~Q(card=""), name="a_card_is_answered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} ({self.pk})"


class ChangeQuerySet(models.QuerySet["Change"]):
    def rejections(self) -> Self:
        """Pairs of face and person that a user ruled out. They are never suggested again."""
        return self.filter(rejected__isnull=False, decision__is_in_force=True)


class Change(models.Model):
    """What one decision did to one face.

    The photo's hash and the box are kept beside the face: they find it again
    after a new detection or a change of model replaced its row.
    """

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="changes")
    face = models.ForeignKey(Face, on_delete=models.SET_NULL, related_name="changes", null=True, blank=True)
    photo_sha256 = models.CharField(max_length=64)
    box = models.JSONField()  # [left, top, width, height], fractions of the upright image
    before = models.JSONField()  # people.ledger.FaceState
    after = models.JSONField()
    rejected = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    # Of SAME and DIFFERENT: which of the two groups of faces this one was in, 1 or 2.
    side = models.PositiveSmallIntegerField(null=True, blank=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "face"],
                condition=Q(face__isnull=False),
                name="a_decision_changes_each_face_once",
            ),
        ]
        indexes = [
            # Faces to be found again, by the photo: few, and looked for with every photo that is stored.
            models.Index(fields=["photo_sha256"], condition=Q(face=None), name="change_without_face"),
        ]

    def __str__(self) -> str:
        return f"{self.decision_id} on face {self.face_id}"
