"""The quality score before the one that was fitted, to compare with: a product of four shares, chosen by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.quality import LUMA, check_rated, detail, halved

NO_DETAIL, FULL_DETAIL = 1.0, 8.0
FULL_SIZE = 100.0  # pixels
SIZE_WEIGHT = 0.35
SIDEWAYS = 0.75  # nose this many eye distances off the middle
LOWEST_SCORE = 0.7


def earlier_quality(
    face: NDArray[np.uint8], corners: NDArray[np.float32], landmarks: NDArray[np.float32], score: float
) -> float:
    """Sharpness x size x pose x certainty. Arguments and errors as for `ml.quality.face_quality`."""
    check_rated(face, corners, landmarks, score)
    left = max(detail(halved(face @ np.full_like(LUMA, 1 / 3))), NO_DETAIL)
    sharpness = np.clip(np.log(left / NO_DETAIL) / np.log(FULL_DETAIL / NO_DETAIL), 0, 1)
    size = np.clip(float(min(corners[2:] - corners[:2])) / FULL_SIZE, 0, 1) ** SIZE_WEIGHT
    certainty = 0.5 + 0.5 * np.clip((score - LOWEST_SCORE) / (1 - LOWEST_SCORE), 0, 1)
    return float(sharpness * size * _frontality(landmarks) * certainty)


def _frontality(landmarks: NDArray[np.float32]) -> float:
    """1 for a face seen from the front, falling to 0 for a profile."""
    left_eye, right_eye, nose = landmarks[:3]
    between = right_eye - left_eye
    distance = float(np.linalg.norm(between))
    if distance < 1e-6:
        return 0.0
    off_middle = abs(float((nose - (left_eye + right_eye) / 2) @ between)) / distance**2
    return max(1 - (off_middle / SIDEWAYS) ** 2, 0.0)
