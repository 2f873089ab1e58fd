"""What merging people would do, for the dialog that asks before it is done; and who somebody became by it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import ceil

from django.db.models import Avg, Case, Count, F, When
from pgvector.django import CosineDistance

from accounts.models import User
from people.models import Change, Decision, Face, Person
from people.models.face import FaceQuerySet
from photos.models import Photo
from photos.models.photo import PhotoQuerySet

LEAST_ALIKE = 6  # faces shown, of all of them together
MOST_MERGES = 10  # one after the other, that are followed
PHOTOS_SHOWN = 4  # of those that show two of them


@dataclass
class Side:
    """One of the people to merge. strangest: faces of theirs least like those of the others, the least alike first."""

    person: Person
    face_count: int
    photo_count: int
    strangest: list[Face] = field(default_factory=list)


@dataclass(frozen=True)
class Preview:
    """Sides, who has most faces first; photos that show two of them (a few), and how many there are.

    counted: primary keys of all their faces: the merge is about no others, whatever gets these names meanwhile.
    """

    sides: list[Side]
    counted: list[int]
    together: list[Photo]
    together_count: int


def preview(people: Sequence[Person]) -> Preview:
    """What a merge of two or more people of one owner would bring together. They are to have faces."""
    faces = Face.objects.filter(person__in=people)
    counts = faces.order_by().values_list("person").annotate(Count("pk"), Count("photo", distinct=True))
    count_of = {pk: (face_count, photo_count) for pk, face_count, photo_count in counts}
    sides = [Side(person, *count_of.get(person.pk, (0, 0))) for person in people]
    sides.sort(key=lambda side: (-side.face_count, side.person.pk))
    shown = max(1, ceil(LEAST_ALIKE / max(len(sides), 1)))
    for side in sides[:LEAST_ALIKE]:
        side.strangest = _least_like(faces.exclude(person=side.person), faces.filter(person=side.person), shown)
    photos = _photos_with_two(people)
    return Preview(
        sides, list(faces.values_list("pk", flat=True)), list(photos.newest_first()[:PHOTOS_SHOWN]), photos.count()
    )


def merged_into(owner: User, gone: Collection[int]) -> dict[int, Person]:
    """Whose faces those of people became, by merges that stand: of primary keys of people who have none any more."""
    now = {pk: pk for pk in gone}
    for _ in range(MOST_MERGES):
        people = Person.objects.owned_by(owner).with_faces().in_bulk(set(now.values()))
        lost = set(now.values()) - people.keys()
        further = _last_merges(owner, lost) if lost else {}
        if not further:
            break
        now = {pk: further.get(person, person) for pk, person in now.items()}
    return {pk: people[person] for pk, person in now.items() if person in people}


def _last_merges(owner: User, gone: Collection[int]) -> dict[int, int]:
    merges = Change.objects.filter(
        decision__owner=owner, decision__verb=Decision.Verb.MERGE, decision__is_in_force=True
    )
    rows = merges.filter(before__person__in=sorted(gone)).order_by("decision").distinct()
    return {
        before: into for before, into, _ in rows.values_list("before__person", "decision__person", "decision") if into
    }


def least_alike_first(faces: FaceQuerySet, *, to: FaceQuerySet | None = None) -> FaceQuerySet:
    """Order faces by how far they are from the mean of others, of themselves if none are given: mistakes come first.

    Faces of another model than most do not compare, and come last. Worked out by PostgreSQL, in two queries.
    """
    models = (to if to is not None else faces).order_by().values("model").annotate(Avg("projection"), n=Count("pk"))
    most = models.order_by("-n", "model").values_list("model", "projection__avg").first()
    if most is None:
        return faces.order_by("pk")
    model, mean = most
    # Projections of another model may have another length: PostgreSQL must not even try.
    distance = Case(When(model=model, then=CosineDistance("projection", mean)))
    return faces.annotate(distance=distance).order_by(F("distance").desc(nulls_last=True), "pk")


def _least_like(others: FaceQuerySet, theirs: FaceQuerySet, count: int) -> list[Face]:
    ordered = least_alike_first(theirs, to=others)
    return list(ordered.without_vectors().select_related("photo")[:count])


def _photos_with_two(people: Collection[Person]) -> PhotoQuerySet:
    both = Face.objects.filter(person__in=people).order_by().values("photo").annotate(n=Count("person", distinct=True))
    return Photo.objects.filter(pk__in=both.filter(n__gte=2).values("photo"))
