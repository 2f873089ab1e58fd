"""The question after the one on screen, made ready before that is answered: it must be right whatever the answer is."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import User
from people.asked import Asked, asked_about_group, asked_about_person
from people.models import Cluster, Person, Question
from people.models.question import KEY
from people.review import Card, next_card, still_stands
from people.tiles import AskedTiles

Kind = Question.Kind


@dataclass(frozen=True)
class Shown:
    """A card that a page shows.

    key: of its question. faces: those to tick. counted: all faces its answer is about. opened: groups whose faces are
    ticked one by one. theirs: of a card that was made just now, all that is asked about its person.
    """

    key: str
    faces: Collection[int] = ()
    counted: Collection[int] = ()
    opened: Collection[int] = ()
    theirs: AskedTiles | None = None

    @classmethod
    def of(cls, card: Card) -> "Shown":
        return cls(card.question.key, [face.pk for face in card.asked_faces], card.counted, theirs=card.theirs)

    def people(self) -> list[int]:
        match = KEY.fullmatch(self.key)
        return [int(pk) for pk in (match[2], match[3]) if pk] if match and match[1] == "p" else []

    @property
    def is_one_screen(self) -> bool:
        """Whether an answer settles all that is asked: only of a person there may be another screen."""
        match = KEY.fullmatch(self.key)
        return match is None or match[1] != "p" or bool(match[3])


def card_after(owner: User, shown: Shown, *, skipped: Collection[str] = (), within: Q | None = None) -> Card | None:
    """The best question that no answer to the one shown can change.

    They have no face in common, and no person of whom one of them asks whether they are somebody else. About the same
    person it may be the next screen.
    """
    people = shown.people()
    compared = Q(kind=Kind.SAME) & (Q(person__in=people) | Q(other_person__in=people))
    related = compared | Q(person__in=people) if len(people) > 1 else compared
    unrelated = ~related if within is None else within & ~related
    # The one shown comes first in the queue, and takes as long to look at as the one after it.
    passed = [*skipped, shown.key] if shown.is_one_screen else skipped
    return next_card(owner, skipped=passed, within=unrelated, settled=shown.counted, read=shown.theirs)


def still_right(owner: User, shown: Shown) -> bool:
    """Whether an answer to a card would settle exactly the faces that the card shows and counts."""
    match = KEY.fullmatch(shown.key)
    if match is None:
        return False
    if match[3]:
        return _are_two(owner, shown)
    if match[1] == "p":
        person = Person.objects.owned_by(owner).filter(pk=match[2], is_hidden=False).first()
        asked = asked_about_person(owner, person, shown.faces, opened=shown.opened) if person else Asked({})
    else:
        cluster = Cluster.objects.owned_by(owner).filter(pk=match[2], is_hidden=False).first()
        asked = asked_about_group(owner, cluster, shown.faces) if cluster else Asked({})
    asked = asked.counted(shown.counted)
    return bool(shown.counted) and asked.all_shown | asked.unseen == set(shown.counted)


def _are_two(owner: User, shown: Shown) -> bool:
    question = Question.objects.owned_by(owner).open().keyed([shown.key]).first()
    if question is None or not still_stands(question):
        return False
    one, other = question.sides()
    about = other if question.person_id else one | other
    return set(shown.counted) <= set(about.values_list("pk", flat=True))
