"""The review queue as its page shows it: the best question that still stands, and how many answers are left."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import ceil

import numpy as np
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from accounts.models import User
from ml.projection import unit_rows
from people.constraints import Constraints, people_ruled_out
from people.early_years import not_born_by
from people.models import Cluster, Face, Person, Question, Suggestion
from people.models.cluster import SMALLEST_GROUP
from people.models.face import FaceQuerySet
from people.models.question import QuestionQuerySet
from people.tiles import TILES, AskedTiles, asked_as_somebodys, best_screen, tiles_of
from people.vectors import load_faces
from photos.face_model import suggestion_distance

CLEAREST_SHOWN = 4  # of a group too large for one screen; the others shown are those least like it
SHOWN_OF_TWO = 6  # of each, where two are compared
REFERENCES = 4
LOOKED_THROUGH = 500  # of somebody's confirmed faces, for those
AT_ONCE = 20  # questions looked at for one that still stands
OTHERS = 3
# As many times as far as a suggestion goes: worth a key, not worth a question.
OTHERS_AS_FAR = 1.67

Kind = Question.Kind
EVERYTHING = Q()


@dataclass(frozen=True)
class AskedFace:
    """A face to tick, and the group it stands for: so many faces more, which the page does not show."""

    face: Face
    more: int = 0


@dataclass(frozen=True)
class Card:
    """A question with all its page shows.

    asked: the faces in question. references: faces to compare them with, of the person, or of the first of two groups.
    others: people who are one key away. settles: faces that an answer settles. count: faces of the first of two.
    counted: primary keys of all faces the answer is about, shown or not: it is about no others, whatever joins them.
    theirs: all that is asked about the person, of which this is the best screen.
    """

    question: Question
    asked: list[AskedFace]
    settles: int
    references: list[Face] = field(default_factory=list)
    others: list[Person] = field(default_factory=list)
    count: int = 0
    counted: list[int] = field(default_factory=list)
    theirs: AskedTiles | None = field(default=None, compare=False)

    @property
    def asked_faces(self) -> list[Face]:
        return [each.face for each in self.asked]

    @property
    def counted_text(self) -> str:
        """As its form sends them. Not `join` of the template, which looks at thousands one by one."""
        return ",".join(map(str, self.counted))

    @property
    def unseen(self) -> int:
        """Faces of the group that a name settles without being shown."""
        return self.settles - len(self.asked) if self.question.kind == Kind.GROUP else 0


@dataclass(frozen=True)
class Forecast:
    """What is left.

    answers: until 95 % of the faces that can get a name have it. questions: in all. skipped: those that wait beside
    them, and count for neither. is_reached: the 95 %, whatever was skipped.
    """

    answers: int
    questions: int
    skipped: int
    is_reached: bool


def next_card(
    owner: User,
    *,
    skipped: Collection[str] = (),
    within: Q = EVERYTHING,
    only: Collection[str] | None = None,
    settled: Collection[int] = (),
    read: AskedTiles | None = None,
) -> Card | None:
    """The question that settles most faces per answer, or None when all are answered or skipped.

    `within` asks only questions of which this holds, `only` one of those with these keys. `settled` are faces, by
    primary key, that another answer is about to settle: no question about them is asked. `read` is what is asked about
    one person, if it is known already.
    """
    questions = _open(owner, skipped, within)
    if only is not None:
        questions = questions.keyed(only)
    questions = questions.select_related("person", "cluster", "other_person", "other_cluster")
    for question in _in_parts(questions.best_first()):
        card = _card(owner, question, settled, read)
        if card is not None:
            return card
    return None


def _in_parts(questions: QuerySet[Question]) -> Iterator[Question]:
    """Mostly the first one stands. Not iterator(): its cursor makes PostgreSQL read and keep all of them."""
    for start in count(0, AT_ONCE):
        some = list(questions[start : start + AT_ONCE])
        yield from some
        if len(some) < AT_ONCE:
            return


def forecast(owner: User, *, skipped: Collection[str] = (), within: Q = EVERYTHING) -> Forecast:
    needed = Q(is_needed=True)
    counts = {"answers": Sum("answers", filter=needed, default=0.0), "needed": Count("pk", filter=needed)}
    left = _open(owner, skipped, within).aggregate(questions=Count("pk"), **counts)
    every = _open(owner, (), within).aggregate(questions=Count("pk"), **counts) if skipped else left
    return Forecast(
        answers=ceil(round(left["answers"], 6)),
        questions=left["questions"],
        skipped=every["questions"] - left["questions"],
        is_reached=not every["needed"],
    )


def count_questions(owner: User, *, skipped: Collection[str] = ()) -> int:
    """How many questions are open: those folded away as strangers' do not count."""
    return _open(owner, skipped).count()


