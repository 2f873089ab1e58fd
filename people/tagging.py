"""Names faces by itself, where the owner wants that, within the share of wrong names the owner allows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from ml.calibration import within_budget
from people import answers
from people.ledger import Outcome, decide
from people.models import Decision, Face, Library, Person, Suggestion
from people.tracks import FaceState

# One wrong name in so many, as the settings offer it.
BUDGETS = (50, 200, 1000)

Nameable = tuple[int, int, float]  # a face, the person it may be, how probable that is


def name_surest(owner_id: int) -> int:
    """Name the surest of the faces that wait, if the owner wants that; return how many.

    The names given so far were within the budget when they were given, so with these they are again.
    """
    library = Library.objects.filter(owner=owner_id, is_tagging=True).first()
    if library is None:
        return 0
    faces: defaultdict[int, list[int]] = defaultdict(list)
    for face, named_as in would_name(owner_id, library.one_wrong_in).items():
        faces[named_as].append(face)
    named = 0
    for person in Person.objects.filter(pk__in=faces):
        # Read again for each: the owner may have turned it off meanwhile.
        if Library.objects.filter(owner=owner_id, is_tagging=True).exists():
            decision = answers.tag(person, faces[person.pk])
            named += decision.changes.count() if decision is not None else 0
    return named


def would_name(owner_id: int, one_wrong_in: int) -> dict[int, int]:
    """The person of each face that a budget lets the machine name now, by primary keys; hidden people are not named."""
    rows = _nameable(owner_id)
    chosen = within_budget(_probabilities(rows), one_wrong_in=one_wrong_in)
    return {face: person for (face, person, _), is_chosen in zip(rows, chosen, strict=True) if is_chosen}


def count_nameable(owner_id: int, budgets: Iterable[int]) -> list[int]:
    """How many faces each of these budgets would let the machine name now."""
    probabilities = _probabilities(_nameable(owner_id))
    return [int(within_budget(probabilities, one_wrong_in=budget).sum()) for budget in budgets]


def _probabilities(rows: Sequence[Nameable]) -> NDArray[np.float64]:
    return np.array([row[2] for row in rows], dtype=np.float64)


def _nameable(owner_id: int) -> list[Nameable]:
    suggested = Suggestion.objects.filter(person__owner=owner_id, person__is_hidden=False)
    waiting = suggested.filter(face__person=None, face__is_ignored=False).order_by("face")
    taken_back = answers.names_taken_back(owner_id)
    return [row for row in waiting.values_list("face", "person", "probability") if row[:2] not in taken_back]


def change_naming(owner: User, *, is_tagging: bool, one_wrong_in: int) -> None:
    """Turn it on or off, or change the budget. Names that were given stay."""
    Library.objects.update_or_create(owner=owner, defaults={"is_tagging": is_tagging, "one_wrong_in": one_wrong_in})


def count_named(owner: User) -> int:
    """Faces that bear a name of the machine."""
    return Face.objects.owned_by(owner).filter(tagged_by=Face.TaggedBy.MACHINE).count()


def take_back(owner: User) -> Decision | None:
    """Take back all names the machine gave that nobody confirmed: one decision, which can be undone."""
    named = Face.everywhere.owned_by(owner).filter(tagged_by=Face.TaggedBy.MACHINE).values_list("pk", flat=True)
    outcome = Outcome(FaceState(), only_if=lambda face: face.tagged_by == Face.TaggedBy.MACHINE)
    return decide(owner, Decision.Verb.REMOVE, dict.fromkeys(named, outcome), actor=owner)
