"""Suggestions that an answer took away and an undo brings back at once, before the worker comes by."""

from people.answered import key_of
from people.models import Decision, Face, Person, Suggestion
from people.models.question import KEY

# Until the worker has looked: as sure as most questions are, so that the same faces are asked about again.
PROBABILITY = 0.9


def suggest_again(undo: Decision) -> list[int]:
    """If an undone answer was to "Is this Ann?", suggest Ann for its faces again; return the people suggested.

    Call within a transaction.
    """
    act = undo
    while act.undoes is not None:  # an undo of what was done again
        act = act.undoes
    match = KEY.fullmatch(key_of(act.card))
    if act.is_in_force or match is None or match[1] != "p" or match[3]:
        return []
    person = Person.objects.filter(owner=undo.owner_id, pk=match[2]).first()
    nearest = person.faces.gallery().order_by("-quality", "pk").values_list("pk", flat=True).first() if person else None
    if person is None or nearest is None:
        return []
    freed = Face.objects.filter(changes__decision__in=[undo, act]).untagged().values_list("pk", flat=True)
    faces = set(freed) - {nearest}
    # As the worker does: all rows that a suggestion refers to, in order, so that nobody waits for the other.
    list(Face.objects.filter(pk__in=faces | {nearest}).order_by("pk").select_for_update(of=("self",)).values("pk"))
    again = [
        Suggestion(face_id=face, person=person, probability=PROBABILITY, distance=0.0, nearest_id=nearest)
        for face in sorted(faces)
    ]
    Suggestion.objects.bulk_create(again, ignore_conflicts=True)
    return [person.pk] if again else []
