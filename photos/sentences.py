"""Sentences that are stored, or come from a process that knows nobody's language: said in that of the page.

They are kept in English. What is not known here, such as the detail of an error, is said as it is.
"""

import functools
import re

from django.utils.translation import gettext, gettext_noop

KNOWN = (
    # Reasons, after the name of a file
    gettext_noop("was in the trash and is back"),
    gettext_noop("is damaged: what can be seen of it was added"),
    gettext_noop("is empty and was left out"),
    gettext_noop("is not a photo Kith can read and was left out"),
    gettext_noop("is a video and not a photo, and was left out"),
    gettext_noop("is a raw file of a camera, which Kith cannot read, and was left out"),
    gettext_noop("is damaged and was left out"),
    gettext_noop("needs more memory or time than a photo should and was left out"),
    gettext_noop("is larger than %(limit)s MB and was left out"),
    gettext_noop("has %(size)s megapixels, more than the %(limit)s Kith takes, and was left out"),
    gettext_noop("could not be looked at: Kith's decoding process does not start"),
    gettext_noop("could not be stored: the disk is full"),
    gettext_noop("could not be stored: the disk has a problem"),
    # Of an archive, or of what is in it
    gettext_noop("is an archive inside an archive and was left out"),
    gettext_noop("is a link to a file and not a photo"),
    gettext_noop("is locked with a password and was left out"),
    gettext_noop("is packed in a way Kith does not read and was left out"),
    gettext_noop("is damaged inside the archive and was left out"),
    gettext_noop("stopped Kith three times and was left out"),
    gettext_noop("is missing from the media folder"),
    gettext_noop("is not an archive Kith can read: its directory is missing"),
    gettext_noop("is damaged: its directory cannot be read"),
    gettext_noop("is built to do harm: files in it share their bytes. Nothing was taken from it"),
    gettext_noop("would become more than %(times)s times as large. Nothing was taken from it"),
    gettext_noop("holds more than %(most)s files. Split it, or add its folder instead"),
    # The same of a picture that is only looked at
    gettext_noop("is empty"),
    gettext_noop("is not a photo Kith can read"),
    gettext_noop("is a video and not a photo"),
    gettext_noop("is a raw file of a camera, which Kith cannot read"),
    gettext_noop("is damaged"),
    gettext_noop("needs more memory or time than a photo should"),
    gettext_noop("is larger than %(limit)s MB"),
    gettext_noop("has %(size)s megapixels, more than the %(limit)s Kith takes"),
    # Why work on a photo ended
    gettext_noop("Kith stopped three times while working on this photo."),
    gettext_noop("Its original file is missing from the media folder."),
    gettext_noop("Its original cannot be decoded any more."),
    gettext_noop("Its original takes more memory or time than a photo should."),
    # Why a picture was not looked at
    gettext_noop("Kith cannot read this picture: it is damaged, or of a kind Kith does not know. Try another one."),
    gettext_noop("This picture takes more memory than Kith has now. Try again in a moment, or a smaller one."),
    gettext_noop("Something went wrong while Kith looked at this picture. Try another one."),
    gettext_noop("Faces cannot be found yet. %(why)s"),
    # Why nothing was learnt
    gettext_noop("Confirm at least %(least)s faces; so far it is %(found)s."),
    gettext_noop("Confirm faces of at least %(least)s people in two photos or more each; so far it is %(found)s."),
    gettext_noop("Confirm faces in at least %(least)s photos; so far it is %(found)s."),
    gettext_noop(
        "Confirm faces of more people, who are not all alike, in more photos; so far nothing can be measured."
    ),
    gettext_noop("Learning was stopped too often before it was done. Start it again when the computer has less to do."),
    gettext_noop("Learning took too long and was stopped. Start it again when the computer has less to do."),
    gettext_noop("Something went wrong while Kith learnt. Start it again; if it goes wrong again, the log says why."),
    # What the machine is
    gettext_noop("CPU, %(cores)s core"),
    gettext_noop("CPU, %(cores)s cores"),
    # What knows faces
    gettext_noop("FaceNet %(version)s, trained on %(pictures)s"),
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
    varying = [text for text in KNOWN if "%(" in text]
    return [(text, re.compile(re.sub(r"%\\\((\w+)\\\)s", r"(?P<\1>.+)", re.escape(text)))) for text in varying]
