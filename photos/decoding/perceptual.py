"""A hash of what a picture shows: alike pictures differ in few bits.

Source: imagehash's `phash`, whose bits these are; it loads SciPy, and a child is forked the quicker the less is loaded.
"""

import numpy as np
from PIL import Image

SIDE = 32  # pixels the picture is shrunk to
KEPT = 8  # lowest frequencies, each way


def perceptual_hash(image: Image.Image) -> str:
    """64 characters of 0 and 1: which of the lowest frequencies are above their median."""
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    frequencies = _COSINES @ grey @ _COSINES.T
    return "".join("1" if bit else "0" for bit in (frequencies > np.median(frequencies)).ravel())


def _cosines() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The first rows of the cosine transform (type II), shape (KEPT, SIDE)."""
    position = np.arange(SIDE) + 0.5
    waves: np.ndarray[tuple[int, int], np.dtype[np.float64]] = 2 * np.cos(
        np.pi / SIDE * np.arange(KEPT)[:, None] * position
    )
    return waves


_COSINES = _cosines()
