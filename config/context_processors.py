"""What every page needs to speak a language."""

from django.conf import settings
from django.http import HttpRequest

from config.words import catalogue_url


def words(request: HttpRequest) -> dict[str, object]:
    return {"words_url": catalogue_url(), "languages": settings.LANGUAGES}
