"""Says how likely a face is to be recognised, from 0 to 1.

Eight things are measured: how sure the detector is, how much detail the face has at three scales, its contrast, its
grain, and two shapes that give away a turned, tilted or covered head and what is no face at all. A logistic model with
their squares makes a probability of them. It has a handful of coefficients and knows nobody's face; where they come
from, and how well they do, is in docs/decisions/0013.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers

FACE_SIDE = 160  # pixels of the cut a face is rated on

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
RIM = 16  # pixels around the face that say nothing about its contrast
# Added before a logarithm is taken: a flat surface has no detail at all.
LEAST_DETAIL, LEAST_GRAIN, LEAST_CONTRAST = 0.1, 0.3, 1.0
SUREST = 1e-6  # off 1: beyond, single precision cannot tell scores apart, and may come to a hair above 1


@dataclass(frozen=True)
class Measure:
    """One thing that is measured of a face, and what it says about its quality.

    low, high: the range seen when the model was fitted, which becomes -1 to 1; values beyond count as its ends.
    slope, bend: by how much the log odds change with that number and with its square.
    """

    name: str
    low: float
    high: float
    slope: float
    bend: float


@dataclass(frozen=True)
class QualityModel:
    """A logistic model of the measures, their squares included. start: the log odds where all of them are 0."""

    start: float
    measures: tuple[Measure, ...]

    def probability(self, measured: NDArray[np.floating]) -> NDArray[np.float64]:
        """Shape (..., 8), as `measure_face` gives them, -> shape (...), from 0 to 1.

        Raises:
            ValueError: as for `scaled`.
        """
        scaled = self.scaled(measured)
        slopes = np.array([measure.slope for measure in self.measures])
        bends = np.array([measure.bend for measure in self.measures])
        odds = self.start + scaled @ slopes + scaled**2 @ bends
        return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)

    def scaled(self, measured: NDArray[np.floating]) -> NDArray[np.float64]:
        """Bring the range of each measure to -1 to 1, and cut off what lies beyond: shape (..., 8).

        Raises:
            ValueError: measured has another shape, or holds what is no finite number.
        """
        measured = checked_numbers("measured", measured, *[None] * (np.ndim(measured) - 1), len(self.measures))
        low = np.array([measure.low for measure in self.measures])
        high = np.array([measure.high for measure in self.measures])
        inside: NDArray[np.float64] = np.clip((2 * measured - low - high) / (high - low), -1, 1)
        return inside


# Fitted by `manage.py evaluate DATA --study quality`, which prints these lines. All logarithms are natural ones.
FITTED = QualityModel(
    -0.8,
    (
        # Log odds of the detector's score.
        Measure("certainty", 1.62, 13.82, 1.11, -0.23),
        # Log of the detail at full size, in grey levels.
        Measure("detail", -0.19, 3.83, 0.58, -1.36),
        # Log ratio of the detail at half size to that at a quarter, and of that to the detail at an eighth.
        Measure("middle detail", -1.23, 0.29, -2.44, -0.83),
        Measure("coarse detail", -1.22, -0.02, 2.64, -2.47),
        # Log ratio of the detail at an eighth to the contrast.
        Measure("structure", -0.94, 0.32, 1.84, -1.28),
        # Log ratio of what varies without a pattern to the detail.
        Measure("grain", -2.79, -0.02, 2.09, -1.39),
        # Log ratio of the box's width to its height.
        Measure("breadth", -0.42, 0.04, -1.0, 0.07),
        # Log ratio of the way from eyes to mouth to the way from eye to eye.
        Measure("length", -0.14, 0.38, -0.59, -0.82),
    ),
)


def face_quality(
    face: NDArray[np.uint8], corners: NDArray[np.float32], landmarks: NDArray[np.float32], score: float
) -> float:
    """The probability that a face gets its right name suggested, and no other, once three photos of it are named.

    Args:
        face: shape (160, 160, 3), RGB, as `ml.alignment.crop_for_embedding` cuts it.
        corners: shape (4,): left, top, right, bottom in pixels of the photo.
        landmarks: shape (5, 2), pixels of the photo, in the order of `ml.geometry.LANDMARKS`.
        score: the detector's, 0 to 1.

    Raises:
        ValueError: a shape is wrong, the pixels are not whole numbers from 0 to 255, a number is not finite, or the
            score is not from 0 to 1.
    """
    return float(FITTED.probability(measure_face(face, corners, landmarks, score)))


def measure_face(
    face: NDArray[np.uint8], corners: NDArray[np.float32], landmarks: NDArray[np.float32], score: float
) -> NDArray[np.float64]:
    """What quality hangs on: shape (8,), in the order of `FITTED.measures`. Arguments and errors: `face_quality`."""
    check_rated(face, corners, landmarks, score)
    grey = face @ LUMA
    half = halved(grey)
    quarter = halved(half)
    details = [np.log(detail(plane) + LEAST_DETAIL) for plane in (grey, half, quarter, halved(quarter))]
    contrast = np.log(grey[RIM:-RIM, RIM:-RIM].std() + LEAST_CONTRAST)
    certain = min(max(score, SUREST), 1 - SUREST)
    return np.array(
        [
            np.log(certain / (1 - certain)),
            details[0],
            details[1] - details[2],
            details[2] - details[3],
            details[3] - contrast,
            np.log(grain(grey) + LEAST_GRAIN) - details[0],
            breadth(corners),
            length(landmarks),
        ]
    )


def detail(grey: NDArray[np.floating]) -> float:
    """Mean absolute second difference, in grey levels: small when blurred or enlarged. Shape (h, w), 3 x 3 or more.

    Raises:
        ValueError: grey has another shape.
    """
    _check_plane(grey, 3)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.abs(4 * grey[1:-1, 1:-1] - around).mean())


def grain(grey: NDArray[np.floating]) -> float:
    """Median of what is left when edges are taken away: about four times the standard deviation of white noise, in
    grey levels. Shape (h, w), 3 x 3 or more.

    Source: Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding, 1996; with the median
    instead of the mean, which leaves corners out.

    Raises:
        ValueError: grey has another shape.
    """
    _check_plane(grey, 3)
    across = grey[:, :-2] - 2 * grey[:, 1:-1] + grey[:, 2:]
    both = across[:-2] - 2 * across[1:-1] + across[2:]
    return float(np.median(np.abs(both)))


def halved(grey: NDArray[np.floating]) -> NDArray[np.floating]:
    """Average each 2 x 2 pixels: shape (2 h, 2 w) -> (h, w).

    Raises:
        ValueError: grey has another shape.
    """
    _check_plane(grey, 2)
    if grey.shape[0] % 2 or grey.shape[1] % 2:
        raise ValueError(f"grey must have even sides, not {grey.shape}")
    average: NDArray[np.floating] = (grey[::2, ::2] + grey[1::2, ::2] + grey[::2, 1::2] + grey[1::2, 1::2]) / 4
    return average


def breadth(corners: NDArray[np.floating]) -> float:
    """Log ratio of a box's width to its height; a side below a pixel counts as one. Shape (4,).

    Raises:
        ValueError: corners are not four finite numbers.
    """
    corners = checked_numbers("corners", corners, 4)
    sides = np.maximum(corners[2:] - corners[:2], 1)
    return float(np.log(sides[0] / sides[1]))


def length(landmarks: NDArray[np.floating]) -> float:
    """Log ratio of the way from between the eyes to between the mouth's corners to the way between the eyes: grows as
    a head turns aside, falls as it nods. Shape (5, 2), pixels; ways below a hundredth of a pixel count as that.

    Raises:
        ValueError: landmarks are not five times two finite numbers.
    """
    landmarks = checked_numbers("landmarks", landmarks, 5, 2)
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks
    down = float(np.linalg.norm((left_mouth + right_mouth - left_eye - right_eye) / 2))
    across = float(np.linalg.norm(right_eye - left_eye))
    return float(np.log(max(down, 0.01) / max(across, 0.01)))


def check_rated(
    face: NDArray[np.uint8], corners: NDArray[np.float32], landmarks: NDArray[np.float32], score: float
) -> None:
    """Raise ValueError, as `face_quality` says, unless these can be rated."""
    checked_numbers("face", face, FACE_SIDE, FACE_SIDE, 3)
    if face.dtype != np.uint8:
        raise ValueError(f"face must hold whole numbers from 0 to 255 (uint8), not {face.dtype}")
    checked_numbers("corners", corners, 4)
    checked_numbers("landmarks", landmarks, 5, 2)
    checked_number("score", score, least=-SUREST, most=1 + SUREST)


def _check_plane(grey: NDArray[np.floating], least: int) -> None:
    if grey.ndim != 2 or min(grey.shape) < least:
        raise ValueError(f"grey must be a plane of {least} x {least} pixels or more, not of shape {grey.shape}")