def still_stands(question: Question) -> bool:
    """Whether anything of a question is left to answer."""
    if question.kind == Kind.PERSON:
        return bool(tiles_of(Suggestion.objects.filter(person=question.person_id)))
    if question.kind == Kind.SAME:
        return all(side.exists() for side in question.sides()) and not _was_compared(question)
    if question.cluster is None:
        return False
    return unasked_faces(question.cluster).count() >= SMALLEST_GROUP


def _was_compared(question: Question) -> bool:
    """Whether users said of the two that they are one, or that they are not."""
    said = Constraints.of(question.owner_id)
    if question.person_id and question.other_person_id:
        pair = sorted((question.person_id, question.other_person_id))
        return tuple(pair) in said.people_apart()
    one, other = (set(side.values_list("pk", flat=True)) for side in question.sides())
    spoken_of = [face for face in one | other if face in said.bonds]
    pairs = np.concatenate([said.apart(spoken_of), said.together(spoken_of)])
    return bool((np.isin(pairs, list(one)).any(axis=1) & np.isin(pairs, list(other)).any(axis=1)).any())


def _open(owner: User, skipped: Collection[str] = (), within: Q = EVERYTHING) -> QuestionQuerySet:
    questions = Question.objects.owned_by(owner).open().filter(within)
    return questions.exclude(pk__in=questions.keyed(skipped).values("pk")) if skipped else questions


def _card(owner: User, question: Question, settled: Collection[int], read: AskedTiles | None = None) -> Card | None:
    """The question as it stands now; None when answers since have settled it, or one is about to change it."""
    match question.kind:
        case Kind.PERSON:
            return _about_person(owner, question, settled, read)
        case Kind.GROUP:
            card = _about_group(owner, question)
        case _:
            card = _about_two(question)
    return card if card and not set(settled).intersection(card.counted) else None


def _about_person(
    owner: User, question: Question, settled: Collection[int], read: AskedTiles | None = None
) -> Card | None:
    assert question.person is not None
    asked_of_them = read if read and read.person == question.person.pk else AskedTiles.of(question.person.pk)
    theirs = asked_of_them.without(settled)
    screen = best_screen(theirs.tiles)
    if not screen.tiles:
        return None
    of_face = {theirs.faces[tile.key][0]: tile for tile in screen.tiles}  # each shown by its clearest
    shown = _shown(sorted(of_face, key=lambda face: (-of_face[face].probability, face)))
    asked = [AskedFace(face, of_face[face.pk].faces - 1) for face in shown]
    return Card(
        question=question,
        asked=asked,
        settles=sum(1 + each.more for each in asked),
        references=reference_faces(question.person),
        others=likely_people(owner, shown, but_not=question.person),
        counted=[face for each in shown for face in theirs.faces[of_face[each.pk].key]],
        theirs=asked_of_them,
    )


def _about_group(owner: User, question: Question) -> Card | None:
    assert question.cluster is not None
    # Which they are is worked out once: it takes as long as all the rest.
    clearest_first = list(unasked_faces(question.cluster).order_by("-quality", "pk").values_list("pk", flat=True))
    counted = sorted(clearest_first)
    if len(counted) < SMALLEST_GROUP:
        return None
    shown = _shown(clearest_first if len(counted) <= TILES else _clearest_and_least_alike(clearest_first))
    return Card(
        question=question,
        asked=[AskedFace(face) for face in shown],
        settles=len(counted),
        others=likely_people(owner, shown),
        counted=counted,
    )


