"""Writes the ledger: the one way faces get, lose or change a name, and the way back.

Every act locks its faces, changes them and notes what each was before and after,
all in one transaction. Views, commands and the machine share it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

from django.db import transaction

from accounts.models import User
from people import signals
from people.models import Change, Cluster, Decision, Face, Person, Suggestion


@dataclass(frozen=True)
class FaceState:
    """What the ledger remembers of a face: whose it is, who said so, and where it waits."""

    person: int | None = None
    tagged_by: str = Face.TaggedBy.NOBODY
    is_ignored: bool = False
    cluster: int | None = None

    @classmethod
    def of(cls, face: Face) -> Self:
        return cls(face.person_id, face.tagged_by, face.is_ignored, face.cluster_id)

    def says_the_same_as(self, other: "FaceState") -> bool:
        """Whether both say the same about whose face it is; the groups may regroup meanwhile."""
        return replace(self, cluster=None) == replace(other, cluster=None)


@dataclass(frozen=True)
class Outcome:
    """What an act does to one face: a new state (None keeps it) and perhaps a person ruled out."""

    state: FaceState | None = None
    rejected: Person | None = None


@dataclass(frozen=True)
class Undone:
    """How an undo went: its own decision, and faces that were changed since and stay as they are."""

    decision: Decision | None
    restored: int
    stale: list[Face]


@transaction.atomic
def decide(
    owner: User,
    verb: Decision.Verb,
    outcomes: Mapping[int, Outcome],
    *,
    actor: User | None,
    person: Person | None = None,
) -> Decision | None:
    """Do one act on faces, by primary key, and return its decision; None when no face is left to act on."""
    faces = _locked_faces(owner, list(outcomes))
    if not faces:
        return None
    decision = Decision.objects.create(owner=owner, actor=actor, verb=verb, person=person)
    changes = [_change(decision, face, outcomes[face.pk]) for face in faces]
    Change.objects.bulk_create(changes)
    _drop_answered_suggestions(changes)
    _announce(owner)
    return decision


@transaction.atomic
def undo(decision: Decision, *, actor: User) -> Undone:
    """Take an act back, face by face. Twice does nothing; an undo can be undone, too."""
    decision = Decision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if not decision.is_in_force:
        return Undone(None, 0, [])
    changes = {c.face_id: c for c in decision.changes.all() if c.face_id is not None}
    faces = _locked_faces(decision.owner, list(changes))
    as_left = [f for f in faces if _is_as_left(f, changes[f.pk])]
    reversal = Decision.objects.create(
        owner=decision.owner,
        actor=actor,
        verb=Decision.Verb.UNDO,
        person=decision.person,
        undoes=decision,
    )
    Change.objects.bulk_create(
        _change(reversal, face, Outcome(_revived(decision.owner, changes[face.pk].before))) for face in as_left
    )
    _set_in_force(decision, False)
    if decision.undoes is not None:
        _set_in_force(decision.undoes, True)
    _announce(decision.owner)
    return Undone(reversal, len(as_left), [face for face in faces if face not in as_left])


def _locked_faces(owner: User, pks: list[int]) -> list[Face]:
    # In order of primary key: two acts on the same faces wait for each other instead of deadlocking.
    faces = Face.objects.owned_by(owner).filter(pk__in=pks).without_vectors()
    return list(faces.select_related("photo").select_for_update(of=("self",)).order_by("pk"))


def _change(decision: Decision, face: Face, outcome: Outcome) -> Change:
    """Put a face into its new state and return the note of it."""
    before = FaceState.of(face)
    after = outcome.state or before
    if after != before:
        face.person_id, face.tagged_by = after.person, after.tagged_by
        face.is_ignored, face.cluster_id = after.is_ignored, after.cluster
        face.save(update_fields=["person", "tagged_by", "is_ignored", "cluster"])
    return Change(
        decision=decision,
        face=face,
        photo_sha256=face.photo.sha256,
        box=[face.left, face.top, face.width, face.height],
        before=asdict(before),
        after=asdict(after),
        rejected=outcome.rejected,
    )


def _drop_answered_suggestions(changes: list[Change]) -> None:
    """Take back suggestions that were just answered: no page may ask again until a worker comes by."""
    for change in changes:
        state = FaceState(**change.after)
        suggestions = Suggestion.objects.filter(face=change.face_id)
        if state.person is None and not state.is_ignored:
            suggestions = suggestions.filter(person=change.rejected)
        suggestions.delete()


def _is_as_left(face: Face, change: Change) -> bool:
    return FaceState.of(face).says_the_same_as(FaceState(**change.after))


def _revived(owner: User, before: dict[str, object]) -> FaceState:
    """Return the state before, with its group if need be back under the same number."""
    state = FaceState(**before)  # type: ignore[arg-type]
    if state.cluster is not None:
        Cluster.objects.get_or_create(pk=state.cluster, defaults={"owner": owner})
    return state


def _set_in_force(decision: Decision, is_in_force: bool) -> None:
    decision.is_in_force = is_in_force
    decision.save(update_fields=["is_in_force"])


def _announce(owner: User) -> None:
    transaction.on_commit(lambda: signals.answers_changed.send(Decision, owner_id=owner.pk))
