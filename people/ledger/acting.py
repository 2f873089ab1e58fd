"""Acts: what users and the machine do to faces, people and groups. Each is one decision."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace

from django.db import connection

from accounts.models import User
from people.ledger.reading import acts_on, held_faces, rejected_pairs
from people.ledger.writing import Outcome, announce, drop_answered, locked_faces, put, save, write
from people.locks import Job, wait_for_lock
from people.models import Cluster, Decision, Face, Person, Upkeep
from people.tracks import FaceState, state_in_force
from photos.faults import fault
from photos.transactions import atomic_again

# These say something about faces without changing whose they are; when they repeat something, answers knows.
STATEMENTS = (Decision.Verb.SAME, Decision.Verb.DIFFERENT, Decision.Verb.REPEAT)

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


@atomic_again
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
    faces = locked_faces(owner, outcomes)
    if verb not in STATEMENTS:
        ruled_out = _ruled_out_before(owner, [face.pk for face in faces if outcomes[face.pk].rejected])
        faces = [face for face in faces if _says_something_new(face, outcomes[face.pk], ruled_out)]
    if not faces:
        return None
    decision = Decision.objects.create(owner=owner, actor=actor, verb=verb, person=person, other=other)
    changes = write(decision, [(face, outcomes[face.pk]) for face in faces])
    if verb == Decision.Verb.REPEAT:  # those without a group may now have one
        Face.everywhere.filter(pk__in=[face.pk for face in faces]).update(grouped_by="")
    drop_answered(changes)
    announce(owner, changes, groups=verb in (*STATEMENTS, Decision.Verb.SPLIT))
    fault("answer-written")
    return decision


@atomic_again
def decide_on_people(person: Person, other: Person, verb: Decision.Verb, *, actor: User) -> Decision:
    """Say something about two people that changes no face of theirs."""
    decision = Decision.objects.create(owner=person.owner, actor=actor, verb=verb, person=person, other=other)
    announce(person.owner, [])
    return decision


@atomic_again
def hide(owner: User, people: Collection[Person], clusters: Collection[Cluster], *, actor: User) -> Decision | None:
    """Hide people and groups from the lists: one decision; None when none of them was to be seen."""
    return _hide_or_show(owner, Decision.Verb.HIDE, people, clusters, actor=actor)


@atomic_again
def unhide(owner: User, people: Collection[Person], clusters: Collection[Cluster], *, actor: User) -> Decision | None:
    """Show hidden people and groups in the lists again: one decision; None when none of them was hidden."""
    return _hide_or_show(owner, Decision.Verb.UNHIDE, people, clusters, actor=actor)


@atomic_again
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
    Upkeep.objects.hold(owner_id)
    with connection.cursor() as cursor:
        cursor.execute(NOTE_MOVES, [decision.pk, moved, targets])
        cursor.execute(MOVE, [moved, targets])
    return decision


@atomic_again
def put_in_force(owner: User, faces: Sequence[Face]) -> None:
    """Give face rows, locked and new, the state that the ledger holds for them. No act, so no decision."""
    acts = acts_on(faces)
    states = {face: state_in_force(acts[face.pk], FaceState.of(face)) for face in faces if acts[face.pk]}
    people = Person.objects.in_bulk({state.person for state in states.values() if state.person})
    clusters = Cluster.objects.in_bulk({state.cluster for state in states.values() if state.cluster})
    for face, state in states.items():
        if state.person is None or state.person in people:
            # A group that is gone is not made again for it: grouping finds the face a place.
            put(face, replace(state, cluster=state.cluster if state.cluster in clusters else None))
    save(owner.pk, states)
    announce(owner, [], groups=True)


def _hide_or_show(
    owner: User, verb: Decision.Verb, people: Collection[Person], clusters: Collection[Cluster], *, actor: User
) -> Decision | None:
    hides = verb == Decision.Verb.HIDE
    people = [person for person in people if person.is_hidden != hides]
    clusters = [cluster for cluster in clusters if cluster.is_hidden != hides]
    if not people and not clusters:
        return None
    wait_for_lock(Job.CLUSTERS, owner.pk)  # who writes groups looks at what is hidden, and then no more
    one = people[0] if len(people) == 1 and not clusters else None
    decision = Decision.objects.create(owner=owner, actor=actor, verb=verb, person=one)
    decision.hides_people.set(Person.objects.filter(owner=owner, pk__in=[person.pk for person in people]))
    decision.hides_groups.set(Cluster.objects.filter(owner=owner, pk__in=[cluster.pk for cluster in clusters]))
    for them in (decision.hides_people, decision.hides_groups):
        them.update(is_hidden=hides, hidden_by=decision)
    return decision


def _ruled_out_before(owner: User, faces: Collection[int]) -> set[tuple[int, int]]:
    return rejected_pairs(owner.pk, faces=faces) if faces else set()


def _says_something_new(face: Face, outcome: Outcome, ruled_out: Set[tuple[int, int]]) -> bool:
    """Whether the act changes this face; a second click on the same answer does not."""
    before = FaceState.of(face)
    if not outcome.only_if(before):
        return False
    changes_state = outcome.state is not None and not outcome.state.says_the_same_as(before)
    rules_out = outcome.rejected is not None and (face.pk, outcome.rejected.pk) not in ruled_out
    return changes_state or rules_out or outcome.side is not None


def _clusters_of_waiting(owner_id: int, pks: Iterable[int]) -> dict[int, int | None]:
    """Lock those of the faces that wait for a name, and return the group each is in."""
    faces = Face.objects.filter(photo__owner=owner_id, pk__in=list(pks)).untagged()
    return dict(faces.order_by("pk").select_for_update(of=("self",)).values_list("pk", "cluster_id"))
