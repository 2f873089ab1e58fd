"""What stands on the tabs of a person, which their page and the review of their questions share."""

from datetime import datetime
from typing import TypedDict

from django.db.models import Count, Max, Min

from people.models import Person
from people.tiles import asked_as_somebodys


class Tabs(TypedDict):
    """How many of each; first, last: when the photos were taken, None without any."""

    photo_count: int
    face_count: int
    to_review: int
    first: datetime | None
    last: datetime | None


def tabs_of(person: Person) -> Tabs:
    seen = person.faces.order_by().aggregate(
        faces=Count("pk"),
        photos=Count("photo", distinct=True),
        first=Min("photo__taken_at"),
        last=Max("photo__taken_at"),
    )
    return Tabs(
        photo_count=seen["photos"],
        face_count=seen["faces"],
        to_review=person.suggestions.filter(asked_as_somebodys()).count(),
        first=seen["first"],
        last=seen["last"],
    )
