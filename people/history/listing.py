"""Which acts the history lists, and a few faces of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from people.models import Change, Decision, Face
from people.models.decision import DecisionQuerySet
from photos.models import Act
from photos.models.act import ActQuerySet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Verb = Decision.Verb

FACES_SHOWN = 3

# What the page offers to list, as its address says it, and in words.
KINDS: dict[str, tuple["StrOrPromise", tuple[Decision.Verb, ...]]] = {
    "names": (_("Names"), (Verb.CONFIRM, Verb.IMPORT, Verb.TAG, Verb.REMOVE)),
    "noes": (_("Noes"), (Verb.REJECT, Verb.DIFFERENT)),
    "merges": (_("Merges and splits"), (Verb.MERGE, Verb.SAME, Verb.SPLIT)),
    "groups": (_("Groups"), (Verb.REGROUP, Verb.REPEAT)),
    "aside": (_("Set aside"), (Verb.IGNORE, Verb.NO_FACE, Verb.SHOW, Verb.HIDE, Verb.UNHIDE)),
    "drawn": (_("Drawn"), (Verb.DRAW,)),
    "photos": (_("Photos"), ()),  # no decisions: acts of photos.acts
    "undone": (_("Undone"), (Verb.UNDO,)),
}


@dataclass(frozen=True)
class Filters:
    """What of the history is asked for. by: "you", "kith", or the primary key of another user; "" of everybody."""

    by: str = ""
    kind: str = ""
    person: int | None = None
    since: date | None = None
    until: date | None = None

    def of(self, owner: User) -> DecisionQuerySet:
        """The decisions, the latest first. Regroups come only when Kith or groups are asked for: there are many."""
        decisions = Decision.objects.owned_by(owner).order_by("-pk")
        if self.kind:
            decisions = decisions.filter(verb__in=KINDS[self.kind][1])
        elif self.by != "kith":
            decisions = decisions.exclude(verb=Verb.REGROUP)
        if self.by == "kith":
            decisions = decisions.filter(actor=None)
        elif self.by:
            decisions = decisions.filter(actor=owner.pk if self.by == "you" else int(self.by))
        if self.person is not None:
            decisions = decisions.filter(Q(person=self.person) | Q(other=self.person))
        if self.since is not None:
            decisions = decisions.filter(made_at__date__gte=self.since)
        if self.until is not None:
            decisions = decisions.filter(made_at__date__lte=self.until)
        return decisions

    def acts_of(self, owner: User) -> ActQuerySet:
        """The acts on photos, which only their owner does."""
        acts = Act.objects.owned_by(owner)
        if self.by not in ("", "you") or self.person is not None or self.kind not in ("", "photos", "undone"):
            return acts.none()
        if self.kind == "undone":
            acts = acts.filter(undone_at__isnull=False)
        if self.since is not None:
            acts = acts.filter(made_at__date__gte=self.since)
        if self.until is not None:
            acts = acts.filter(made_at__date__lte=self.until)
        return acts


def attach_faces(decisions: Sequence[Decision]) -> None:
    """Set `faces` on each decision: a few of those it touched."""
    place = Window(RowNumber(), partition_by=F("decision"), order_by=F("pk").asc())
    changes = Change.objects.filter(decision__in=decisions, face__isnull=False).annotate(place=place)
    pairs = list(changes.filter(place__lte=FACES_SHOWN).values_list("decision", "face"))
    faces = Face.objects.without_vectors().in_bulk({face for _, face in pairs})
    for decision in decisions:
        decision.faces = [faces[face] for pk, face in pairs if pk == decision.pk and face in faces]
