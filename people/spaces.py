"""Where faces are compared to say who they are: by the projection of the face model, or by the library's own."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.calibration import Calibration, calibration_for
from ml.models import FaceModel
from ml.own_projection import DamagedProjection, load_own
from ml.projection import Projection, recentred
from people.models import Library, Training
from people.models.face import FaceQuerySet
from people.vectors import FaceColumns, centre_in_use, load_faces

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Space:
    """What faces of an owner are compared by, and what the distances mean.

    centre: taken away from the model's projection; or None. own: number and content of the library's own projection,
    which takes the place of the model's; or None.
    """

    owner_id: int
    calibration: Calibration
    centre: NDArray[np.float32] | None = None
    own: tuple[int, Projection] | None = None

    @property
    def field(self) -> str:
        """The one of `Face` that holds the rows."""
        return "projection" if self.own is None else "own_projection"

    def faces_in(self, faces: FaceQuerySet) -> FaceQuerySet:
        """Those that can be compared here."""
        return faces if self.own is None else faces.filter(own_projection__isnull=False)

    def load(self, faces: FaceQuerySet) -> FaceColumns:
        """Load faces of one model; those that hold no row of the library's own projection yet are left out."""
        return load_faces(faces, centre=self.centre, field=self.field)

    def rows_of(self, embeddings: NDArray[np.float32], projections: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of faces that are not stored, as `people_near` takes them: shape (n, d)."""
        return projections if self.own is None else self.own[1].apply(embeddings)

    def compared(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same as `load` gives those of stored faces."""
        return rows if self.centre is None else recentred(rows, self.centre)

    def is_still_used(self) -> bool:
        """False if the rows that were loaded meanwhile may be of another projection than this one."""
        if self.own is None:
            return True
        return Training.objects.filter(owner=self.owner_id, is_used=True, filled=self.own[0]).exists()


def space_in_use(owner_id: int, model: FaceModel) -> Space:
    """The library's own space where one is in use, else that of the model."""
    training = Training.objects.filter(owner=owner_id, is_used=True, filled__model=model.name)
    used = training.select_related("filled").first()
    if used is None or used.filled is None:
        return plain_space(owner_id, model)
    try:
        learnt = load_own(bytes(used.filled.content))
    except DamagedProjection as error:
        logger.warning("What was learnt from the answers of user %s is not used: %s", owner_id, error)
        return plain_space(owner_id, model)
    return Space(owner_id, learnt.calibration, own=(used.filled.pk, learnt.projection))


def plain_space(owner_id: int, model: FaceModel) -> Space:
    """The space of the face model, less what all faces of the library share."""
    centre = centre_in_use(owner_id, model.name)
    return Space(owner_id, calibration_in_use(owner_id, model, recentred=centre is not None), centre=centre)


def calibration_in_use(owner_id: int, model: FaceModel, *, recentred: bool) -> Calibration:
    """What the library's own answers taught of the model's projection, else the shipped calibration."""
    library = Library.objects.filter(owner=owner_id).first()
    learnt = library.calibration if library is not None else None
    own = None
    if learnt and learnt.get("model") == model.name and learnt.get("recentred") == recentred:
        own = Calibration.from_json(learnt.get("calibration"))
    return own or calibration_for(model.limits().suggestion, recentred=recentred)
