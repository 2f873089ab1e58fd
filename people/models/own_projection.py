"""What Kith learnt of its own from an owner's answers, and how far it is with learning."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import User


class OwnProjection(models.Model):
    """A projection that was learnt from confirmed faces, never changed. People are identified by it, if it is in use
    (`Training`); groups stay on the projection of the face model."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_projections")
    model = models.CharField(max_length=50)  # whose embeddings it takes
    content = models.BinaryField()  # ml.own_projection.save_own
    # ml.own_projection.figures_of: what it finds, and how far its probabilities are off, beside the model's own.
    figures = models.JSONField()
    is_better = models.BooleanField()  # by more than chance
    made_at = models.DateTimeField(auto_now_add=True)

    if TYPE_CHECKING:
        objects: "models.Manager[OwnProjection]"

    def __str__(self) -> str:
        return f"Projection {self.pk} of {self.owner_id}"


class TrainingQuerySet(models.QuerySet["Training"]):
    def running(self) -> Self:
        """Those with something to be learnt, or to be put to use."""
        return self.exclude(state="")

    def unfinished(self) -> Self:
        """Those a worker has something to do for."""
        return self.filter(~Q(state="") | Q(is_clearing=True), owner__face_analysis=User.FaceAnalysis.ON)


class Training(models.Model):
    """How far learning is, which projection the faces hold rows of, and what the owner wants of it.

    Who changes more than one of projection, faces and this row locks this row first.
    """

    class State(models.TextChoices):
        RESTING = "", "Nothing to do"
        WANTED = "wanted", "To be learnt"
        LEARNING = "learning", "Being learnt"
        FILLING = "filling", "Faces get their rows of it"

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="training"
    )
    # What the owner said: whether what was learnt may be used. Nothing but the owner changes it.
    is_allowed = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State, default=State.RESTING, blank=True)
    share = models.FloatField(default=0)  # of what the state says, done
    starts = models.PositiveSmallIntegerField(default=0)  # of the same run: its process may be killed
    trouble = models.CharField(max_length=300, blank=True)  # why the last run ended without anything, a sentence
    # What the last run was about: by itself Kith learns again when there is a good deal more.
    tried_model = models.CharField(max_length=50, blank=True)
    tried_faces = models.PositiveIntegerField(default=0)

    latest = models.ForeignKey(OwnProjection, on_delete=models.RESTRICT, related_name="+", null=True, blank=True)
    # The one whose rows faces hold: up to the face of this key while they get them, then NULL for all. A face that came
    # later holds none until the next run of suggestions.
    filled = models.ForeignKey(OwnProjection, on_delete=models.RESTRICT, related_name="+", null=True, blank=True)
    filled_to = models.BigIntegerField(null=True, blank=True)
    is_used = models.BooleanField(default=False)
    is_clearing = models.BooleanField(default=False)  # rows of one that is gone are to be taken off the faces

    objects = TrainingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_used=False) | Q(filled__isnull=False, filled_to=None, is_clearing=False),
                name="only_a_projection_all_faces_hold_rows_of_is_used",
            ),
        ]

    def __str__(self) -> str:
        return f"Training of {self.owner_id}"

    @property
    def is_running(self) -> bool:
        return self.state != self.State.RESTING
