"""Says how well a face can be recognised, from 0 to 1.

A product of four shares, so that one bad thing is enough to make a face poor:

    size       shorter side of the box over 80 pixels
    sharpness  strength of fine detail in the crop over that of a sharp one
    pose       1 when the nose lies between the eyes, 0 when it lies beside one of them
    score      the detector's, from its threshold 0.7 up to 1
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL_SIZE = 80.0  # pixels
SHARP_DETAIL = 8.0  # grey levels: median over faces in focus
SIDEWAYS = 0.75  # nose this many eye distances off the middle: about 60 degrees of turn
LOWEST_SCORE = 0.7


def face_quality(
    face: NDArray[np.uint8], corners: NDArray[np.float32], landmarks: NDArray[np.float32], score: float
) -> float:
    """Rate one face.

    Args:
        face: shape (160, 160, 3), as cut out for the network.
        corners: shape (4,): left, top, right, bottom in pixels of the photo.
        landmarks: shape (5, 2), pixels of the photo.
        score: the detector's.
    """
    size = min(float(min(corners[2:] - corners[:2])) / FULL_SIZE, 1.0)
    sharpness = min(detail(face) / SHARP_DETAIL, 1.0)
    certainty = np.clip((score - LOWEST_SCORE) / (1 - LOWEST_SCORE), 0, 1)
    return float(np.clip(size, 0, 1) * np.sqrt(sharpness) * frontality(landmarks) * (0.5 + 0.5 * certainty))


def detail(face: NDArray[np.uint8]) -> float:
    """Mean absolute second difference of the grey levels of a crop: small when blurred or enlarged."""
    grey = face.mean(axis=2)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.abs(4 * grey[1:-1, 1:-1] - around).mean())


def frontality(landmarks: NDArray[np.float32]) -> float:
    """1 for a face seen from the front, falling to 0 for a profile. Landmarks: shape (5, 2), any unit."""
    left_eye, right_eye, nose = landmarks[0], landmarks[1], landmarks[2]
    between = right_eye - left_eye
    distance = float(np.linalg.norm(between))
    if distance < 1e-6:
        return 0.0
    off_middle = abs(float((nose - (left_eye + right_eye) / 2) @ between)) / distance**2
    return max(1 - (off_middle / SIDEWAYS) ** 2, 0.0)
