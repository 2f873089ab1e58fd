"""The faces on which the embedding network learns how large its activations grow.

typical_face.png is Eileen Collins as `ml.alignment.crop_for_embedding` cuts her from NASA's portrait, which is in
the public domain.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FACE = Path(__file__).with_name("typical_face.png")

# Gamma, turn in degrees, width and height as a share, of each variant. Stronger ones would widen the ranges for light
# that photos of faces do not have, and coarser steps are worse for every face.
VARIANTS = (
    (1.0, 0.0, 1.0, 1.0),
    (0.75, 8.0, 0.9, 1.0),
    (1.35, -8.0, 1.1, 1.0),
    (1.0, -14.0, 1.0, 0.9),
    (0.9, 14.0, 0.85, 0.85),
    (1.15, 4.0, 1.12, 1.12),
)


def typical_faces() -> NDArray[np.float32]:
    """Variants of one face and their mirror images, the last pair in grey; shape (n, 160, 160, 3), pixels 0 to 255."""
    with Image.open(FACE) as opened:
        face = opened.convert("RGB")
    variants = [_variant(face, *variant) for variant in VARIANTS]
    grey = np.repeat(variants[0].mean(axis=2, keepdims=True), 3, axis=2)
    upright = np.stack([*variants, grey])
    return np.concatenate([upright, upright[:, :, ::-1]]).astype(np.float32)


def _variant(face: Image.Image, gamma: float, degrees: float, across: float, down: float) -> NDArray[np.float64]:
    side = face.width
    turned = face.rotate(degrees, Image.Resampling.BILINEAR)
    width, height = side * across, side * down
    corners = ((side - width) / 2, (side - height) / 2, (side + width) / 2, (side + height) / 2)
    stretched = turned.transform((side, side), Image.Transform.EXTENT, corners, Image.Resampling.BILINEAR)
    return 255 * (np.asarray(stretched, dtype=np.float64) / 255) ** gamma
