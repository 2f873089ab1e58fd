"""What one screen of "Is this Ann?" shows: faces, and whole groups by one face, that may be hers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Self

from django.db.models import Avg, BigIntegerField, Case, Count, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.expressions import CombinedExpression

from people.models import Face, Suggestion
from people.models.counting import CountOf

TILES = 12  # what fits one screen without scrolling
# A group less likely to be somebody is asked about as "Who is this?", with that person's name as one key.
LEAST_OF_GROUP = 0.5


@dataclass(frozen=True)
class Tile:
    """Faces that one tick answers for: the likely ones of one group, or a single face.

    key: the group, or minus the face. probability: that they are the person's.
    """

    person: int
    key: int
    faces: int
    probability: float

    @property
    def settled(self) -> float:
        """Faces expected to be settled by leaving the tick."""
        return self.faces * self.probability

    @property
    def unticked(self) -> float:
        """How often the tick is expected to be taken away."""
        return 1 - self.probability


@dataclass(frozen=True)
class Screen:
    """The tiles to show at once, and how many faces they are expected to settle with how many clicks."""

    tiles: list[Tile]
    settled: float
    answers: float

    @property
    def worth(self) -> float:
        return self.settled / self.answers


def asked_as_somebodys() -> Q:
    """Suggestions that become a tile; those of the other ones are asked about as their group, if two are left of it."""
    left = Face.objects.untagged().filter(cluster=OuterRef("face__cluster")).exclude(pk=OuterRef("face"))
    is_likely = Suggestion.objects.filter(face=OuterRef("pk"), probability__gte=LEAST_OF_GROUP)
    is_last = ~Exists(left.filter(~Exists(is_likely)))
    return Q(face__cluster=None) | Q(probability__gte=LEAST_OF_GROUP) | Q(is_last)


def count_asked(person: OuterRef) -> CombinedExpression:
    """How many suggestions of a person become a tile; the likely ones are counted without a look at their faces."""
    theirs = Suggestion.objects.filter(person=person)
    unlikely = theirs.filter(asked_as_somebodys(), probability__lt=LEAST_OF_GROUP)
    return CountOf(theirs.filter(probability__gte=LEAST_OF_GROUP)) + CountOf(unlikely)


def tile_key(face: str = "face__", suggestion: str = "") -> Case:
    """The key of the tile that a suggestion is in, or a face: an unlikely one stands for itself only.

    The arguments are what leads to the face and to its suggestion.
    """
    likely = {f"{face}cluster__isnull": False, f"{suggestion}probability__gte": LEAST_OF_GROUP}
    return Case(When(**likely, then=F(f"{face}cluster")), default=-F(f"{face}pk"), output_field=BigIntegerField())


def tile_suggestions(suggestions: "QuerySet[Suggestion]") -> "QuerySet[Suggestion]":
    """Those of some suggestions that tiles are made of. Nobody is asked about hidden groups."""
    waiting = suggestions.filter(asked_as_somebodys(), face__person=None, face__is_ignored=False)
    return waiting.exclude(face__cluster__is_hidden=True)


def tiles_of(suggestions: "QuerySet[Suggestion]") -> list[Tile]:
    """The tiles of some suggestions, of any number of people, by one query."""
    keyed = tile_suggestions(suggestions).annotate(key=tile_key())
    counted = keyed.order_by().values("person_id", "key").annotate(faces=Count("pk"), mean=Avg("probability"))
    return [Tile(*row) for row in counted.values_list("person_id", "key", "faces", "mean")]


@dataclass(frozen=True)
class AskedTiles:
    """All tiles of one person. faces: by the key of a tile the faces it is of, the clearest first."""

    rows: list[tuple[int, int, float]]  # the key of a tile, a face and how probable it is theirs
    person: int

    @classmethod
    def of(cls, person: int) -> Self:
        """Read them in one query."""
        suggestions = tile_suggestions(Suggestion.objects.filter(person=person, face__is_away=False))
        clearest_first = suggestions.annotate(key=tile_key()).order_by("-face__quality", "face")
        return cls(list(clearest_first.values_list("key", "face", "probability")), person)

    def without(self, faces: Collection[int]) -> Self:
        """Those that are left once another answer has settled some faces."""
        settled = set(faces)
        return replace(self, rows=[row for row in self.rows if row[1] not in settled])

    @cached_property
    def faces(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for key, face, _ in self.rows:
            found.setdefault(key, []).append(face)
        return found

    @property
    def tiles(self) -> list[Tile]:
        probabilities: dict[int, list[float]] = {}
        for key, _, probability in self.rows:
            probabilities.setdefault(key, []).append(probability)
        return [Tile(self.person, key, len(each), fmean(each)) for key, each in probabilities.items()]


def best_screen(tiles: Iterable[Tile]) -> Screen:
    """Choose the tiles that settle most faces per click, when the question itself takes one."""
    by_gain = sorted(tiles, key=lambda tile: (-tile.settled / max(tile.unticked, 1e-6), tile.key))[:TILES]
    best = Screen([], 0.0, 1.0)
    settled, answers = 0.0, 1.0
    for count, tile in enumerate(by_gain, start=1):
        settled, answers = settled + tile.settled, answers + tile.unticked
        if settled / answers >= best.worth:
            best = Screen(by_gain[:count], settled, answers)
    return best
