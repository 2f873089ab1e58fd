"""What stands on the tabs of a person, which their page and the review of their questions share."""

from datetime import datetime
from typing import TypedDict

from django.db.models import Max, Min

from people.models import Person, PersonTally
from people.tiles import asked_as_somebodys


class Tabs(TypedDict):
    """How many of each; first, last: when the photos were taken, None without any."""

    photo_count: int
    face_count: int
    to_review: int
    first: datetime | None
    last: datetime | None


def tabs_of(person: Person) -> Tabs:
    # Of photos in sight, as all of these are: an index alone has their dates.
    theirs = PersonTally.objects.filter(
        person=person, person__faces__is_away=False, person__faces__photo__trashed_at=None
    )
    taken = "person__faces__photo__taken_at"
    counted = theirs.values_list("faces", "photos").annotate(Min(taken), Max(taken)).order_by("person").first()
    face_count, photo_count, first, last = counted or (0, 0, None, None)
    return Tabs(
        photo_count=photo_count,
        face_count=face_count,
        to_review=person.suggestions.filter(asked_as_somebodys()).count(),
        first=first,
        last=last,
    )
