"""Names the machine gave that have since come to stand against what users said: it takes them off itself."""

from people import constraints
from people.early_years import births_of, days_of, is_unborn, years_at
from people.ledger import Outcome, decide
from people.models import Change, Decision, Face
from people.tracks import FaceState

Machine = Face.TaggedBy.MACHINE


def take_off_contradicted(owner_id: int) -> Decision | None:
    """Take the machine's names off faces that cannot bear them: one decision, which can be undone.

    What a user named stays. A face whose name a user brought back by undoing this is left alone for good.
    """
    named = Face.objects.filter(photo__owner=owner_id, tagged_by=Machine)
    rows = list(named.values_list("pk", "person", "photo"))
    if not rows:
        return None
    wrong = _ruled_out(owner_id, rows) | _of_nobody_confirmed(owner_id, rows)
    wrong |= _beside_themselves(owner_id, rows) | _before_birth(owner_id, rows)
    wrong -= _brought_back(owner_id)
    if not wrong:
        return None
    outcome = Outcome(FaceState(), only_if=lambda face: face.tagged_by == Machine)
    owner = named.filter(pk__in=wrong).select_related("photo__owner")[0].photo.owner
    return decide(owner, Decision.Verb.TAG, dict.fromkeys(wrong, outcome), actor=None)


Rows = list[tuple[int, int, int]]  # face, person, photo


def _ruled_out(owner_id: int, rows: Rows) -> set[int]:
    said = constraints.Constraints.of(owner_id)
    pairs, pulled = said.ruled_out(), said.pulled()
    return {face for face, person, _ in rows if (face, person) in pairs or pulled.get(face, person) != person}


def _of_nobody_confirmed(owner_id: int, rows: Rows) -> set[int]:
    """Whose person has no face left that a user named: what the name was given for was taken back."""
    confirmed = Face.objects.filter(photo__owner=owner_id).gallery().order_by().values_list("person", flat=True)
    known = set(confirmed.filter(person__in={person for _, person, _ in rows}).distinct())
    return {face for face, person, _ in rows if person not in known}


def _beside_themselves(owner_id: int, rows: Rows) -> set[int]:
    """In whose photo a user named another face the same, and nobody said that it shows somebody more than once."""
    photos = {photo for _, _, photo in rows} - constraints.repeat_photos(owner_id)
    by_users = Face.objects.gallery().filter(photo__in=photos).values_list("photo", "person")
    said = set(by_users)
    return {face for face, person, photo in rows if (photo, person) in said}


def _before_birth(owner_id: int, rows: Rows) -> set[int]:
    births = births_of(owner_id)
    if not births:
        return set()
    days = days_of({photo for _, person, photo in rows if person in births})
    years = years_at(births, [person for _, person, _ in rows], [days.get(photo) for _, _, photo in rows])
    return {face for (face, _, _), unborn in zip(rows, is_unborn(years), strict=True) if unborn}


def _brought_back(owner_id: int) -> set[int]:
    """Faces of such decisions that were undone."""
    undone = Change.objects.filter(
        decision__owner=owner_id,
        decision__verb=Decision.Verb.TAG,
        decision__person=None,
        decision__is_in_force=False,
        after__person=None,
    )
    return {face for face in undone.values_list("face_id", flat=True) if face}
