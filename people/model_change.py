"""How far a change of the face model is: which faces still have an embedding of another model.

There is no other record of a change: the faces themselves are the work list, so nothing can be forgotten.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.models import User
from people.models import Face
from people.models.face import FaceQuerySet
from photos.models import Photo
from photos.models.photo import PhotoQuerySet


@dataclass(frozen=True)
class Progress:
    """Counts of faces. left: still to be embedded again. unreadable: cannot be, for their photo failed."""

    whole: int
    left: int
    unreadable: int

    @property
    def done(self) -> int:
        return self.whole - self.left - self.unreadable


def photos_to_embed(model: str) -> PhotoQuerySet:
    """Photos in nobody's hands with faces that the model has not embedded."""
    photos = Photo.objects.due(Photo.Stage.DONE).filter(owner__face_analysis=User.FaceAnalysis.ON)
    return photos.filter(Exists(Face.objects.filter(photo=OuterRef("pk")).not_embedded_by(model)))


def is_changing(owner_id: int, model: str) -> bool:
    """Whether some of an owner's faces are still to be embedded again.

    Those drawn by hand just now, which no model has seen, are new ones and hold nothing up.
    """
    return _left(Face.objects.filter(photo__owner=owner_id).embedded(), model).exists()


def progress(model: str, *, owner: User | None = None) -> Progress:
    """Count the faces of an owner, or of everybody."""
    faces = Face.objects.all() if owner is None else Face.objects.owned_by(owner)
    faces = faces.embedded()
    unreadable = faces.not_embedded_by(model).exclude(photo__failure="")
    return Progress(faces.count(), _left(faces, model).count(), unreadable.count())


def _left(faces: FaceQuerySet, model: str) -> FaceQuerySet:
    return faces.not_embedded_by(model).filter(photo__failure="")
