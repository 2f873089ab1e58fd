"""Days in words, in the language of the page. A page of photos says few different ones hundreds of times."""

from datetime import date
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import get_language

KEPT = 10_000  # days of the calendar, whoever's photos are of them


def day_in_words(day: date, wanted: str = "DATE_FORMAT") -> str:
    """The same as date_format(day, wanted), of a day without a time."""
    return _in_words(day, wanted, get_language())


@lru_cache(maxsize=KEPT)
def _in_words(day: date, wanted: str, language: str | None) -> str:
    return date_format(day, wanted)
