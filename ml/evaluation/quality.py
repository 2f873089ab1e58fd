"""Quality: are poor faces the ones that go wrong?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_numbers, checked_whole
from ml.evaluation.labelled_faces import LabelledFaces
from ml.identification import BLOCK

DECILES = 10


@dataclass(frozen=True)
class QualityDecile:
    """A tenth of the faces by quality. error_rate: share whose nearest face in another photo is somebody else's."""

    lowest: float
    highest: float
    faces: int
    error_rate: float


def quality_deciles(faces: LabelledFaces) -> list[QualityDecile]:
    """Error rate by quality, the poorest tenth first, over faces of people who are in several photos.

    Returns:
        At most ten; fewer where there are fewer faces, none where nobody is in two photos.
    """
    people, photos = faces.identities(), np.unique(faces.files, return_inverse=True)[1]
    wrong = nearest_is_wrong(faces.projections, people, photos)
    judged = np.flatnonzero(~np.isnan(wrong))
    judged = judged[np.argsort(faces.qualities[judged], kind="stable")]
    parts = np.array_split(judged, DECILES)
    return [
        QualityDecile(
            lowest=float(faces.qualities[part[0]]),
            highest=float(faces.qualities[part[-1]]),
            faces=len(part),
            error_rate=float(wrong[part].mean()),
        )
        for part in parts
        if len(part)
    ]


def nearest_is_wrong(
    projections: NDArray[np.float32], people: NDArray[np.int64], photos: NDArray[np.int64]
) -> NDArray[np.float64]:
    """For each face 1 if the nearest face of another photo is of another person, 0 if not.

    Args:
        projections: shape (n, d), unit rows. people, photos: shape (n,).

    Returns:
        Shape (n,); NaN for people who are in no other photo.

    Raises:
        ValueError: one of the three has another shape, or holds what is no finite or no whole number.
    """
    projections = checked_numbers("projections", projections, None, None)
    people = checked_whole("people", people, len(projections))
    photos = checked_whole("photos", photos, len(projections))
    wrong = np.full(len(people), np.nan)
    at_once = max(BLOCK // max(len(people), 1), 1)
    for start in range(0, len(people), at_once):
        block = slice(start, start + at_once)
        similarities = projections[block] @ projections.T
        elsewhere = photos[block, None] != photos[None, :]
        nearest = np.where(elsewhere, similarities, -np.inf).argmax(axis=1)
        several = (elsewhere & (people[block, None] == people[None, :])).any(axis=1)
        wrong[block] = np.where(several, people[nearest] != people[block], np.nan)
    return wrong
