"""Cuts faces out of photos: for the network, and for people to look at.

The network gets the detector's box with some air, stretched to 160 x 160, as it was trained: warping the five
landmarks onto a fixed layout measured worse on level heads (docs/decisions/0003).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FACE_SIDE = 160  # pixels; what FaceNet was trained on
# Of those 160 pixels so many are air around the box, half on each side.
MARGIN = 32

DISPLAY_SIDE = 320  # pixels at most
DISPLAY_FACE_SHARE = 0.6  # of the crop's height that the face takes up


def crop_for_embedding(image: Image.Image, corners: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cut out a face for the network.

    Args:
        image: upright RGB.
        corners: shape (4,): left, top, right, bottom of the face in pixels.

    Returns:
        Shape (160, 160, 3). Near the edge of the photo the margin is cut off, not filled.

    Source: facenet-pytorch's extract_face.
    """
    air = (corners[2:] - corners[:2]) * MARGIN / (FACE_SIDE - MARGIN) / 2
    width, height = image.size
    left, top = np.trunc(np.maximum(corners[:2] - air, 0)).astype(int)
    right, bottom = np.trunc(np.minimum(corners[2:] + air, (width, height))).astype(int)
    # A box thinner than a pixel still needs something to look at.
    left, top = min(left, width - 1), min(top, height - 1)
    box = (left, top, max(right, left + 1), max(bottom, top + 1))
    # A gap of 3 lets Pillow first reduce faces of 1000 pixels and more roughly, for half the time.
    face = image.resize((FACE_SIDE, FACE_SIDE), Image.Resampling.BILINEAR, box=box, reducing_gap=3)
    return np.asarray(face, dtype=np.uint8)


def crop_for_display(image: Image.Image, corners: NDArray[np.float32]) -> Image.Image:
    """Cut out a square with the whole head: the face takes up 60 % of its height, less at the edge of the photo.

    Args:
        image: upright RGB.
        corners: shape (4,): left, top, right, bottom of the face in pixels.

    Returns:
        A square of at most 320 pixels, never enlarged.
    """
    width, height = image.size
    longest = float(max(corners[2:] - corners[:2]))
    side = max(min(longest / DISPLAY_FACE_SHARE, width, height), 1.0)
    # Moved inwards rather than padded where the face is near the edge.
    left, top = np.clip((corners[:2] + corners[2:]) / 2 - side / 2, 0, (width - side, height - side))
    pixels = max(min(DISPLAY_SIDE, round(side)), 1)
    box = (float(left), float(top), min(float(left) + side, width), min(float(top) + side, height))
    return image.resize((pixels, pixels), Image.Resampling.LANCZOS, box=box, reducing_gap=3)
