"""A user who knows all the labels answers the review queue: how many clicks until the faces have their names.

The queue, the ledger, grouping and suggestions are the product's own, on a library in PostgreSQL. The user sees what
the page shows and nothing else: a wrong face that is not shown gets the group's name, and is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from accounts.models import User
from ml.evaluation.answers import AnswerCurve
from ml.evaluation.labelled_faces import LabelledFaces
from people import answers
from people.asked import Asked, asked_about_group, asked_about_person
from people.grouping import group_owner
from people.models import Face, Person, Question, Upkeep
from people.review import Card, forecast, next_card
from people.suggestions import refresh_suggestions
from photos.models import Photo

Report = Callable[[int, int], object]  # faces rightly named, and answers so far

Kind = Question.Kind


@transaction.atomic
def make_library(owner: User, faces: LabelledFaces, *, model: str) -> list[int]:
    """Store labelled faces as if they had been found in photos of this owner; return their primary keys, row by row."""
    names = list(dict.fromkeys(faces.files.tolist()))
    photos = Photo.objects.bulk_create(_photo(owner, name) for name in names)
    photo_of = dict(zip(names, photos, strict=True))
    rows = Face.objects.bulk_create(
        (_face(photo_of[str(faces.files[n])], n, faces, model) for n in range(len(faces))), 500
    )
    return [face.pk for face in rows]


def _photo(owner: User, name: str) -> Photo:
    return Photo(
        owner=owner,
        name=name[-255:],
        sha256=sha256(name.encode()).hexdigest(),
        media_type="image/jpeg",
        original="",
        byte_size=0,
        width=1,
        height=1,
        taken_at="2000-01-01T00:00Z",
        stage=Photo.Stage.GROUPING,
    )


def _face(photo: Photo, number: int, faces: LabelledFaces, model: str) -> Face:
    return Face(
        photo=photo,
        left=number / len(faces),
        top=0,
        width=1 / len(faces),
        height=1,
        landmarks=[0.0] * 10,
        detection_score=1,
        quality=float(faces.qualities[number]),
        embedding=faces.embeddings[number],
        projection=faces.projections[number],
        model=model,
    )


@dataclass
class SimulatedUser:
    """Answers as the labels say.

    people: of each face, by primary key, whose it is. to_name: people whom the user knows; others are strangers, and
    set aside.
    """

    owner: User
    people: dict[int, int]
    to_name: set[int]
    known: dict[int, Person] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def answer(self, card: Card) -> int:
        """Answer a question, and return with how many clicks."""
        match card.question.kind:
            case Kind.PERSON:
                return self._answer_about_person(card)
            case Kind.GROUP:
                return self._answer_about_group(card)
            case _:
                return self._answer_about_two(card)

    def name_alone(self, face: int) -> int:
        """Name one face on the page of people."""
        person = self.people[face]
        if person in self.to_name:
            answers.confirm(self._person(person), [face], actor=self.owner)
        else:
            answers.ignore(self.owner, [face], actor=self.owner)
        return 1

    def _answer_about_person(self, card: Card) -> int:
        person = card.question.person
        assert person is not None
        shown = [each.face.pk for each in card.asked]
        right = [face for face in shown if self.known.get(self.people[face]) == person]
        asked = asked_about_person(self.owner, person, shown)
        if not right:
            answers.reject(person, asked.seen, actor=self.owner)
            return 1
        ticked = asked.of(right)
        answers.confirm(person, ticked, but_not=asked.seen - ticked, actor=self.owner)
        return 1 + _ticks(len(shown) - len(right), len(right))

    def _answer_about_group(self, card: Card) -> int:
        cluster = card.question.cluster
        assert cluster is not None
        shown = [each.face.pk for each in card.asked]
        asked = asked_about_group(self.owner, cluster, shown)
        counts = Counter(self.people[face] for face in shown if self.people[face] in self.to_name)
        if not counts:
            answers.ignore(self.owner, asked.all_shown | asked.unseen, actor=self.owner)
            return 1
        person = counts.most_common(1)[0][0]
        if counts[person] * 2 <= len(shown):  # too mixed to name what is not shown: look at the whole group
            shown, asked = sorted(asked.all_shown | asked.unseen), Asked({})
        right = [face for face in shown if self.people[face] == person]
        wrong = set(shown) - set(right)
        answers.confirm(self._person(person), asked.unseen | set(right), but_not=wrong, actor=self.owner)
        return 1 + _ticks(len(wrong), len(right))

    def _answer_about_two(self, card: Card) -> int:
        sides = [{self.people[face.pk] for face in faces} for faces in (card.references, [a.face for a in card.asked])]
        if any(len(side) > 1 for side in sides):  # what is shown of one side is not one person
            self.skipped.append(card.question.key)
        else:
            answers.of_two(card.question, is_same=sides[0] == sides[1], actor=self.owner)
        return 1

    def _person(self, person: int) -> Person:
        if person not in self.known:
            self.known[person] = Person.objects.create(owner=self.owner, name=f"Person {person}")
        return self.known[person]


def _ticks(wrong: int, right: int) -> int:
    """Clicks to untick the wrong ones; or to untick all at once and tick the right ones, if these are fewer."""
    return min(wrong, 1 + right)


@dataclass(frozen=True)
class Review:
    """How a review went. forecasts: before each question, the clicks that the page said were left to 95 %."""

    curve: AnswerCurve
    forecasts: list[int]


def review_all(user: SimulatedUser, *, share: float, report: Report = lambda right, answers: None) -> Review:
    """Answer questions until a share of the faces to be named bears its name, or nothing is left to ask.

    What the queue does not ask about is then named alone, the clearest faces first, as the page of people shows them.
    """
    faces = sum(person in user.to_name for person in user.people.values())
    clicks, right, wrong, forecasts = [0], [0], [0], []
    group_owner(user.owner.pk)
    for cost, left in _answered(user):
        forecasts.append(left)
        named_right, named_wrong = _named(user)
        clicks.append(clicks[-1] + cost)
        right.append(named_right)
        wrong.append(named_wrong)
        report(named_right, clicks[-1])
        if named_right >= share * faces:
            break
    return Review(AnswerCurve(_whole(clicks), _whole(right), _whole(wrong), faces), forecasts)


def _answered(user: SimulatedUser) -> Iterator[tuple[int, int]]:
    """Give one answer after the other, and say how many clicks each took and what the forecast was before it.

    Between them the workers do what they do after an answer.
    """
    while True:
        _work(user.owner.pk)
        card = next_card(user.owner, skipped=user.skipped)
        if card is None:
            break
        left = forecast(user.owner).answers
        yield user.answer(card), left
    for face in Face.objects.owned_by(user.owner).untagged().order_by("-quality", "pk").values_list("pk", flat=True):
        yield user.name_alone(face), 0


def _work(owner_id: int) -> None:
    if Upkeep.objects.without_groups().filter(pk=owner_id).exists():
        group_owner(owner_id)
    refresh_suggestions(owner_id)


def _named(user: SimulatedUser) -> tuple[int, int]:
    """How many faces bear their name, and how many a wrong one."""
    label_of = {person.pk: label for label, person in user.known.items()}
    named = Face.objects.owned_by(user.owner).filter(person__isnull=False).values_list("pk", "person_id")
    is_right = [label_of[person or 0] == user.people[face] for face, person in named]
    return sum(is_right), len(is_right) - sum(is_right)


def _whole(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)
