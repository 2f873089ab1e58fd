"""How an act is written: faces locked, put into their new states, what changed noted, and the workers told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from people import signals
from people.models import Change, Decision, Face, Person, Suggestion, Upkeep
from people.tracks import FaceState

BATCH = 5000  # changes noted by one query

SAVE_STATES = """
    UPDATE people_face SET person_id = state.person, tagged_by = state.tagged_by, is_ignored = state.is_ignored,
        is_no_face = state.is_no_face, cluster_id = state.cluster,
        grouped_by = CASE WHEN state.person IS NULL AND NOT state.is_ignored THEN grouped_by ELSE '' END
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::boolean[], %s::boolean[], %s::bigint[])
        AS state(face, person, tagged_by, is_ignored, is_no_face, cluster)
    WHERE people_face.id = state.face
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


def locked_faces(owner: User, pks: Iterable[int]) -> list[Face]:
    # In order of primary key: two acts on the same faces wait for each other instead of deadlocking. Faces in the
    # trash follow what is done with the others of their person, so that they come back under the name of then.
    faces = Face.everywhere.owned_by(owner).filter(pk__in=list(pks)).without_vectors()
    return list(faces.select_related("photo").select_for_update(of=("self",)).order_by("pk"))


def write(decision: Decision, outcomes: Sequence[tuple[Face, Outcome]]) -> list[Change]:
    """Put faces into their new states and note it, in as many queries for a thousand faces as for one."""
    changes = [_change(decision, face, outcome) for face, outcome in outcomes]
    moved = [face for (face, _), change in zip(outcomes, changes, strict=True) if change.after != change.before]
    save(decision.owner_id, moved)
    return Change.objects.bulk_create(changes, BATCH)


def put(face: Face, state: FaceState) -> None:
    face.person_id, face.tagged_by = state.person, state.tagged_by
    face.is_ignored, face.is_no_face, face.cluster_id = state.is_ignored, state.is_no_face, state.cluster


def save(owner_id: int, faces: Iterable[Face]) -> None:
    states = [
        (face.pk, face.person_id, face.tagged_by, face.is_ignored, face.is_no_face, face.cluster_id) for face in faces
    ]
    if states:
        Upkeep.objects.hold(owner_id)
        with connection.cursor() as cursor:
            cursor.execute(SAVE_STATES, [list(column) for column in zip(*states, strict=True)])


def _change(decision: Decision, face: Face, outcome: Outcome) -> Change:
    """Give a face its new state, not yet saved, and return the note of it."""
    before = FaceState.of(face)
    after = outcome.state or before
    put(face, after)
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


def drop_answered(changes: list[Change]) -> None:
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


def announce(owner: User, changes: list[Change], *, groups: bool = False) -> None:
    """Note what is out of date now, and tell the workers once that is certain."""
    freed = any(FaceState(**c.after).waits_for_a_name and not FaceState(**c.before).waits_for_a_name for c in changes)
    Upkeep.objects.want(owner.pk, groups=groups or freed)
    transaction.on_commit(lambda: signals.answers_changed.send(Decision, owner_id=owner.pk))
