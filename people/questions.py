"""Questions about people and groups, and what each is worth.

A question is worth as many faces as its answer is expected to settle, per click: one for the answer, and one for each
tick that is expected to be taken away.
"""

from collections.abc import Collection
from itertools import groupby

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import TruncDate

from people.models import Face, Question, Suggestion
from people.models.cluster import SMALLEST_GROUP
from people.tiles import asked_as_somebodys, best_screen, tiles_of
from photos.models import Photo

# Of a hundred faces in a group, so many are somebody else (measured: docs/naming.md).
MISTAKES = 0.01
# A group seen on one day only is of strangers, unless it is large, or the whole library is of few days.
MOST_FACES_OF_STRANGERS = 4
FEWEST_DAYS = 10


def about_people(owner_id: int) -> list[Question]:
    """One question for each person with suggestions: what its best screen is worth."""
    tiles = sorted(tiles_of(Suggestion.objects.filter(face__photo__owner=owner_id)), key=lambda tile: tile.person)
    questions = []
    for person, theirs in groupby(tiles, key=lambda tile: tile.person):
        all_tiles = list(theirs)
        screen = best_screen(all_tiles)
        faces = sum(tile.faces for tile in all_tiles)
        share = max(sum(tile.settled for tile in all_tiles), 1e-9) / max(screen.settled, 1e-9)
        questions.append(
            Question(
                owner_id=owner_id,
                kind=Question.Kind.PERSON,
                person_id=person,
                faces=faces,
                answers=screen.answers * share,
                worth=screen.worth,
            )
        )
    return questions


def about_groups(owner_id: int, only: Collection[int] | None = None) -> list[Question]:
    """One question for each group of which at least two faces are not asked about as somebody's."""
    as_somebodys = Suggestion.objects.filter(asked_as_somebodys(), face=OuterRef("pk"))
    grouped = Q(cluster__isnull=False) if only is None else Q(cluster__in=only)
    waiting = Face.objects.filter(grouped, photo__owner=owner_id).untagged()
    faces = waiting.filter(~Exists(as_somebodys))
    counted = (
        faces.order_by()
        .values("cluster")
        .annotate(
            faces=Count("pk"),
            days=Count(TruncDate("photo__taken_at"), distinct=True),
            undated=Count("pk", filter=Q(photo__taken_at_source=Photo.DateSource.UPLOAD)),
        )
        .filter(faces__gte=SMALLEST_GROUP)
    )
    has_many_days = _has_many_days(owner_id)
    return [
        Question(
            owner_id=owner_id,
            kind=Question.Kind.GROUP,
            cluster_id=row["cluster"],
            faces=row["faces"],
            answers=1 + MISTAKES * row["faces"],
            worth=row["faces"] * _has_a_name(row["faces"]) / (1 + MISTAKES * row["faces"]),
            is_stranger=has_many_days
            and row["days"] == 1
            and not row["undated"]
            and row["faces"] <= MOST_FACES_OF_STRANGERS,
        )
        for row in counted
    ]


def _has_a_name(faces: int) -> float:
    """How probable it is that the owner knows whom a group of so many faces shows: Laplace's rule of succession."""
    return faces / (faces + 1)


def _has_many_days(owner_id: int) -> bool:
    dated = Photo.objects.filter(owner=owner_id).exclude(taken_at_source=Photo.DateSource.UPLOAD)
    days = dated.order_by().annotate(day=TruncDate("taken_at")).values("day").distinct()
    return days[:FEWEST_DAYS].count() == FEWEST_DAYS


@transaction.atomic
def ask_again(owner_id: int, clusters: Collection[int]) -> None:
    """Ask about groups again at once that an undo brought back, before the worker ranks all questions."""
    asked = Question.objects.filter(owner=owner_id, kind=Question.Kind.GROUP, cluster__in=clusters)
    missing = set(clusters) - set(asked.values_list("cluster", flat=True))
    Question.objects.bulk_create(about_groups(owner_id, missing))
