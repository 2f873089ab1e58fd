"""Questions about people and groups, and what each is worth.

A question is worth as many faces as its answer is expected to settle, per click: one for the answer, and one for each
tick that is expected to be taken away.
"""

from collections.abc import Collection
from functools import cache
from itertools import groupby

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from accounts.models import User
from people.acquaintance import Acquaintance
from people.locks import Job, wait_for_lock
from people.models import Decision, Face, Question, Suggestion
from people.models.cluster import SMALLEST_GROUP
from people.models.counting import CountOf
from people.review import still_stands
from people.suggested_again import suggest_again
from people.tiles import asked_as_somebodys, best_screen, tile_suggestions, tiles_of
from photos.models import Photo
from photos.transactions import atomic_again

# Of a hundred faces in a group, so many are somebody else (measured: docs/naming.md).
MISTAKES = 0.01
# A group seen on one day only is of strangers, unless it is large, or the whole library is of few days.
MOST_FACES_OF_STRANGERS = 4
FEWEST_DAYS = 10

COMPARING = (Decision.Verb.SAME, Decision.Verb.DIFFERENT, Decision.Verb.MERGE)


def about_people(owner_id: int, only: Collection[int] | None = None) -> list[Question]:
    """One question for each person with suggestions: what its best screen is worth."""
    suggestions = Suggestion.objects.filter(face__photo__owner=owner_id)
    suggestions = suggestions if only is None else suggestions.filter(person__in=only)
    tiles = sorted(tiles_of(suggestions), key=lambda tile: tile.person)
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
    chance = cache(Acquaintance.of(owner_id).chance)
    return [
        Question(
            owner_id=owner_id,
            kind=Question.Kind.GROUP,
            cluster_id=row["cluster"],
            faces=row["faces"],
            answers=1 + MISTAKES * row["faces"],
            worth=row["faces"] * chance(row["faces"]) / (1 + MISTAKES * row["faces"]),
            is_stranger=has_many_days
            and row["days"] == 1
            and not row["undated"]
            and row["faces"] <= MOST_FACES_OF_STRANGERS,
        )
        for row in counted
    ]


def _has_many_days(owner_id: int) -> bool:
    dated = Photo.objects.filter(owner=owner_id).exclude(taken_at_source=Photo.DateSource.UPLOAD)
    days = dated.order_by().annotate(day=TruncDate("taken_at")).values("day").distinct()
    return days[:FEWEST_DAYS].count() == FEWEST_DAYS


@atomic_again
def ask_again(undo: Decision) -> list[str]:
    """Ask again at once about what an undo brought back, before the worker ranks all questions; return their keys.

    A person whose card it was, groups whose faces wait for a name again, and two that were said to be one, or two.
    """
    wait_for_lock(Job.CLUSTERS, undo.owner_id)  # the worker ranks under it
    people = suggest_again(undo)
    back = about_people(undo.owner_id, people) if people else _compared(undo) or _freed(undo)
    for question in back:
        question.is_needed = True  # as far as one knows: else the forecast would leave it out
    keys = {question.key for question in back}
    asked = {question.key for question in Question.objects.filter(owner=undo.owner_id).keyed(keys)}
    Question.objects.bulk_create(question for question in back if question.key not in asked)
    return sorted(keys)


def _freed(undo: Decision) -> list[Question]:
    """The groups of the faces that an undo freed."""
    faces = Face.objects.filter(changes__decision=undo, cluster__isnull=False).untagged()
    clusters = set(faces.order_by().values_list("cluster", flat=True))
    return about_groups(undo.owner_id, clusters) if clusters else []


def _compared(undo: Decision) -> list[Question]:
    """The question that an undone answer to "Same person?" was about."""
    act = undo
    while act.undoes is not None:  # an undo of what was done again
        act = act.undoes
    if act.is_in_force or act.verb not in COMPARING:
        return []
    if act.person_id and act.other_id:
        return _about_two(undo.owner_id, person_id=act.person_id, other_person_id=act.other_id)
    waiting = Face.objects.untagged().filter(cluster__isnull=False)
    sides = [waiting.filter(changes__decision=act, changes__side=side).first() for side in (1, 2)]
    if None in sides or len({face.cluster_id for face in sides if face}) < 2:
        return []
    one, other = (face.cluster_id for face in sides if face)
    return _about_two(undo.owner_id, cluster_id=one, other_cluster_id=other)


def _about_two(owner_id: int, **sides: int | None) -> list[Question]:
    question = Question(owner_id=owner_id, kind=Question.Kind.SAME, answers=1.0, **sides)
    one, other = (faces.count() for faces in question.sides())
    question.faces = min(one, other)
    question.worth = question.faces / 2  # the worker knows how probable it is
    return [question] if one and other else []


def drop_settled(owner: User, key: str) -> None:
    """After an answer: take its question out of the queue, unless something of it is left to answer."""
    for question in Question.objects.owned_by(owner).keyed([key]).select_related("cluster"):
        if not still_stands(question):
            question.delete()


def drop_emptied(owner_id: int, *, people: Collection[int], clusters: Collection[int]) -> None:
    """Take questions about these out of the queue of which nothing is left to answer; in as many queries for any."""
    questions = Question.objects.filter(owner=owner_id)
    suggested = tile_suggestions(Suggestion.objects.filter(person=OuterRef("person")))
    questions.filter(~Exists(suggested), kind=Question.Kind.PERSON, person__in=people).delete()
    waiting = Face.objects.untagged()
    as_somebodys = Suggestion.objects.filter(asked_as_somebodys(), face=OuterRef("pk"))
    unasked = waiting.filter(~Exists(as_somebodys), cluster=OuterRef("cluster"))
    groups = questions.filter(kind=Question.Kind.GROUP, cluster__in=clusters)
    groups.annotate(left=CountOf(unasked.values("pk"))).filter(left__lt=SMALLEST_GROUP).delete()
    for side in ("cluster", "other_cluster"):
        of_side = questions.filter(~Exists(waiting.filter(cluster=OuterRef(side))), **{f"{side}__in": clusters})
        of_side.filter(kind=Question.Kind.SAME).delete()
    for side in ("person", "other_person"):
        of_side = questions.filter(~Exists(Face.objects.filter(person=OuterRef(side))), **{f"{side}__in": people})
        of_side.filter(kind=Question.Kind.SAME).delete()


def strangers(owner: User) -> "QuerySet[Question, int | None]":
    """Groups that are folded away: of people seen on one day only."""
    folded = Question.objects.owned_by(owner).filter(kind=Question.Kind.GROUP, cluster__isnull=False, is_stranger=True)
    return folded.values_list("cluster", flat=True)