def unasked_faces(cluster: Cluster) -> FaceQuerySet:
    """Faces of a group that wait for a name and are not asked about as somebody's."""
    asked = Suggestion.objects.filter(asked_as_somebodys(), face=OuterRef("pk"))
    return cluster.faces.untagged().filter(~Exists(asked))


def _about_two(question: Question) -> Card | None:
    one, other = question.sides()
    count, settles = one.count(), other.count()
    if not count or not settles:
        return None
    # Of two people the second one's faces get the other name.
    counted = list((other if question.person_id else one | other).values_list("pk", flat=True))
    return Card(
        question=question,
        asked=[AskedFace(face) for face in _clearest(other, SHOWN_OF_TWO)],
        settles=settles,
        references=_clearest(one, SHOWN_OF_TWO),
        count=count,
        counted=counted,
    )


def _clearest(faces: FaceQuerySet, count: int) -> list[Face]:
    # With the projection: who else it may be is asked of the first one.
    return list(faces.without_other_vectors().select_related("photo").order_by("-quality", "pk")[:count])


def _clearest_and_least_alike(clearest_first: Sequence[int]) -> list[int]:
    """Some of the clearest faces of a group, and those least like it: they show who does not belong."""
    clearest = list(clearest_first[:CLEAREST_SHOWN])
    model = Face.objects.filter(pk__in=clearest).aggregate(Max("model"))["model__max"]
    faces = load_faces(Face.objects.filter(pk__any_of=clearest_first).embedded_by(model))
    like = faces.rows @ unit_rows(faces.rows.mean(axis=0, keepdims=True))[0]
    rest = ~np.isin(faces.pks, clearest)
    least_alike: list[int] = faces.pks[rest][np.argsort(like[rest], kind="stable")].tolist()
    return clearest + least_alike[: TILES - len(clearest)]


def _shown(pks: Sequence[int]) -> list[Face]:
    """With the projection: who else it may be is asked of the first one."""
    faces = Face.objects.without_other_vectors().select_related("photo").in_bulk(pks)
    return [faces[pk] for pk in pks if pk in faces]


def reference_faces(person: Person) -> list[Face]:
    """Confirmed faces to compare with: the best of each quarter of the years known, oldest first.

    Of somebody with thousands only the clearest are looked through: their photos say when it was.
    """
    clearest = person.faces.gallery().order_by("-quality", "pk").values("pk")[:LOOKED_THROUGH]
    dated = Face.objects.filter(pk__in=clearest).order_by("photo__taken_at", "pk")
    known = list(dated.values_list("quality", "pk"))
    step = max(len(known) / REFERENCES, 1)
    quarters = [known[round(i * step) : round((i + 1) * step)] for i in range(min(REFERENCES, len(known)))]
    best = [max(quarter, key=lambda row: row[0])[1] for quarter in quarters]
    # Whole rows only of those shown: of a thousand they took half of the time of an answer.
    faces = Face.objects.without_vectors().select_related("photo").in_bulk(best)
    return [faces[pk] for pk in best if pk in faces]


def likely_people(owner: User, faces: Collection[Face], *, but_not: Person | None = None) -> list[Person]:
    """Other named people the first of these faces may show, the most alike first, for the keys 1 to 3.

    Nobody whom one of the faces was said not to be.
    """
    probe = next(iter(faces), None)
    if probe is None:
        return []
    people = Person.objects.owned_by(owner).filter(is_hidden=False).exclude(pk__in=not_born_by(probe))
    people = people.exclude(pk=but_not.pk) if but_not else people
    people = people.exclude(pk__in=people_ruled_out(owner.pk, {face.pk for face in faces}))
    farthest = OTHERS_AS_FAR * suggestion_distance(probe.model)
    most_like = people.most_like(probe)[:OTHERS]
    return [person for person in most_like if person.distance is not None and person.distance <= farthest]
