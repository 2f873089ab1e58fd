"""Faces that look like one: what "More like this" shows."""

import numpy as np
from numpy.typing import NDArray
from pgvector.django import CosineDistance

from accounts.models import User
from ml.models import FaceModel
from people.models import Face

MOST = 48
BEYOND_A_GROUP = 0.1  # of cosine distance: who is looked for may have been younger


def faces_like(owner: User, projection: NDArray[np.float32], model: FaceModel, *, most: int = MOST) -> list[int]:
    """Primary keys of an owner's faces that look most like this one, the nearest first; exact, and so not instant.

    Args:
        projection: shape (d,), by the model.
    """
    farthest = model.limits().linkage + BEYOND_A_GROUP
    faces = Face.objects.owned_by(owner).embedded_by(model.name).filter(is_ignored=False)
    nearest = faces.order_by(CosineDistance("projection", projection), "pk").annotate(
        distance=CosineDistance("projection", projection)
    )
    return [pk for pk, distance in nearest.values_list("pk", "distance")[:most] if distance <= farthest]
