"""A part of the review queue: the questions about one person, or about faces of some photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from accounts.models import User
from people.forms import primary_keys
from people.models import Face, Person, Suggestion
from people.tiles import asked_as_somebodys
from photos.models import Batch

MOST_PHOTOS = 500  # in an address


@dataclass(frozen=True)
class Scope:
    """What is asked for: one person, the photos of one batch, or these photos. With none of them, everything."""

    person: Person | None = None
    batch: Batch | None = None
    photos: Sequence[int] = ()

    @classmethod
    def asked_for(cls, sent: QueryDict, owner: User, *, person_field: str = "person") -> "Scope":
        """Read it from an address or a form; what is not the owner's is left out."""
        person = Person.objects.owned_by(owner).filter(pk__in=primary_keys(sent.getlist(person_field)[:1])).first()
        batch = Batch.objects.filter(owner=owner, pk__in=primary_keys(sent.getlist("batch")[:1])).first()
        photos = primary_keys([pk for part in sent.getlist("photos") for pk in part.split(",")])
        return cls(person, batch, photos[:MOST_PHOTOS])

    def __bool__(self) -> bool:
        return bool(self.person or self.batch or self.photos)

    @property
    def query(self) -> str:
        """As an address has it; "" for everything."""
        return urlencode(self.fields)

    @property
    def fields(self) -> dict[str, str]:
        """As a form sends it."""
        fields = {"person": self.person and self.person.pk, "batch": self.batch and self.batch.pk}
        fields["photos"] = ",".join(map(str, self.photos)) or None  # type: ignore[assignment]
        return {name: str(value) for name, value in fields.items() if value}

    def within(self, owner: User) -> Q:
        """What holds of its questions."""
        about = Q()
        if self.person:
            about &= Q(person=self.person) | Q(other_person=self.person)
        if self.batch:
            about &= self._of_faces(owner, Q(photo__batch_files__batch=self.batch))
        if self.photos:
            about &= self._of_faces(owner, Q(photo__in=self.photos))
        return about

    def _of_faces(self, owner: User, among: Q) -> Q:
        faces = Face.objects.owned_by(owner).untagged().filter(among)
        suggested = Suggestion.objects.filter(asked_as_somebodys(), face__in=faces.values("pk"))
        groups = faces.filter(cluster__isnull=False).values("cluster")
        of_groups = Q(cluster__in=groups) | Q(other_cluster__in=groups)
        return of_groups | Q(kind="person", person__in=suggested.values("person"))
