"""Tells a photo the networks fail on from networks that fail on every photo."""

import functools
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from PIL import Image

from ml.alignment import BOX_LAYOUT
from ml.faces import BoundingBox, KnownFace
from ml.typical_faces import FACE
from photos.models import Photo

logger = logging.getLogger(__name__)

T = TypeVar("T")

PAUSE_AFTER_FAILURE = timedelta(seconds=30)
GOOD_SIZE = (1920, 1440)  # as much memory as a photo takes


def look_alone(
    photos: Sequence[Photo], look: Callable[[Photo], T | None], *, probe: Callable[[Image.Image, KnownFace], object]
) -> list[tuple[Photo, T | None]]:
    """Look at each of some claimed photos by itself, after the networks failed on all of them together.

    Where they work for some, the others are to blame: their attempt counts, and they come back alone after a pause.
    Where they work for none, nor for a picture known to be good, the networks are what is sick, or the machine: the
    photos get their attempt back and wait, however long it takes to heal.

    Args:
        photos: in our hands. One that was alone already is not looked at again.
        look: returns None for a photo that cannot be decoded, which says nothing about the networks.
        probe: does with a good picture and the face in it what `look` does with a photo.

    Returns:
        The photos the networks did not fail on, with what `look` returned.
    """
    seen: list[tuple[Photo, T | None]] = []
    bad = list(photos) if len(photos) == 1 else []
    for photo in photos if not bad else ():
        try:
            seen.append((photo, look(photo)))
        except Exception:
            logger.exception("The networks fail on photo %s alone, too", photo.pk)
            bad.append(photo)
    are_to_blame = any(result is not None for _, result in seen) or (bool(bad) and _works(probe))
    for photo in bad:
        if are_to_blame:
            photo.postpone(PAUSE_AFTER_FAILURE * photo.attempts)
        else:
            photo.hand_back(pause=PAUSE_AFTER_FAILURE)
    return seen


def _works(probe: Callable[[Image.Image, KnownFace], object]) -> bool:
    try:
        probe(*good_picture())
    except Exception:
        logger.exception("The networks fail on every picture; photos wait until they work again")
        return False
    return True


@functools.cache
def good_picture() -> tuple[Image.Image, KnownFace]:
    """A picture of a photo's size with one face, and where that is."""
    picture = Image.new("RGB", GOOD_SIZE, "gray")
    with Image.open(FACE) as face:
        picture.paste(face, (0, 0))
        box = BoundingBox(0, 0, face.width / picture.width, face.height / picture.height)
    landmarks = BOX_LAYOUT * (box.width, box.height)
    return picture, KnownFace(box, landmarks.astype("float32"))
