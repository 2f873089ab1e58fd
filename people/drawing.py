"""Faces drawn by hand, where the detector saw none.

A drawn face is a row like any other, at once: it can be named while a worker still has to cut it out and embed it
(people.reembedding finds it by its empty model). That it was drawn is a decision. Taken back, the row stays, out of
sight, so that the drawing can be done again.
"""

import math
from collections.abc import Iterable

import numpy as np
from django.utils.translation import gettext as _

from accounts.models import User
from ml.geometry import BoundingBox
from people.ledger import Outcome, decide
from people.models import Decision, Face
from people.tracks import FaceState
from photos.models import Photo
from photos.transactions import atomic_again

SMALLEST_PIXELS = 16  # of the original, across and down: of less the network makes nothing
SAME_OVERLAP = 0.5  # of two boxes around one face, as a share of their union
# People draw as they like: a detector's box around the same face overlaps less than another detector's would.
DRAWN_OVERLAP = 0.3
# Where eyes, nose and mouth are in most faces' boxes (ml.alignment.BOX_LAYOUT), until a worker has looked.
USUAL_LANDMARKS = ((0.286, 0.387), (0.734, 0.379), (0.510, 0.583), (0.321, 0.758), (0.714, 0.753))
NOT_EMBEDDED = ""  # the model of a face no worker has looked at yet


class BadBox(ValueError):
    """The box cannot hold a face of the photo; the message is a sentence that says why."""


@atomic_again
def draw(photo: Photo, box: BoundingBox, *, actor: User) -> tuple[Face, Decision]:
    """Add a face that somebody drew. Raises BadBox."""
    Photo.objects.select_for_update(of=("self",)).get(pk=photo.pk)  # drawn twice at once is drawn once
    box = _inside(box, photo)
    there = _there_already(photo, box)
    if there is not None:
        raise BadBox(_what_is_there(there))
    face = new_row(photo, box)
    decision = decide(photo.owner, Decision.Verb.DRAW, {face.pk: Outcome(FaceState())}, actor=actor)
    assert decision is not None  # it was no face, and now it is one
    face.refresh_from_db(fields=["is_ignored", "is_no_face"])
    return face, decision


def new_row(photo: Photo, box: BoundingBox) -> Face:
    """A row for a drawn face, out of sight until a decision says that it is one, and not embedded yet."""
    return Face.objects.create(
        photo=photo,
        left=box.left,
        top=box.top,
        width=box.width,
        height=box.height,
        landmarks=[part for x, y in USUAL_LANDMARKS for part in (box.left + x * box.width, box.top + y * box.height)],
        detection_score=0.0,
        quality=0.0,
        embedding=np.zeros(512, dtype=np.float32),
        projection=np.zeros(128, dtype=np.float32),
        model=NOT_EMBEDDED,
        is_drawn=True,
        is_ignored=True,
        is_no_face=True,
    )


def not_drawn_yet(photo: Photo, boxes: Iterable[BoundingBox]) -> list[bool]:
    """Of boxes that were found in a photo: whether each is another face than those drawn in it."""
    drawn = [face.box for face in photo.faces.filter(is_drawn=True, is_no_face=False).without_vectors()]
    return [all(box.intersection_over_union(other) <= DRAWN_OVERLAP for other in drawn) for box in boxes]


def _inside(box: BoundingBox, photo: Photo) -> BoundingBox:
    """The part of a box that lies in the photo."""
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    right, bottom = min(box.left + box.width, 1.0), min(box.top + box.height, 1.0)
    if right <= left or bottom <= top:
        raise BadBox(_("That box lies outside the photo. Draw it around a face."))
    width, height = (right - left) * photo.width, (bottom - top) * photo.height
    if math.ceil(min(width, height)) < SMALLEST_PIXELS:
        raise BadBox(_("That box is too small to see a face in it. Draw it around the whole face."))
    is_inside = (left, top) == (box.left, box.top) and right < 1 and bottom < 1
    return box if is_inside else BoundingBox(left, top, right - left, bottom - top)


def _there_already(photo: Photo, box: BoundingBox) -> Face | None:
    faces = photo.faces.shown().without_vectors().select_related("person")
    return next((face for face in faces if face.box.intersection_over_union(box) > SAME_OVERLAP), None)


def _what_is_there(face: Face) -> str:
    if face.person is not None:
        return _("There is a face already: %(person)s.") % {"person": face.person}
    if face.is_ignored:
        return _("That face is in the list already, under “Not asked about”. Ask about it again there.")
    return _("That face is in the list already. Name it there.")
