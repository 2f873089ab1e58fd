"""Takes acts back, and does them again: an undo of an undo."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import BooleanField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from people.ledger.acting import STATEMENTS
from people.ledger.reading import acts_on
from people.ledger.writing import Outcome, announce, drop_answered, locked_faces, write
from people.locks import Job, wait_for_lock
from people.models import Change, Cluster, Decision, Face
from people.tracks import FaceState, later_acts, state_in_force
from photos.faults import fault
from photos.transactions import atomic_again


@dataclass(frozen=True)
class Undone:
    """How an undo went: its own decision, the faces that stay as they are, and the later decisions that hold them."""

    decision: Decision | None
    restored: int = 0
    stale: list[Face] = field(default_factory=list)
    later: list[Decision] = field(default_factory=list)


@atomic_again
def undo(decision: Decision, *, actor: User) -> Undone:
    """Take an act back, face by face. Twice does nothing; an undo can be undone, too: that does the act again.

    A face goes back to what the other decisions in force say of it. Faces about which a later one of those decides
    stay as they are.
    """
    decision = Decision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    if not decision.is_in_force:
        return Undone(None)
    owner = decision.owner
    reversal = Decision.objects.create(
        owner=owner,
        actor=actor,
        verb=Decision.Verb.UNDO,
        person=decision.person,
        other=decision.other,
        undoes=decision,
    )
    chain = _turned_round(decision)
    touched = Change.objects.filter(decision__in=chain, face__isnull=False).values_list("face_id", flat=True)
    wait_for_lock(Job.CLUSTERS, owner.pk)  # before the faces, as grouping does
    faces = locked_faces(owner, {face for face in touched if face})
    acts = acts_on(faces)
    of_chain = {act.pk for act in chain}
    states = {face: state_in_force(acts[face.pk], FaceState.of(face)) for face in faces}
    unmoved = [face for face in faces if states[face] == FaceState.of(face)]
    # Of the chain, the oldest is the act itself; the others only took it back and did it again.
    oldest = {face: next(act for act in acts[face.pk] if act.decision_id in of_chain) for face in unmoved}
    later = {face: held for face in unmoved if (held := later_acts(acts[face.pk], oldest[face]))}
    states = {face: state for face, state in states.items() if face not in later}
    _revive_clusters(owner, {state.cluster for state in states.values()})
    changes = write(reversal, [(face, Outcome(state)) for face, state in states.items()])
    if chain[-1].verb in STATEMENTS:  # what was grouped because of it need not be
        Face.everywhere.filter(pk__in=[face.pk for face in faces]).update(grouped_by=Face.PLACE_AGAIN)
    _hide_or_show(chain[-1])
    drop_answered(changes)
    announce(owner, changes, groups=chain[-1].verb in (*STATEMENTS, Decision.Verb.REGROUP, Decision.Verb.SPLIT))
    fault("undo-written")
    holding = {act.decision_id: act.decision for held in later.values() for act in held}
    return Undone(reversal, len(changes), list(later), [holding[pk] for pk in sorted(holding, reverse=True)])


@transaction.atomic
def undo_all(decisions: Iterable[Decision], *, actor: User) -> list[Undone]:
    """Take several acts back, the newest first, so that none stands in the way of another."""
    return [undo(decision, actor=actor) for decision in sorted(decisions, key=lambda each: -each.pk)]


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


def _revive_clusters(owner: User, wanted: Collection[int | None]) -> None:
    """Bring groups back under their numbers that were dropped when their last face got a name."""
    there = set(Cluster.objects.filter(pk__in=[pk for pk in wanted if pk]).values_list("pk", flat=True))
    Cluster.objects.bulk_create(Cluster(pk=pk, owner=owner) for pk in wanted if pk and pk not in there)


def _hide_or_show(act: Decision) -> None:
    """After an undo: who was hidden or shown by the act is so if it is in force, or else as the last other one says."""
    if act.verb not in (Decision.Verb.HIDE, Decision.Verb.UNHIDE):
        return
    for kind in ("hides_people", "hides_groups"):
        them = getattr(act, kind)
        if act.is_in_force:
            them.update(is_hidden=act.verb == Decision.Verb.HIDE, hidden_by=act)
            continue
        others = Decision.objects.filter(**{kind: OuterRef("pk")}, is_in_force=True).order_by("-pk")
        by = Subquery(others.values("pk")[:1])
        hides = Subquery(others.annotate(hides=Q(verb=Decision.Verb.HIDE)).values("hides")[:1], BooleanField())
        them.filter(hidden_by=act).update(is_hidden=Coalesce(hides, False), hidden_by=Coalesce(by, act.pk))
