"""What a run of the grouping reads before it looks at faces, and what it finds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from ml.models import FaceModel
from people.hidden_groups import hidden_groups
from people.kept_library import waiting_faces
from people.library_centre import Centre
from people.model_change import is_changing
from people.models import Face, Upkeep
from people.models.face import FaceQuerySet
from people.models.upkeep import UpkeepQuerySet
from people.vectors import centre_in_use
from photos.face_model import current_face_model
from photos.models import Photo

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Library:
    """What is known before faces are looked at. wanted: of Upkeep. photos: that wait for groups. is_changing: whether
    some faces are still to be embedded by the model. centre: taken away from all faces."""

    owner_id: int
    wanted: int | None
    photos: list[int]
    model: FaceModel
    is_changing: bool
    centre: NDArray[np.float32] | None
    hidden: frozenset[int]

    @classmethod
    def of(cls, owner_id: int) -> "Library":
        wanted = wanted_now(Upkeep.objects.filter(owner=owner_id))
        photos = _photos_waiting(owner_id)
        model = current_face_model()
        changing = is_changing(owner_id, model.name)
        centre = centre_in_use(owner_id, model.name)
        return cls(owner_id, wanted, photos, model, changing, centre, hidden_groups(owner_id))

    @property
    def waiting(self) -> FaceQuerySet:
        return waiting_faces(self.owner_id, self.model)


@dataclass(frozen=True, eq=False)
class Groups:
    """Where faces belong, all that wait or those that move and that are looked at for the first time.

    pks: shape (n,). before, labels: the group each is in and belongs in, or NOISE. to_mark: looked at by this run for
    the first time. numbers: of the groups there are; other labels are new groups. may_be_empty: of groups that perhaps
    have no face any more; all of them if it is None. centre: if there is another.
    """

    pks: NDArray[np.int64]
    before: Labels
    labels: Labels
    to_mark: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    may_be_empty: NDArray[np.int64] | None = None
    centre: Centre | None = None


def these(pks: NDArray[np.int64]) -> FaceQuerySet:
    return Face.objects.filter(pk__in=pks.tolist())


def _photos_waiting(owner_id: int) -> list[int]:
    photos = Photo.objects.at_stage(Photo.Stage.GROUPING).filter(
        owner_id=owner_id, owner__face_analysis=User.FaceAnalysis.ON
    )
    return list(photos.values_list("pk", flat=True))


def wanted_now(upkeep: UpkeepQuerySet) -> int | None:
    return upkeep.values_list("groups_wanted", flat=True).first()
