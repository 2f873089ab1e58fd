"""The answers a user can give about faces. Each is one decision in the ledger."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from django.db.models import Q

from accounts.models import User
from people import constraints
from people.ledger import Outcome, decide, decide_on_people, rejected_pairs
from people.locks import Job, wait_for_lock
from people.models import Change, Cluster, Decision, Face, Person, Question
from people.tracks import FaceState
from photos.models import Photo
from photos.transactions import atomic_again

Verb = Decision.Verb
Machine = Face.TaggedBy.MACHINE


def confirm(person: Person, faces: Iterable[int], *, but_not: Iterable[int] = (), actor: User) -> Decision | None:
    """Say that these faces are this person's, and that the others, shown beside them, are not.

    A name the machine gave becomes the user's.
    """
    state = FaceState(person=person.pk, tagged_by=Face.TaggedBy.USER)
    outcomes = _no(person, but_not)
    outcomes |= {pk: Outcome(state) for pk in faces}
    return decide(person.owner, Verb.CONFIRM, outcomes, actor=actor, person=person)


def reject(person: Person, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Say that these faces are not this person's. Kith never suggests the pair again.

    Faces the machine gave that name lose it; those a user did keep theirs.
    """
    return decide(person.owner, Verb.REJECT, _no(person, faces), actor=actor, person=person)


def _no(person: Person, faces: Iterable[int]) -> dict[int, Outcome]:
    pks = list(faces)
    named = Face.everywhere.filter(person=person, pk__in=pks, tagged_by=Machine)
    named_by_itself = set(named.values_list("pk", flat=True))
    off = Outcome(FaceState(), rejected=person, only_if=lambda face: _is_named(face, person.pk, by=Machine))
    no = Outcome(rejected=person, only_if=lambda face: face.person != person.pk)
    return {pk: off if pk in named_by_itself else no for pk in pks}


def tag(person: Person, faces: Iterable[int]) -> Decision | None:
    """Name faces by itself, as the machine: only those that wait and may be this person, as far as users said.

    A name that was taken back once is not given again.
    """
    refused = constraints.ruled_out(person.owner_id) | names_taken_back(person.owner_id)
    pks = set(faces) - {face for face, other in refused if other == person.pk}
    outcome = Outcome(FaceState(person=person.pk, tagged_by=Machine), only_if=lambda face: face.waits_for_a_name)
    return decide(person.owner, Verb.TAG, dict.fromkeys(pks, outcome), actor=None, person=person)


def names_taken_back(owner_id: int) -> set[tuple[int, int]]:
    """(face, person) pairs of names by the machine that were undone."""
    undone = Change.objects.filter(
        decision__owner=owner_id, decision__verb=Verb.TAG, decision__is_in_force=False, face__isnull=False
    )
    return set(undone.values_list("face_id", "after__person"))


