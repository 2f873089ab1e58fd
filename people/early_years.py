"""What a birth date says about who a face can be: nobody is in a photo of before their birth, and small children are
easily taken for one another."""

from collections.abc import Collection
from datetime import date, timedelta
from math import log

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from people.models import Face, Person
from photos.models import Photo

# Cameras do not say in which time zone they were: a photo of the day before birth may be one of the day itself.
SLACK = timedelta(days=1)
GROWN = 13.0  # years, from which on a face counts as an adult's
# Log odds taken off at birth: ten times as much must speak for a newborn. A cautious choice; docs/decisions/0018.
CAUTION = log(10)
DAYS_A_YEAR = 365.25


def years_at(births: dict[int, date], people: Collection[int], days: Collection[date | None]) -> NDArray[np.float64]:
    """How old each person was when the photo beside it was taken; NaN where either date is not known."""
    ages = [
        (day - births[person]).days / DAYS_A_YEAR if day is not None and person in births else np.nan
        for person, day in zip(people, days, strict=True)
    ]
    return np.array(ages, dtype=np.float64)


def is_unborn(years: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the photo is of before the person's birth. Who knows no date rules nobody out."""
    return np.nan_to_num(years, nan=0.0) < -SLACK.days / DAYS_A_YEAR


def caution(years: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds to take off a match, falling in a line from `CAUTION` at birth to 0 at 13; 0 without a date."""
    share = 1 - np.clip(np.nan_to_num(years, nan=GROWN), 0, GROWN) / GROWN
    less: NDArray[np.float64] = CAUTION * share
    return less


def births_of(owner_id: int) -> dict[int, date]:
    """Birth dates by person, of those who have one."""
    known = Person.objects.filter(owner=owner_id, birth_date__isnull=False)
    return {pk: born for pk, born in known.values_list("pk", "birth_date") if born is not None}


def days_of(photos: Collection[int]) -> dict[int, date]:
    """When photos were taken, as far as camera or owner said so: the day of the upload says nothing about it."""
    dated = Photo.objects.filter(pk__in=photos).exclude(taken_at_source=Photo.DateSource.UPLOAD)
    return {pk: taken_at.date() for pk, taken_at in dated.values_list("pk", "taken_at")}


def not_born_by(face: Face) -> QuerySet[Person]:
    """People of the same owner whose birth is later than the photo of a face."""
    photo = face.photo
    people = Person.objects.filter(owner=photo.owner_id)
    if photo.taken_at_source == Photo.DateSource.UPLOAD:
        return people.none()
    return people.filter(birth_date__gt=photo.taken_at.date() + SLACK)
