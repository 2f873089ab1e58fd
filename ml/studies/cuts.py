"""Ways to cut a face out for the network, to be compared: how much air, what shape, turned upright or not.

All take an upright RGB photo, the face's corners, shape (4,): left, top, right, bottom in pixels, and its landmarks,
shape (5, 2) in pixels, and give shape (160, 160, 3). A margin is how many of the 160 pixels are air around the
detector's box, both sides together. They, and what makes them, raise ValueError, which names what is of
another shape, no finite number or no margin from 0 to 159.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.alignment import BOX_LAYOUT, FACE_SIDE, crop_for_embedding, cut_by_landmarks, cut_turned, tilt, warp_to_layout
from ml.arguments import checked_image, checked_number, checked_numbers

Corners = NDArray[np.float32]
Landmarks = NDArray[np.float32]
Cut = Callable[[Image.Image, Corners, Landmarks], NDArray[np.uint8]]

BILINEAR = Image.Resampling.BILINEAR


def _checked(cut: Cut) -> Cut:
    @functools.wraps(cut)
    def checked(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        checked_image("image", image)
        return cut(image, checked_numbers("corners", corners, 4), checked_numbers("landmarks", landmarks, 5, 2))

    return checked


def _check_margin(margin: int) -> None:
    checked_number("margin", margin, least=0, most=FACE_SIDE - 1)


def box(margin: int, resampling: Image.Resampling = BILINEAR, *, whole_pixels: bool = True) -> Cut:
    """The detector's box with air in proportion, stretched to a square: facenet-pytorch's way."""
    _check_margin(margin)

    @_checked
    def cut(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        air = (corners[2:] - corners[:2]) * _share(margin) / 2
        return _stretched(image, corners, air, resampling, whole_pixels=whole_pixels)

    return cut


def even_air(margin: int) -> Cut:
    """The box with equally much air on all sides, as the network's author cut the photos he trained it on."""
    _check_margin(margin)

    @_checked
    def cut(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        side = float(np.sqrt(np.prod(corners[2:] - corners[:2])))
        return _stretched(image, corners, np.full(2, side * _share(margin) / 2), BILINEAR)

    return cut


def square(margin: int) -> Cut:
    """A square as high as the box, with air: nothing is stretched."""
    _check_margin(margin)

    @_checked
    def cut(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        half = (corners[2:] - corners[:2]) / 2
        return _stretched(image, corners, float(half.max()) * (1 + _share(margin)) - half, BILINEAR)

    return cut


def similarity(margin: int) -> Cut:
    """Five landmarks brought to their mean places in the network's square: turned, not stretched."""
    _check_margin(margin)

    @_checked
    def cut(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        return warp_to_layout(image, landmarks, BOX_LAYOUT * (FACE_SIDE - margin) + (margin - 1) / 2, FACE_SIDE)

    return cut


def stretched_similarity(margin: int) -> Cut:
    """Five landmarks brought to their mean places in a box of the usual aspect, stretched to a square after that."""
    _check_margin(margin)

    @_checked
    def cut(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        return cut_by_landmarks(image, landmarks, margin)

    return cut


def deskewed(margin: int, degrees: float) -> Cut:
    """Like `box`, turned about its middle where the head leans by more than so many degrees."""
    checked_number("degrees", degrees)
    _check_margin(margin)

    @_checked
    def cut(image: Image.Image, corners: Corners, landmarks: Landmarks) -> NDArray[np.uint8]:
        angle = tilt(landmarks)
        if abs(angle) <= np.deg2rad(degrees):
            return box(margin)(image, corners, landmarks)
        width, height = (corners[2:] - corners[:2]) * (1 + _share(margin))
        middle = complex(*(corners[:2] + corners[2:]) / 2)
        return cut_turned(image, middle, float(width), float(height), angle)

    return cut


SHIPPED = "as shipped: turned, and by landmarks at the edge"

CUTS: dict[str, Cut] = {
    **{f"box, margin {margin}": box(margin) for margin in (0, 16, 24, 32, 40)},
    "box, margin 32, broken pixels": box(32, whole_pixels=False),
    "box, margin 32, bicubic": box(32, Image.Resampling.BICUBIC),
    "even air, margin 32": even_air(32),
    "even air, margin 40": even_air(40),
    "square, margin 16": square(16),
    "five points, margin 32": similarity(32),
    "five points, stretched, margin 32": stretched_similarity(32),
    "turned upright beyond 10 degrees": deskewed(32, 10),
    SHIPPED: crop_for_embedding,
}


def _share(margin: int) -> float:
    """Air on both sides, as a part of the box."""
    return margin / (FACE_SIDE - margin)


def _stretched(
    image: Image.Image,
    corners: Corners,
    air: NDArray[np.floating],
    resampling: Image.Resampling,
    *,
    whole_pixels: bool = True,
) -> NDArray[np.uint8]:
    left, top = np.maximum(corners[:2] - air, 0)
    right, bottom = np.minimum(corners[2:] + air, image.size)
    edges = (float(left), float(top), float(right), float(bottom))
    if whole_pixels:
        edges = (float(int(left)), float(int(top)), float(int(right)), float(int(bottom)))
    return np.asarray(image.resize((FACE_SIDE, FACE_SIDE), resampling, box=edges), dtype=np.uint8)
