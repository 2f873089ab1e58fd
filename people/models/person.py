"""A person somebody gave a name."""

import unicodedata
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from pgvector.django import CosineDistance

from accounts.models import User
from people.models.counting import LeastOf
from photos.addresses import address_of

if TYPE_CHECKING:
    from people.models.face import Face

CLEAREST = 8  # faces of a person that stand for all of them where a page cannot wait


def fold(name: str) -> str:
    """Return a name as search compares it: without case, accents or extra spaces.

    The embedded PostgreSQL has no unaccent extension, so names are folded here.
    """
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in letters if not unicodedata.combining(c) and unicodedata.category(c) != "Cc")
    # NFKD leaves letters whose stroke is part of the letter.
    return " ".join(plain.casefold().translate(_STROKED).split())


_STROKED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "\u0131": "i"})


class PersonQuerySet(models.QuerySet["Person"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def with_faces(self) -> Self:
        """People somebody's face still bears the name of; others only live on in the ledger."""
        return self.filter(tally__faces__gt=0)

    def named_like(self, text: str) -> Self:
        """People one of whose names starts with this text; accents and case do not matter."""
        folded = fold(text)
        starts = models.Q(folded_name__startswith=folded)
        return self.filter(starts | models.Q(folded_name__contains=f" {folded}"))

    def namesakes(self, name: str) -> Self:
        """People with faces whose name is this one but for case and accents; those of most faces first."""
        return self.filter(folded_name=fold(name)).with_faces().with_face_count().order_by("-face_count", "pk")

    def named_exactly(self, name: str) -> Self:
        """People of this name; those who have faces first."""
        return self.filter(name__iexact=name).order_by(models.F("tally__person").asc(nulls_last=True), "pk")

    def with_face_count(self) -> Self:
        return self.annotate(face_count=Coalesce("tally__faces", 0))

    def with_photo_count(self) -> Self:
        return self.annotate(photo_count=Coalesce("tally__photos", 0))

    def most_like(self, probe: "Face") -> Self:
        """People by `distance`: cosine, from the probe to the nearest of their clearest confirmed faces.

        Not to all of their faces: of a hundred thousand that takes most of a second, and a page waits for it.
        """
        from people.models.face import Face

        theirs = Face.objects.gallery().embedded_by(probe.model).filter(person=models.OuterRef("pk"))
        clearest = theirs.annotate(distance=CosineDistance("projection", probe.projection)).order_by("-quality", "pk")
        return self.annotate(distance=LeastOf(clearest.values("distance")[:CLEAREST])).order_by("distance", "pk")

    def best_match_first(self, text: str) -> Self:
        """For a naming box: who is called just so, then those of most faces."""
        is_exact = models.Case(models.When(folded_name=fold(text), then=0), default=1)
        return self.with_photo_count().with_face_count().order_by(is_exact, "-face_count", "folded_name", "pk")

    def most_faces_first(self) -> Self:
        return self.with_face_count().order_by("-face_count", "folded_name", "pk")


class Person(models.Model):
    """The same name may occur twice: nobody is merged because of a name."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="people")
    name = models.CharField(max_length=100)
    folded_name = models.TextField(editable=False)  # folding may make a name many times as long
    note = models.CharField(max_length=200, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    cover_face = models.ForeignKey("people.Face", on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    is_hidden = models.BooleanField(default=False)
    # The act by which they are hidden, or are to be seen again: undoing it says the opposite.
    hidden_by = models.ForeignKey("people.Decision", on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Names one showing of the form that made somebody of a name others bear: sent twice, it makes one person.
    form_key = models.CharField(max_length=40, blank=True, default="", editable=False)

    photo_count: int  # by with_photo_count()
    face_count: int  # by with_face_count()
    distance: float | None  # by most_like(); None without a face to compare
    cover: "Face | None"  # by attach_covers()
    together: int  # on the page of somebody else: photos that show both

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="a_person_has_a_name"),
            models.UniqueConstraint(
                fields=["owner", "form_key"], condition=~models.Q(form_key=""), name="a_form_makes_one_person"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **kwargs: object) -> None:
        self.folded_name = fold(self.name)
        super().save(**kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        return address_of("people:person", self.pk)
