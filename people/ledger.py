"""Writes the ledger: the one way faces get, lose or change a name, and the way back.

Every act locks its faces, changes them and notes what each was before and after,
all in one transaction. Views, commands and the machine share it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from people import constraints, signals
from people.locks import Job, wait_for_lock
from people.models import Change, Cluster, Decision, Face, Person, Suggestion, Upkeep
from people.tracks import FaceState, later_acts, state_in_force
from photos.faults import fault

BATCH = 5000  # changes noted by one query

# These say something about faces without changing whose they are; when they repeat something, answers knows.
STATEMENTS = (Decision.Verb.SAME, Decision.Verb.DIFFERENT, Decision.Verb.REPEAT)

SAVE_STATES = """
    UPDATE people_face SET person_id = state.person, tagged_by = state.tagged_by, is_ignored = state.is_ignored,
        is_no_face = state.is_no_face, cluster_id = state.cluster,
        grouped_by = CASE WHEN state.person IS NULL AND NOT state.is_ignored THEN grouped_by ELSE '' END
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::boolean[], %s::boolean[], %s::bigint[])
        AS state(face, person, tagged_by, is_ignored, is_no_face, cluster)
    WHERE people_face.id = state.face
"""

# Of as many faces as a library has: a list of faces, and of the group each goes to.
MOVE = """
    UPDATE people_face SET cluster_id = move.cluster
    FROM unnest(%s::bigint[], %s::bigint[]) AS move(face, cluster)
    WHERE people_face.id = move.face
"""
NOTE_MOVES = """
    INSERT INTO people_change (decision_id, face_id, photo_sha256, box, before, after)
    SELECT %s, face.id, photo.sha256, jsonb_build_array(face."left", face.top, face.width, face.height),
        jsonb_build_object('cluster', face.cluster_id), jsonb_build_object('cluster', move.cluster)
    FROM unnest(%s::bigint[], %s::bigint[]) AS move(face, cluster)
    JOIN people_face AS face ON face.id = move.face
    JOIN photos_photo AS photo ON photo.id = face.photo_id
