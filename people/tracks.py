"""What the ledger says of one face: the state that the decisions in force add up to.

Each face has two tracks. Whose it is, or that it is set aside, is said by acts of naming; in which group it waits is
said by regroups and splits. Taking back an act of one track leaves the other alone. The state depends on which
decisions are in force only, not on the order in which others were taken back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from people.models import Change, Decision, Face

Verb = Decision.Verb


@dataclass(frozen=True)
class FaceState:
    """What the ledger remembers of a face: whose it is, who said so, and where it waits."""

    person: int | None = None
    tagged_by: str = Face.TaggedBy.NOBODY
    is_ignored: bool = False
    cluster: int | None = None
    is_no_face: bool = False  # then it is ignored, too

    @classmethod
    def of(cls, face: Face) -> Self:
        return cls(face.person_id, face.tagged_by, face.is_ignored, face.cluster_id, face.is_no_face)

    @property
    def waits_for_a_name(self) -> bool:
        return self.person is None and not self.is_ignored

    def says_the_same_as(self, other: "FaceState") -> bool:
        """Whether both say the same about whose face it is; the groups may regroup meanwhile."""
        return replace(self, cluster=None) == replace(other, cluster=None)


def state_in_force(acts: Sequence[Change], current: FaceState) -> FaceState:
    """What the decisions in force say of a face.

    Args:
        acts: everything ever decided about it, with the decisions, the oldest first; at least one.
        current: its state now, which stays as far as nothing was decided about it.
    """
    state = _naming_in_force(acts)
    return replace(state, cluster=_cluster_in_force(acts, current)) if state.waits_for_a_name else state


def later_acts(acts: Sequence[Change], change: Change) -> list[Change]:
    """Acts in force that were done later on the same track, and so decide about the face when this one is undone."""
    later = [act for act in _in_force(acts) if act.decision_id > change.decision_id]
    if change.decision.verb != Verb.REGROUP:
        return [act for act in later if _names(act)] if _names(change) else []
    named = [act for act in later if _names(act)]
    is_named = bool(named) and not FaceState(**named[0].after).waits_for_a_name
    return named if is_named else [act for act in later if _groups(act)]


def _naming_in_force(acts: Sequence[Change]) -> FaceState:
    """Whose the face is. The latest act says so, but the machine may name only a face that waits by all else."""
    named = [act for act in _in_force(acts) if _names(act)]
    of_users = next((act for act in named if act.decision.verb != Verb.TAG), None)
    state = FaceState(**(of_users.after if of_users else acts[0].before))
    state = _without_refused(state, acts)
    if named and named[0] is not of_users and state.waits_for_a_name:
        state = _without_refused(FaceState(**named[0].after), acts)
    return state


def _without_refused(state: FaceState, acts: Sequence[Change]) -> FaceState:
    """A name the machine gave does not stand beside a no, which may be older, taken back and said again."""
    noes = {act.rejected_id for act in _in_force(acts) if act.rejected_id is not None}
    is_refused = state.tagged_by == Face.TaggedBy.MACHINE and state.person in noes
    return FaceState() if is_refused else state


def _cluster_in_force(acts: Sequence[Change], current: FaceState) -> int | None:
    grouped = next((act for act in _in_force(acts) if _groups(act)), None)
    if grouped is not None:
        return FaceState(**grouped.after).cluster
    first = next((number for number, act in enumerate(acts) if _groups(act)), None)
    if first is None and current.waits_for_a_name:
        return current.cluster
    # Where it was seen waiting last, before the first of those that moved it.
    seen = acts if first is None else acts[: first + 1]
    before = (FaceState(**act.before) for act in reversed(seen))
    return next((state.cluster for state in before if state.waits_for_a_name), None)


def _in_force(acts: Sequence[Change]) -> Iterator[Change]:
    """Those that decisions in force did, the newest first; undoing is not an act of its own."""
    return (act for act in reversed(acts) if act.decision.is_in_force and act.decision.verb != Verb.UNDO)


def _names(act: Change) -> bool:
    """Whether it changed whose face it is, or whether it is set aside."""
    return not FaceState(**act.after).says_the_same_as(FaceState(**act.before))


def _groups(act: Change) -> bool:
    """Whether it said in which group the face waits; one that gets free waits in none."""
    is_freed = FaceState(**act.after).waits_for_a_name and not FaceState(**act.before).waits_for_a_name
    is_moved = act.decision.verb == Verb.SPLIT and FaceState(**act.after).waits_for_a_name
    return act.decision.verb == Verb.REGROUP or is_moved or (is_freed and act.decision.verb != Verb.UNDO)
