"""A photo in words: who and what it shows, what is known of its faces, and how it was taken."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from people.models import Face
from photos.models import Photo

SLOWEST_FRACTION = 0.3  # seconds: longer exposures are told in seconds, as cameras do


def alt_text(photo: Photo, faces: Sequence[Face]) -> str:
    """The picture in words: "Ann, Bob and 2 unnamed people, Rome, 3 May 2024"."""
    parts = [str(face.person) for face in faces if face.person]
    unnamed = sum(face.person is None for face in faces)
    if unnamed:
        parts.append(ngettext("%(n)s unnamed person", "%(n)s unnamed people", unnamed) % {"n": unnamed})
    if not parts and not photo.town:
        return photo.alt_text
    who = get_text_list(parts, _("and")) if parts else _("Photo")
    return ", ".join(part for part in (who, photo.town, date_format(photo.taken_at)) if part)


def faces_text(photo: Photo, faces: Sequence[Face]) -> str:
    """Why the list of faces is as it is, when it is empty."""
    if faces:
        return ""
    if not photo.owner.allows_faces:
        return _("Face analysis is off.")
    if photo.failure:
        return _("Faces could not be looked for.")
    if is_pending(photo):
        return _("Faces are still being looked for.")
    return _("No faces were found in this photo.")


def is_pending(photo: Photo) -> bool:
    """Whether the page will show more as soon as a worker gets to the photo."""
    if photo.failure:
        return False
    waits_for_faces = photo.stage == Photo.Stage.FACES and photo.owner.allows_faces
    return photo.stage == Photo.Stage.DERIVATIVES or waits_for_faces


def date_source(photo: Photo) -> str:
    """Where the date of a photo comes from, if not from its camera."""
    if photo.taken_at_source == Photo.DateSource.CAMERA:
        return ""
    if photo.taken_at_source == Photo.DateSource.UPLOAD:
        return _("The day you added it: the file has no date")
    return _("A date you gave")


def exposure_text(exposure: dict[str, Any] | None) -> str:
    """How it was taken, as photographers write it: "24 mm, f/1.7, 1/250 s, ISO 100, flash"."""
    said = exposure or {}
    focal = said.get("focal_35mm") or said.get("focal_mm")
    parts = [
        f"{focal:g} mm" if focal else "",
        f"f/{said['aperture']:.2g}" if "aperture" in said else "",
        _seconds(said["seconds"]) if "seconds" in said else "",
        f"ISO {said['iso']:.0f}" if "iso" in said else "",
        _("flash") if said.get("flash") else "",
    ]
    return ", ".join(part for part in parts if part)


def _seconds(seconds: float) -> str:
    if seconds >= SLOWEST_FRACTION:
        return f"{seconds:.2g} s"
    fraction = Fraction(1, max(round(1 / seconds), 1))
    return f"{fraction} s"