"""


def _any(state: FaceState) -> bool:
    return True


@dataclass(frozen=True)
class Outcome:
    """What an act does to one face.

    state: its new state; None keeps it. rejected: a person ruled out. side: of a statement about two groups, the one
    it is in, 1 or 2. only_if: looked at once the face is locked, so that an act that was meant for another state (a
    stale page, a race) leaves the face alone.
    """

    state: FaceState | None = None
    rejected: Person | None = None
    side: int | None = None
    only_if: Callable[[FaceState], bool] = _any


@dataclass(frozen=True)
class Undone:
    """How an undo went: its own decision, the faces that stay as they are, and the later decisions that hold them."""

    decision: Decision | None
    restored: int = 0
    stale: list[Face] = field(default_factory=list)
    later: list[Decision] = field(default_factory=list)


@transaction.atomic
def decide(
    owner: User,
    verb: Decision.Verb,
    outcomes: Mapping[int, Outcome],
    *,
    actor: User | None,
    person: Person | None = None,
    other: Person | None = None,
) -> Decision | None:
    """Do one act on faces, by primary key, and return its decision; None when it would change nothing."""
    faces = _locked_faces(owner, outcomes)
    if verb not in STATEMENTS:
        ruled_out = _ruled_out_before(owner, [face.pk for face in faces if outcomes[face.pk].rejected])
        faces = [face for face in faces if _says_something_new(face, outcomes[face.pk], ruled_out)]
    if not faces:
        return None
    decision = Decision.objects.create(owner=owner, actor=actor, verb=verb, person=person, other=other)
    changes = _write(decision, [(face, outcomes[face.pk]) for face in faces])
    if verb == Decision.Verb.REPEAT:  # those without a group may now have one
        Face.everywhere.filter(pk__in=[face.pk for face in faces]).update(grouped_by="")
    _drop_answered_suggestions(changes)
    _announce(owner, changes, groups=verb in (*STATEMENTS, Decision.Verb.SPLIT))
    fault("answer-written")
    return decision


@transaction.atomic
def decide_on_people(person: Person, other: Person, verb: Decision.Verb, *, actor: User) -> Decision:
    """Say something about two people that changes no face of theirs."""
    decision = Decision.objects.create(owner=person.owner, actor=actor, verb=verb, person=person, other=other)
    _announce(person.owner, [])
    return decision


@transaction.atomic
def hide(owner: User, people: Collection[Person], clusters: Collection[Cluster], *, actor: User) -> Decision | None:
    """Hide people and groups from the lists: one decision; None when none of them was to be seen."""
    hidden_people = [person.pk for person in people if not person.is_hidden]
    hidden_clusters = [cluster.pk for cluster in clusters if not cluster.is_hidden]
    if not hidden_people and not hidden_clusters:
        return None
    wait_for_lock(Job.CLUSTERS, owner.pk)  # who writes groups looks at what is hidden, and then no more
    one = next(iter(people)) if len(hidden_people) == 1 and not hidden_clusters else None
    decision = Decision.objects.create(owner=owner, actor=actor, verb=Decision.Verb.HIDE, person=one)
    for rows, pks in ((Person.objects, hidden_people), (Cluster.objects, hidden_clusters)):
        rows.filter(owner=owner, pk__in=pks).update(is_hidden=True, hidden_by=decision)
    return decision


@transaction.atomic
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
    faces = _locked_faces(owner, {face for face in touched if face})
    acts = acts_on(faces)
    of_chain = {act.pk for act in chain}
    states = {face: state_in_force(acts[face.pk], FaceState.of(face)) for face in faces}
    unmoved = [face for face in faces if states[face] == FaceState.of(face)]
    # Of the chain, the oldest is the act itself; the others only took it back and did it again.
    oldest = {face: next(act for act in acts[face.pk] if act.decision_id in of_chain) for face in unmoved}
    later = {face: held for face in unmoved if (held := later_acts(acts[face.pk], oldest[face]))}
    states = {face: state for face, state in states.items() if face not in later}
    _revive_clusters(owner, {state.cluster for state in states.values()})
    changes = _write(reversal, [(face, Outcome(state)) for face, state in states.items()])
    if chain[-1].verb in STATEMENTS:  # what was grouped because of it need not be
        Face.everywhere.filter(pk__in=[face.pk for face in faces]).update(grouped_by=Face.PLACE_AGAIN)
    _hide_or_show(chain[-1])
    _drop_answered_suggestions(changes)
    _announce(owner, changes, groups=chain[-1].verb in (*STATEMENTS, Decision.Verb.REGROUP, Decision.Verb.SPLIT))
    fault("undo-written")
    holding = {act.decision_id: act.decision for held in later.values() for act in held}
    return Undone(reversal, len(changes), list(later), [holding[pk] for pk in sorted(holding, reverse=True)])


@transaction.atomic
def undo_all(decisions: Iterable[Decision], *, actor: User) -> list[Undone]:
    """Take several acts back, the newest first, so that none stands in the way of another."""
    return [undo(decision, actor=actor) for decision in sorted(decisions, key=lambda each: -each.pk)]


@transaction.atomic
def regroup(owner_id: int, moves: Mapping[int, int | None]) -> Decision | None:
    """Move faces, by primary key, into groups or out of all: the machine's act, one decision.

    Faces that got a name or were set aside meanwhile, that are held, or that are there already, are left alone.
    In a few queries however many faces; None when nothing moves.
    """
    wait_for_lock(Job.CLUSTERS, owner_id)  # before the faces, as undo does
    clusters = _clusters_of_waiting(owner_id, moves)
    held = held_faces(owner_id)
    moved = [face for face, cluster in clusters.items() if cluster != moves[face] and face not in held]
    if not moved:
        return None
    decision = Decision.objects.create(owner_id=owner_id, actor=None, verb=Decision.Verb.REGROUP)
    targets = [moves[face] for face in moved]
    with connection.cursor() as cursor:
        cursor.execute(NOTE_MOVES, [decision.pk, moved, targets])
        cursor.execute(MOVE, [moved, targets])
    return decision


@transaction.atomic
def put_in_force(owner: User, faces: Sequence[Face]) -> None:
    """Give face rows, locked and new, the state that the ledger holds for them. No act, so no decision."""
    acts = acts_on(faces)
    states = {face: state_in_force(acts[face.pk], FaceState.of(face)) for face in faces if acts[face.pk]}
    people = Person.objects.in_bulk({state.person for state in states.values() if state.person})
    clusters = Cluster.objects.in_bulk({state.cluster for state in states.values() if state.cluster})
    for face, state in states.items():
        if state.person is None or state.person in people:
            # A group that is gone is not made again for it: grouping finds the face a place.
            _put(face, replace(state, cluster=state.cluster if state.cluster in clusters else None))
    _save(states)
    _announce(owner, [], groups=True)


def held_faces(owner_id: int) -> set[int]:
    """Faces that grouping leaves where they are, because a user put them back there by undoing a regroup, or hid them.

    Until that undo is undone, the user takes the face out of its group, or says something the group contradicts; or
    shows the group again.
    """
    changes = Change.objects.filter(decision__owner=owner_id, decision__is_in_force=True, face__isnull=False)
    freed = changes.filter(
        decision__verb__in=[Decision.Verb.REMOVE, Decision.Verb.SHOW],
        face=OuterRef("face"),
        decision__gt=OuterRef("decision"),
    )
    undone = changes.filter(decision__undoes__verb=Decision.Verb.REGROUP).exclude(Exists(freed))
    held = dict(undone.values_list("face_id", "face__cluster_id"))
    clusters = {face: cluster for face, cluster in held.items() if face}
    clusters |= _hidden_faces(owner_id)
    if not clusters:
        return set()
    return set(clusters) - _broken(owner_id, clusters)


def _hidden_faces(owner_id: int) -> dict[int, int]:
    """Faces of hidden groups, and the group; not two of one photo that shows everybody once."""
    hidden = Face.objects.filter(cluster__owner=owner_id, cluster__is_hidden=True).untagged()
    rows = [(face, cluster or 0, photo) for face, cluster, photo in hidden.values_list("pk", "cluster_id", "photo_id")]
    counts = Counter((cluster, photo) for _, cluster, photo in rows)
    twice = constraints.repeat_photos(owner_id) if rows else set()
    return {face: cluster for face, cluster, photo in rows if counts[cluster, photo] == 1 or photo in twice}


def rejected_pairs(owner_id: int, *, faces: Collection[int] | None = None) -> set[tuple[int, int]]:
    """Pairs of face and person the owner ruled out, as (face, person) primary keys; of all faces or of some."""
    changes = Change.objects.rejections().filter(decision__owner=owner_id, face__isnull=False)
    changes = changes if faces is None else changes.filter(face__in=faces)
    return {(face, person) for face, person in changes.values_list("face_id", "rejected_id") if face and person}


def _ruled_out_before(owner: User, faces: Collection[int]) -> set[tuple[int, int]]:
    return rejected_pairs(owner.pk, faces=faces) if faces else set()


def _broken(owner_id: int, held: Mapping[int, int | None]) -> set[int]:
    """Of some faces and the group of each, those whose group breaks what users said."""
    mates = Face.objects.filter(cluster__in=set(held.values()) - {None}).untagged()
    clusters = {**dict(mates.values_list("pk", "cluster_id")), **held}
    said = constraints.Constraints.of(owner_id)
    elsewhere = Face.objects.filter(pk__in=np.unique(said.together()).tolist()).untagged().embedded()
    clusters |= dict(elsewhere.values_list("pk", "cluster_id"))
    return said.broken_by(clusters) & held.keys()


def _clusters_of_waiting(owner_id: int, pks: Iterable[int]) -> dict[int, int | None]:
    """Lock those of the faces that wait for a name, and return the group each is in."""
    faces = Face.objects.filter(photo__owner=owner_id, pk__in=list(pks)).untagged()
    return dict(faces.order_by("pk").select_for_update(of=("self",)).values_list("pk", "cluster_id"))


def _locked_faces(owner: User, pks: Iterable[int]) -> list[Face]:
    # In order of primary key: two acts on the same faces wait for each other instead of deadlocking. Faces in the
    # trash follow what is done with the others of their person, so that they come back under the name of then.
    faces = Face.everywhere.owned_by(owner).filter(pk__in=list(pks)).without_vectors()
    return list(faces.select_related("photo").select_for_update(of=("self",)).order_by("pk"))


def _says_something_new(face: Face, outcome: Outcome, ruled_out: Set[tuple[int, int]]) -> bool:
    """Whether the act changes this face; a second click on the same answer does not."""
    before = FaceState.of(face)
    if not outcome.only_if(before):
        return False
    changes_state = outcome.state is not None and not outcome.state.says_the_same_as(before)
    rules_out = outcome.rejected is not None and (face.pk, outcome.rejected.pk) not in ruled_out
    return changes_state or rules_out or outcome.side is not None


def _write(decision: Decision, outcomes: Sequence[tuple[Face, Outcome]]) -> list[Change]:
    """Put faces into their new states and note it, in as many queries for a thousand faces as for one."""
    changes = [_change(decision, face, outcome) for face, outcome in outcomes]
    moved = [face for (face, _), change in zip(outcomes, changes, strict=True) if change.after != change.before]
    _save(moved)
    return Change.objects.bulk_create(changes, BATCH)


def _put(face: Face, state: FaceState) -> None:
    face.person_id, face.tagged_by = state.person, state.tagged_by
    face.is_ignored, face.is_no_face, face.cluster_id = state.is_ignored, state.is_no_face, state.cluster


def _save(faces: Iterable[Face]) -> None:
    states = [
        (face.pk, face.person_id, face.tagged_by, face.is_ignored, face.is_no_face, face.cluster_id) for face in faces
    ]
    if states:
        with connection.cursor() as cursor:
            cursor.execute(SAVE_STATES, [list(column) for column in zip(*states, strict=True)])


def _change(decision: Decision, face: Face, outcome: Outcome) -> Change:
    """Give a face its new state, not yet saved, and return the note of it."""
    before = FaceState.of(face)
    after = outcome.state or before
    _put(face, after)
    return Change(
        decision=decision,
        face=face,
        photo_sha256=face.photo.sha256,
        box=[face.left, face.top, face.width, face.height],
        before=dict(vars(before)),
        after=dict(vars(after)),
        rejected=outcome.rejected,
        side=outcome.side,
    )


def _drop_answered_suggestions(changes: list[Change]) -> None:
    """Take back suggestions that were just answered: no page may ask again until a worker comes by.

    Of whom a face is not, neither is its group asked about; people.scores agrees.
    """
    answered = [change.face_id for change in changes if not FaceState(**change.after).waits_for_a_name]
    Suggestion.objects.filter(face__in=answered).delete()
    ruled_out: dict[int, list[Change]] = {}
    for change in changes:
        if change.rejected_id is not None:
            ruled_out.setdefault(change.rejected_id, []).append(change)
    for person, noes in ruled_out.items():
        faces = Q(face__in=[change.face_id for change in noes])
        groups = Q(face__cluster__in={FaceState(**change.after).cluster for change in noes} - {None})
        Suggestion.objects.filter(faces | groups, person=person).delete()


def acts_on(faces: Iterable[Face]) -> dict[int, list[Change]]:
    """Everything ever decided about each of these faces, by primary key, the oldest first."""
    acts: dict[int, list[Change]] = {face.pk: [] for face in faces}
    # Each decision is made once, not for each of its faces: a group that was named and undone often has thousands.
    changes = Change.objects.filter(face__in=list(acts)).only("decision", "face", "before", "after", "rejected")
    for change in changes.prefetch_related("decision").order_by("decision_id"):
        assert change.face_id is not None
        acts[change.face_id].append(change)
    return acts


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


def _hide_or_show(act: Decision) -> None:
    """After an undo: whom the act hid is hidden if the act is in force, unless another act has hidden them since."""
    if act.verb == Decision.Verb.HIDE:
        for rows in (Person.objects, Cluster.objects):
            rows.filter(owner=act.owner_id, hidden_by=act).update(is_hidden=act.is_in_force)


def _announce(owner: User, changes: list[Change], *, groups: bool = False) -> None:
    """Note what is out of date now, and tell the workers once that is certain."""
    freed = any(FaceState(**c.after).waits_for_a_name and not FaceState(**c.before).waits_for_a_name for c in changes)
    Upkeep.objects.want(owner.pk, groups=groups or freed)
    transaction.on_commit(lambda: signals.answers_changed.send(Decision, owner_id=owner.pk))
