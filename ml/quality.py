"""Says how well a face can be recognised, from 0 to 1.

A product of four shares, so that one bad thing is enough to make a face poor:

    sharpness  how much detail is left, on a logarithmic scale: recognition breaks down when it goes, and only then
    size       shorter side of the box; counts little, for 25 sharp pixels are still recognised (docs/decisions/0001)
    pose       1 when the nose lies between the eyes, 0 when it lies beside one of them
    score      the detector's certainty
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Detail is measured in grey levels on the crop at half size, where noise and JPEG blocks weigh less. Medians on LFW:
# sharp 12, shrunk to 25 pixels 4.8 (still recognised), blurred beyond recognition 1.2.
NO_DETAIL, FULL_DETAIL = 1.0, 8.0
FULL_SIZE = 100.0  # pixels
SIZE_WEIGHT = 0.35  # exponent: a face of 25 pixels keeps 0.6
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
    sharpness = np.clip(np.log(max(detail(face), NO_DETAIL) / NO_DETAIL) / np.log(FULL_DETAIL / NO_DETAIL), 0, 1)
    size = np.clip(float(min(corners[2:] - corners[:2])) / FULL_SIZE, 0, 1) ** SIZE_WEIGHT
    certainty = 0.5 + 0.5 * np.clip((score - LOWEST_SCORE) / (1 - LOWEST_SCORE), 0, 1)
    return float(sharpness * size * frontality(landmarks) * certainty)


def detail(face: NDArray[np.uint8]) -> float:
    """Mean absolute second difference of grey levels at half size: small when blurred or enlarged.

    Args:
        face: shape (height, width, 3), both even.
    """
    height, width, _ = face.shape
    grey = face.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3, 4))
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
