"""The answers a user can give about faces. Each is one decision in the ledger."""

from collections.abc import Iterable

from accounts.models import User
from people.ledger import FaceState, Outcome, decide, rejected_pairs
from people.models import Decision, Face, Person

Verb = Decision.Verb


def confirm(person: Person, faces: Iterable[int], *, but_not: Iterable[int] = (), actor: User) -> Decision | None:
    """Say that these faces are this person's, and that the others, shown beside them, are not."""
    state = FaceState(person=person.pk, tagged_by=Face.TaggedBy.USER)
    outcomes = {pk: Outcome(rejected=person) for pk in but_not}
    outcomes |= {pk: Outcome(state) for pk in faces}
    return decide(person.owner, Verb.CONFIRM, outcomes, actor=actor, person=person)


def reject(person: Person, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Say that these faces are not this person's. Kith never suggests the pair again."""
    outcome = Outcome(rejected=person, only_if=lambda face: face.person != person.pk)
    return decide(person.owner, Verb.REJECT, dict.fromkeys(faces, outcome), actor=actor, person=person)


def remove_name(person: Person, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Take this person's name off faces that wrongly bear it, for good."""
    outcome = Outcome(FaceState(), rejected=person, only_if=lambda face: face.person == person.pk)
    return decide(person.owner, Verb.REMOVE, dict.fromkeys(faces, outcome), actor=actor, person=person)


def ignore(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Set faces aside: not a person, or nobody to ask about."""
    outcomes = {pk: Outcome(FaceState(is_ignored=True)) for pk in faces}
    return decide(owner, Verb.IGNORE, outcomes, actor=actor)


def show_again(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Ask about faces again that were set aside."""
    outcome = Outcome(FaceState(), only_if=lambda face: face.is_ignored)
    return decide(owner, Verb.SHOW, dict.fromkeys(faces, outcome), actor=actor)


def merge(person: Person, into: Person, *, actor: User) -> Decision | None:
    """Give all faces of one person to another. The empty one stays in the ledger, for undo.

    Who was said not to be the one is not the other either: they are the same person.
    """
    theirs = Outcome(
        FaceState(person=into.pk, tagged_by=Face.TaggedBy.USER), only_if=lambda face: face.person == person.pk
    )
    not_theirs = Outcome(rejected=into, only_if=lambda face: face.person != into.pk)
    outcomes = {face: not_theirs for face, ruled_out in rejected_pairs(person.owner_id) if ruled_out == person.pk}
    outcomes |= dict.fromkeys(person.faces.values_list("pk", flat=True), theirs)
    return decide(person.owner, Verb.MERGE, outcomes, actor=actor, person=into)
