"""The answers a user can give about faces. Each is one decision in the ledger."""

from collections.abc import Iterable

from accounts.models import User
from people.ledger import FaceState, Outcome, decide
from people.models import Change, Decision, Face, Person

Verb = Decision.Verb


def confirm(person: Person, faces: Iterable[int], *, but_not: Iterable[int] = (), actor: User) -> Decision | None:
    """Say that these faces are this person's, and that the others, shown beside them, are not."""
    state = FaceState(person=person.pk, tagged_by=Face.TaggedBy.USER)
    outcomes = {pk: Outcome(rejected=person) for pk in but_not}
    outcomes |= {pk: Outcome(state) for pk in faces}
    return decide(person.owner, Verb.CONFIRM, outcomes, actor=actor, person=person)


def reject(person: Person, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Say that these faces are not this person's. Kith never suggests the pair again."""
    outcomes = {pk: Outcome(rejected=person) for pk in faces}
    return decide(person.owner, Verb.REJECT, outcomes, actor=actor, person=person)


def remove_name(person: Person, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Take this person's name off faces that wrongly bear it, for good."""
    theirs = Face.objects.filter(pk__in=list(faces), person=person).values_list("pk", flat=True)
    outcomes = {pk: Outcome(FaceState(), rejected=person) for pk in theirs}
    return decide(person.owner, Verb.REMOVE, outcomes, actor=actor, person=person)


def ignore(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Set faces aside: not a person, or nobody to ask about."""
    outcomes = {pk: Outcome(FaceState(is_ignored=True)) for pk in faces}
    return decide(owner, Verb.IGNORE, outcomes, actor=actor)


def show_again(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Ask about faces again that were set aside."""
    outcomes = {pk: Outcome(FaceState()) for pk in faces}
    return decide(owner, Verb.SHOW, outcomes, actor=actor)


def merge(person: Person, into: Person, *, actor: User) -> Decision | None:
    """Give all faces of one person to another. The empty one stays in the ledger, for undo."""
    state = FaceState(person=into.pk, tagged_by=Face.TaggedBy.USER)
    outcomes = {pk: Outcome(state) for pk in person.faces.values_list("pk", flat=True)}
    return decide(person.owner, Verb.MERGE, outcomes, actor=actor, person=into)


def rejected_pairs(owner_id: int) -> set[tuple[int, int]]:
    """Pairs of face and person the owner ruled out, as (face, person) primary keys."""
    changes = Change.objects.rejections().filter(decision__owner=owner_id, face__isnull=False)
    return {(face, person) for face, person in changes.values_list("face_id", "rejected_id") if face and person}