def remove_name(person: Person, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Take this person's name off faces that wrongly bear it, for good."""
    outcome = Outcome(FaceState(), rejected=person, only_if=lambda face: face.person == person.pk)
    return decide(person.owner, Verb.REMOVE, dict.fromkeys(faces, outcome), actor=actor, person=person)


def ignore(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Set faces aside: nobody to ask about. What was said to be no face stays so."""
    outcome = Outcome(FaceState(is_ignored=True), only_if=lambda face: not face.is_no_face)
    return decide(owner, Verb.IGNORE, dict.fromkeys(faces, outcome), actor=actor)


def ignore_waiting(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Set aside those of some faces that still wait for a name."""
    outcome = Outcome(FaceState(is_ignored=True), only_if=lambda face: face.waits_for_a_name)
    return decide(owner, Verb.IGNORE, dict.fromkeys(faces, outcome), actor=actor)


def no_face(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Say that boxes hold no face at all: a statue, a pattern. They are kept out wherever faces are found again."""
    outcome = Outcome(FaceState(is_ignored=True, is_no_face=True))
    return decide(owner, Verb.NO_FACE, dict.fromkeys(faces, outcome), actor=actor)


def show_again(owner: User, faces: Iterable[int], *, actor: User) -> Decision | None:
    """Ask about faces again that were set aside."""
    outcome = Outcome(FaceState(), only_if=lambda face: face.is_ignored)
    return decide(owner, Verb.SHOW, dict.fromkeys(faces, outcome), actor=actor)


def merge(person: Person, into: Person, *, actor: User, counted: Collection[int] | None = None) -> Decision | None:
    """Give all faces of one person to another. The empty one stays in the ledger, for undo.

    Who was said not to be the one is not the other either: they are the same person. Names the machine gave stay its.
    counted: the faces the person had when this was asked; others keep the name, but for those in the trash, which
    nobody counts. None takes those of now.
    """
    return merge_all([person], into, counted=counted, actor=actor)


def merge_all(
    people: Collection[Person],
    into: Person,
    *,
    unnamed: Collection[int] = (),
    counted: Collection[int] | None = None,
    actor: User,
) -> Decision | None:
    """Say of several people, and of faces that wait for a name, that they are one: a single decision."""
    noes = rejected_pairs(into.owner_id)
    others = {person.pk for person in people} - {into.pk}
    faces = Face.everywhere.filter(person__in=others)
    if counted is not None:
        faces = faces.filter(Q(pk__in=counted) | Q(is_away=True))
        if not unnamed and not faces.filter(pk__in=counted).exists():
            return None
    named = FaceState(person=into.pk, tagged_by=Face.TaggedBy.USER)
    outcomes = _no(into, [face for face, ruled_out in noes if ruled_out in others])
    outcomes |= {pk: Outcome(named, only_if=lambda face: face.waits_for_a_name) for pk in unnamed}
    for face, person, tagged_by in faces.values_list("pk", "person", "tagged_by"):
        is_refused = tagged_by == Machine and (face, into.pk) in noes
        state = FaceState() if is_refused else FaceState(person=into.pk, tagged_by=tagged_by)
        outcomes[face] = Outcome(state, only_if=partial(_is_named, person=person, by=tagged_by))
    only = next((person for person in people if person.pk in others), None) if len(others) == 1 else None
    verb = Verb.MERGE if others else Verb.CONFIRM
    return decide(into.owner, verb, outcomes, actor=actor, person=into, other=only)


def split(
    person: Person, parts: Mapping[Person, Collection[int]], *, nobodys: Collection[int] = (), actor: User
) -> Decision | None:
    """Give faces of a person to others, or to nobody yet: one decision, whose undo brings all of them back.

    None of them is suggested as that person's again, and nobody asks whether the others are that person.
    """
    outcomes: dict[int, Outcome] = {}
    for target, faces in [*parts.items(), (None, nobodys)]:
        if target != person:
            state = FaceState(person=target.pk, tagged_by=Face.TaggedBy.USER) if target else FaceState()
            outcome = Outcome(state, rejected=person, only_if=lambda face: face.person == person.pk)
            outcomes |= dict.fromkeys(faces, outcome)
    only = next(iter(parts)) if len(parts) == 1 and not nobodys else None
    return decide(person.owner, Verb.SPLIT, outcomes, actor=actor, person=person, other=only)


@atomic_again
def split_group(
    cluster: Cluster, named: Mapping[Person, Collection[int]], unnamed: Sequence[Collection[int]], *, actor: User
) -> Decision | None:
    """Say that parts of a group are different people: each gets its name or, without one, a group of its own.

    The largest part without a name stays the group it was. One decision; None when that would change nothing.
    """
    waiting = set(cluster.faces.untagged().values_list("pk", flat=True))
    of_people = [(target, waiting.intersection(faces)) for target, faces in named.items()]
    of_groups = sorted((waiting.intersection(faces) for faces in unnamed), key=len, reverse=True)
    parts = [(target, faces) for target, faces in [*of_people, *((None, faces) for faces in of_groups)] if faces]
    if len(parts) < 2 and not any(target for target, _ in parts):
        return None
    wait_for_lock(Job.CLUSTERS, cluster.owner_id)
    outcomes: dict[int, Outcome] = {}
    stays: Cluster | None = cluster
    for side, (target, faces) in enumerate(parts, start=1):
        if target is not None:
            state = FaceState(person=target.pk, tagged_by=Face.TaggedBy.USER)
        else:
            state = FaceState(cluster=(stays or Cluster.objects.create(owner=cluster.owner)).pk)
            stays = None
        outcome = Outcome(state, side=side, only_if=lambda face: face.cluster == cluster.pk)
        outcomes |= dict.fromkeys(faces, outcome)
    return decide(cluster.owner, Verb.SPLIT, outcomes, actor=actor)


def same(owner: User, faces: Iterable[int], others: Iterable[int], *, actor: User) -> Decision | None:
    """Say that two groups of faces show one person. Nobody gets a name; grouping and suggestions follow it."""
    return _say_of_two(owner, Verb.SAME, faces, others, actor=actor)


def different(owner: User, faces: Iterable[int], others: Iterable[int], *, actor: User) -> Decision | None:
    """Say that no face of the one group shows whom the other group shows."""
    return _say_of_two(owner, Verb.DIFFERENT, faces, others, actor=actor)


def different_people(person: Person, other: Person, *, actor: User) -> Decision | None:
    """Say that two people, however alike, are two. That they are one is said by `merge`."""
    if person == other or person.owner_id != other.owner_id:
        return None
    if tuple(sorted((person.pk, other.pk))) in constraints.people_apart(person.owner_id):
        return None
    return decide_on_people(person, other, Verb.DIFFERENT, actor=actor)


def of_two(
    question: Question, *, is_same: bool, actor: User, counted: Collection[int] | None = None
) -> Decision | None:
    """Answer "Same person?": two people who are one are merged, into the one of more faces.

    counted: the faces that were in two groups when the question was shown, or those of the person who goes away; None
    takes those of now.
    """
    if question.person and question.other_person:
        if is_same:
            return merge(question.other_person, question.person, counted=counted, actor=actor)
        return different_people(question.person, question.other_person, actor=actor)
    sides = (set(faces.values_list("pk", flat=True)) for faces in question.sides())
    one, other = sides if counted is None else (side.intersection(counted) for side in sides)
    return (same if is_same else different)(question.owner, one, other, actor=actor)


def repeat(photo: Photo, *, actor: User) -> Decision | None:
    """Say that a photo shows somebody more than once, in a mirror or as a collage. Undo says the opposite."""
    if photo.pk in constraints.repeat_photos(photo.owner_id):
        return None
    outcomes = dict.fromkeys(photo.faces.values_list("pk", flat=True), Outcome())
    return decide(photo.owner, Verb.REPEAT, outcomes, actor=actor)


def repeated(photo: Photo) -> list[Decision]:
    """The decisions in force that say so of a photo."""
    said = Decision.objects.filter(owner=photo.owner_id, verb=Verb.REPEAT, is_in_force=True)
    return list(said.filter(changes__photo_sha256=photo.sha256).distinct().order_by("-pk"))


def _say_of_two(
    owner: User, verb: Decision.Verb, faces: Iterable[int], others: Iterable[int], *, actor: User
) -> Decision | None:
    some = _owned(owner, faces)
    rest = _owned(owner, others) - some
    if not some or not rest or _was_said_last(verb, some, rest):
        return None
    outcomes = dict.fromkeys(some, Outcome(side=1)) | dict.fromkeys(rest, Outcome(side=2))
    return decide(owner, verb, outcomes, actor=actor)


def _owned(owner: User, faces: Iterable[int]) -> set[int]:
    return set(Face.objects.owned_by(owner).filter(pk__in=list(faces)).values_list("pk", flat=True))


def _was_said_last(verb: Decision.Verb, some: set[int], others: set[int]) -> bool:
    """Whether just this is what was said last of any of these faces: a second click is no second decision."""
    said = Decision.objects.filter(verb__in=[Verb.SAME, Verb.DIFFERENT], is_in_force=True)
    last = said.filter(changes__face__in=some | others).order_by("-pk").first()
    if last is None or last.verb != verb:
        return False
    sides = {1: set[int](), 2: set[int]()}
    for face, side in last.changes.values_list("face_id", "side"):
        sides[side or 1].add(face or 0)
    return list(sides.values()) in ([some, others], [others, some])


def _is_named(face: FaceState, person: int, *, by: str) -> bool:
    return face.person == person and face.tagged_by == by
