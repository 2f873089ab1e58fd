"""The rows of the history page: decisions about faces and acts on photos, the latest first, in pages by keyset.

Each table is read by its primary key, which rises with time, and the two are merged by the time of each row. A place
between two rows is therefore a pair of primary keys; see Place.
"""

from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Self

from accounts.models import User
from people.history import Filters
from people.models import Decision
from people.models.decision import DecisionQuerySet
from photos.acts import in_words
from photos.models import Act, Photo
from photos.models.act import ActQuerySet

PER_PAGE = 50
END = 10**18  # above every primary key; also the longest an address may say


@dataclass(frozen=True)
class Place:
    """Between two rows: older ones have smaller primary keys than these, newer ones these or greater."""

    decision: int = END
    act: int = END

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what an address says; None for nonsense."""
        keys = text.split("-")
        if len(keys) != 2 or not all(key.isascii() and key.isdigit() for key in keys):
            return None
        return cls(*(min(int(key[:19]), END) for key in keys))

    def __str__(self) -> str:
        return f"{self.decision}-{self.act}"


@dataclass(frozen=True)
class Page:
    """rows: the latest first. older, newer: where the neighbouring pages begin, for ?after= and ?before=."""

    rows: list[Decision | Act]
    older: Place | None
    newer: Place | None

    @property
    def decisions(self) -> list[Decision]:
        return [row for row in self.rows if isinstance(row, Decision)]

    @property
    def acts(self) -> list[Act]:
        return [row for row in self.rows if isinstance(row, Act)]


def page_after(owner: User, filters: Filters, place: Place) -> Page:
    """What happened before a place in time."""
    decisions, acts = filters.of(owner), filters.acts_of(owner)
    found = _merged(
        decisions.filter(pk__lt=place.decision).order_by("-pk"),
        acts.filter(pk__lt=place.act).order_by("-pk"),
        is_rising=False,
    )
    rows = found[:PER_PAGE]
    page = Page(rows, None, None)
    older = Place(
        min([place.decision, *(row.pk for row in page.decisions)]), min([place.act, *(row.pk for row in page.acts)])
    )
    has_newer = decisions.filter(pk__gte=place.decision).exists() or acts.filter(pk__gte=place.act).exists()
    return Page(rows, older if len(found) > PER_PAGE else None, place if has_newer else None)


def page_before(owner: User, filters: Filters, place: Place) -> Page:
    """What happened after a place in time; the first page where that is not enough for one."""
    found = _merged(
        filters.of(owner).filter(pk__gte=place.decision).order_by("pk"),
        filters.acts_of(owner).filter(pk__gte=place.act).order_by("pk"),
        is_rising=True,
    )
    if len(found) <= PER_PAGE:
        return page_after(owner, filters, Place())
    rows = found[PER_PAGE - 1 :: -1]
    page = Page(rows, place, None)
    newer = Place(
        max([place.decision, *(row.pk + 1 for row in page.decisions)]),
        max([place.act, *(row.pk + 1 for row in page.acts)]),
    )
    return Page(rows, place, newer)


def place_of(owner: User, decision_id: int) -> Place:
    """Just above one decision, so that its page begins with it."""
    decision = Decision.objects.owned_by(owner).filter(pk=decision_id).first()
    if decision is None:
        return Place()
    earlier = Act.objects.owned_by(owner).filter(made_at__lte=decision.made_at).order_by("-pk")
    return Place(decision.pk + 1, (earlier.values_list("pk", flat=True).first() or 0) + 1)


def attach_photos(owner: User, acts: list[Act]) -> None:
    """Set `text` and `shown` on each act: what it did in words, and a few of its photos that are still here."""
    wanted = {pk for act in acts for pk in act.first_photos}
    photos = Photo.everywhere.owned_by(owner).in_bulk(wanted) if wanted else {}
    for act in acts:
        act.text = in_words(Act.Verb(act.verb), act.photo_count, act.album_title)
        act.shown = [photos[pk] for pk in act.first_photos if pk in photos]


def _merged(decisions: DecisionQuerySet, acts: ActQuerySet, *, is_rising: bool) -> list[Decision | Act]:
    """One page in time order, and a row more if there is one."""
    most = PER_PAGE + 1
    ours: list[Decision | Act] = list(decisions.select_related("person", "other", "actor", "undoes")[:most])
    theirs: list[Decision | Act] = list(acts.briefly()[:most])
    return list(islice(merge(ours, theirs, key=lambda row: row.made_at, reverse=not is_rising), most))
