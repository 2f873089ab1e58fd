"""Writes the ledger: the one way faces get, lose or change a name, and the way back.

Every act locks its faces, changes them and notes what each was before and after,
all in one transaction. Views, commands and the machine share it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from typing import Self

from django.db import transaction

from accounts.models import User
from people import signals
from people.locks import Job, wait_for_lock
from people.models import Change, Cluster, Decision, Face, Person, Suggestion, Upkeep

BATCH = 1000  # faces saved by one query


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

    @property
    def waits_for_a_name(self) -> bool:
        return self.person is None and not self.is_ignored

    def says_the_same_as(self, other: "FaceState") -> bool:
        """Whether both say the same about whose face it is; the groups may regroup meanwhile."""
        return replace(self, cluster=None) == replace(other, cluster=None)


def _any(state: FaceState) -> bool:
    return True


@dataclass(frozen=True)
class Outcome:
    """What an act does to one face.

    state: its new state; None keeps it. rejected: a person ruled out. only_if: looked at once the face is locked, so
    that an act that was meant for another state (a stale page, a race) leaves the face alone.
    """

    state: FaceState | None = None
    rejected: Person | None = None
    only_if: Callable[[FaceState], bool] = _any


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
    """Do one act on faces, by primary key, and return its decision; None when it would change nothing."""
    faces = _locked_faces(owner, outcomes)
    ruled_out = rejected_pairs(owner.pk, faces=[face.pk for face in faces])
    faces = [face for face in faces if _says_something_new(face, outcomes[face.pk], ruled_out)]
    if not faces:
        return None
    decision = Decision.objects.create(owner=owner, actor=actor, verb=verb, person=person)
    changes = _write(decision, [(face, outcomes[face.pk]) for face in faces])
    _drop_answered_suggestions(changes)
    _announce(owner, changes)
    return decision


@transaction.atomic
def undo(decision: Decision, *, actor: User) -> Undone:
    """Take an act back, face by face. Twice does nothing; an undo can be undone, too.

    A face goes back to what the newest of the other decisions in force says of it. Faces that a later decision
    changed stay as they are.
    """
    decision = Decision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if not decision.is_in_force:
        return Undone(None, 0, [])
    reversal = Decision.objects.create(
        owner=decision.owner, actor=actor, verb=Decision.Verb.UNDO, person=decision.person, undoes=decision
    )
    chain = _turned_round(decision)
    touched = {c.face_id: c for act in chain for c in act.changes.all() if c.face_id is not None}
    wait_for_lock(Job.CLUSTERS, decision.owner_id)  # before the faces, as grouping does
    faces = _locked_faces(decision.owner, touched)
    acts = _acts_on(faces)
    stale = {face for face in faces if _was_changed_since(acts[face.pk], touched[face.pk])}
    states = {face: _state_in_force(face, acts[face.pk], touched[face.pk]) for face in faces if face not in stale}
    _revive_clusters(decision.owner, {state.cluster for state in states.values()})
    changes = _write(reversal, [(face, Outcome(state)) for face, state in states.items()])
    _announce(decision.owner, changes)
    return Undone(reversal, len(changes), [face for face in faces if face in stale])


def rejected_pairs(owner_id: int, *, faces: Collection[int] | None = None) -> set[tuple[int, int]]:
    """Pairs of face and person the owner ruled out, as (face, person) primary keys; of all faces or of some."""
    changes = Change.objects.rejections().filter(decision__owner=owner_id, face__isnull=False)
    changes = changes if faces is None else changes.filter(face__in=faces)
    return {(face, person) for face, person in changes.values_list("face_id", "rejected_id") if face and person}


def _locked_faces(owner: User, pks: Iterable[int]) -> list[Face]:
    # In order of primary key: two acts on the same faces wait for each other instead of deadlocking.
    faces = Face.objects.owned_by(owner).filter(pk__in=list(pks)).without_vectors()
    return list(faces.select_related("photo").select_for_update(of=("self",)).order_by("pk"))


def _says_something_new(face: Face, outcome: Outcome, ruled_out: Set[tuple[int, int]]) -> bool:
    """Whether the act changes this face; a second click on the same answer does not."""
    before = FaceState.of(face)
    if not outcome.only_if(before):
        return False
    changes_state = outcome.state is not None and not outcome.state.says_the_same_as(before)
    rules_out = outcome.rejected is not None and (face.pk, outcome.rejected.pk) not in ruled_out
    return changes_state or rules_out


def _write(decision: Decision, outcomes: Sequence[tuple[Face, Outcome]]) -> list[Change]:
    """Put faces into their new states and note it, in as many queries for a thousand faces as for one."""
    changes = [_change(decision, face, outcome) for face, outcome in outcomes]
    moved = [face for (face, _), change in zip(outcomes, changes, strict=True) if change.after != change.before]
    Face.objects.bulk_update(moved, ["person", "tagged_by", "is_ignored", "cluster"], BATCH)
    return Change.objects.bulk_create(changes, BATCH)


def _change(decision: Decision, face: Face, outcome: Outcome) -> Change:
    """Give a face its new state, not yet saved, and return the note of it."""
    before = FaceState.of(face)
    after = outcome.state or before
    face.person_id, face.tagged_by = after.person, after.tagged_by
    face.is_ignored, face.cluster_id = after.is_ignored, after.cluster
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
    answered = [change.face_id for change in changes if not FaceState(**change.after).waits_for_a_name]
    Suggestion.objects.filter(face__in=answered).delete()
    ruled_out: dict[int, list[int | None]] = {}
    for change in changes:
        if change.rejected_id is not None:
            ruled_out.setdefault(change.rejected_id, []).append(change.face_id)
    for person, faces in ruled_out.items():
        Suggestion.objects.filter(person=person, face__in=faces).delete()


def _acts_on(faces: Iterable[Face]) -> dict[int, list[Change]]:
    """Everything ever decided about each of these faces, by primary key, the oldest first."""
    acts: dict[int, list[Change]] = {face.pk: [] for face in faces}
    for change in Change.objects.filter(face__in=list(acts)).select_related("decision").order_by("decision_id"):
        assert change.face_id is not None
        acts[change.face_id].append(change)
    return acts


def _in_force(acts: Sequence[Change]) -> list[Change]:
    """Those that decisions in force did, the newest first; undoing is not an act of its own."""
    return [act for act in reversed(acts) if act.decision.is_in_force and act.decision.verb != Decision.Verb.UNDO]


def _was_changed_since(acts: Sequence[Change], change: Change) -> bool:
    return any(_changes_state(act) for act in _in_force(acts) if act.decision_id > change.decision_id)


def _changes_state(act: Change) -> bool:
    return not FaceState(**act.after).says_the_same_as(FaceState(**act.before))


def _state_in_force(face: Face, acts: Sequence[Change], undone: Change) -> FaceState:
    """What the decisions in force say of a face: the newest of them, else what it was before the first of all."""
    newest = next((act for act in _in_force(acts) if _changes_state(act)), None)
    state = FaceState(**newest.after) if newest else FaceState(**(acts[0] if acts else undone).before)
    if not state.waits_for_a_name:
        return state
    current = FaceState.of(face)
    if current.waits_for_a_name:
        return current  # grouping may have moved it meanwhile
    return replace(state, cluster=undone.before["cluster"])


def _revive_clusters(owner: User, wanted: Collection[int | None]) -> None:
    """Bring groups back under their numbers that were dropped when their last face got a name."""
    there = set(Cluster.objects.filter(pk__in=[pk for pk in wanted if pk]).values_list("pk", flat=True))
    Cluster.objects.bulk_create(Cluster(pk=pk, owner=owner) for pk in wanted if pk and pk not in there)


def _turned_round(decision: Decision) -> list[Decision]:
    """Put a decision out of force, with that what it undid back in force, and so on; return all of them."""
    chain: list[Decision] = []
    undone: Decision | None = decision
    while undone is not None:
        undone.is_in_force = bool(len(chain) % 2)
        undone.save(update_fields=["is_in_force"])
        chain.append(undone)
        undone = undone.undoes
    return chain


def _announce(owner: User, changes: list[Change]) -> None:
    """Note what is out of date now, and tell the workers once that is certain."""
    freed = any(FaceState(**c.after).waits_for_a_name and not FaceState(**c.before).waits_for_a_name for c in changes)
    Upkeep.objects.want(owner.pk, groups=freed)
    transaction.on_commit(lambda: signals.answers_changed.send(Decision, owner_id=owner.pk))
