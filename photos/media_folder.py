"""The media folder: whether it is there, or only the empty place where a disk should be mounted.

A small file in it marks it. Where the mark is missing although there are photos, nothing is stored, given up or cleaned
up: to all the rest of Kith an empty folder would look like a library whose files were lost.
"""

import errno
import uuid
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from photos.models import Photo
from photos.storage import write_whole

MARK = ".kith"  # holds the name of the library, by which its backups know each other
RESTORING = "restoring"  # in Kith's home, while a backup is being restored or after that was cut short
SAMPLE = 10  # photos, the first and the last, by which a folder of before there was a mark is recognised


class MediaMissing(OSError):
    """The media folder is not there; the message is a sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(errno.ENODEV, sentence)

    def __str__(self) -> str:
        return str(self.strerror)


def require() -> None:
    """Raises MediaMissing."""
    if sentence := trouble():
        raise MediaMissing(sentence)


def trouble() -> str:
    """Why the media folder cannot be used, as a sentence; "" when it can. A new one is marked.

    Strangers may read it: no path.
    """
    if (settings.KITH_HOME / RESTORING).exists():
        return _("A backup was not restored to its end. Run manage.py restore again.")
    try:
        return "" if library_name() else _look_at_unmarked()
    except OSError as error:
        return _("The media folder cannot be used: %(reason)s.") % {"reason": error.strerror}


def library_name() -> str:
    """What the mark says; "" without one. Raises OSError: it cannot be read."""
    try:
        return _mark().read_text().strip()
    except FileNotFoundError:
        return ""


def set_mark(name: str) -> None:
    """Mark the folder as this library's."""
    mark = _mark()
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_whole(mark, f"{name}\n")


def _mark() -> Path:
    return Path(settings.MEDIA_ROOT) / MARK


def _look_at_unmarked() -> str:
    """Mark a folder that is new, or that holds the photos; a sentence if it does not."""
    names = Photo.everywhere.values_list("original", flat=True)
    sample = [*names.order_by("pk")[:SAMPLE], *names.order_by("-pk")[:SAMPLE]]
    there = sum((Path(settings.MEDIA_ROOT) / name).is_file() for name in sample)
    if 2 * there < len(sample):
        return _("The photos are not in the media folder. Is its disk mounted? Nothing is changed until it is.")
    set_mark(uuid.uuid4().hex)
    return ""
