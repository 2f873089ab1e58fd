"""Sentences that are stored, or come from a process that knows nobody's language: said in that of the page.

They are kept in English. What is not known here, such as the detail of an error, is said as it is.
"""

import functools
import re

from django.utils.translation import gettext, gettext_noop

KNOWN = (
    # Reasons, after the name of a file
    gettext_noop("is empty and was left out"),
    gettext_noop("is not a photo Kith can read and was left out"),
    gettext_noop("is damaged and was left out"),
    gettext_noop("needs more memory or time than a photo should and was left out"),
    gettext_noop("is larger than %(limit)s MB and was left out"),
    gettext_noop("has %(size)s megapixels, more than the %(limit)s Kith takes, and was left out"),
    gettext_noop("could not be looked at: Kith's decoding process does not start"),
    gettext_noop("could not be stored: the disk is full"),
    gettext_noop("could not be stored: the disk has a problem"),
    # The same of a picture that is only looked at
    gettext_noop("is empty"),
    gettext_noop("is not a photo Kith can read"),
    gettext_noop("is damaged"),
    gettext_noop("needs more memory or time than a photo should"),
    gettext_noop("is larger than %(limit)s MB"),
    gettext_noop("has %(size)s megapixels, more than the %(limit)s Kith takes"),
    # Why work on a photo ended
    gettext_noop("Kith stopped three times while working on this photo."),
    gettext_noop("Its original file is missing from the media folder."),
    gettext_noop("Its original cannot be decoded any more."),
    # Why a picture was not looked at
    gettext_noop("Kith cannot read this picture: it is damaged, or of a kind Kith does not know. Try another one."),
    gettext_noop("This picture takes more memory than Kith has now. Try again in a moment, or a smaller one."),
    gettext_noop("Something went wrong while Kith looked at this picture. Try another one."),
    gettext_noop("Faces cannot be found yet. %(why)s"),
    # What the machine is
    gettext_noop("CPU, %(cores)s core"),
    gettext_noop("CPU, %(cores)s cores"),
)


def in_words(sentence: str) -> str:
    """Say a stored sentence in the language of the page."""
    if sentence in KNOWN:
        return gettext(sentence)
    for template, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            return gettext(template) % found.groupdict()
    return sentence


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Of sentences with a part that varies: the text, and what finds the part."""
    return [
        (text, re.compile(re.sub(r"%\\\((\w+)\\\)s|%\((\w+)\)s", _group, re.escape(text))))
        for text in KNOWN
        if "%(" in text
    ]


def _group(found: re.Match[str]) -> str:
    return f"(?P<{found[1] or found[2]}>.+)"
