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
    counted = PersonTally.objects.filter(person=person).values_list("faces", "photos").first()
    face_count, photo_count = counted or (0, 0)
    # Of photos in sight, as all of these are: an index alone has their dates.
    seen = person.faces.filter(photo__trashed_at=None).order_by()
    days = seen.aggregate(first=Min("photo__taken_at"), last=Max("photo__taken_at"))
    return Tabs(
        photo_count=photo_count,
        face_count=face_count,
        to_review=person.suggestions.filter(asked_as_somebodys()).count(),
        first=days["first"],
        last=days["last"],
    )
