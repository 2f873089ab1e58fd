"""Opens image files the right way up, in RGB, no bigger than recognition needs."""

from __future__ import annotations

import functools
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from ml.arguments import checked_count

# Long side in pixels that a photo keeps at least. 1920 and not 2048, because most phones take 4000 or 4032 pixels,
# which then decode at half size: four times less to read, and a face still has 20 pixels at 1/96 of the picture.
MIN_SIDE = 1920

# Never "MPO" in this list: Pillow reads it through the JPEG plugin, and naming it breaks every other format.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")

BAND_ROWS = 64  # of the reduced image

# What Pillow's decoders raise on broken files, beside OSError.
BROKEN_FILE = (OSError, ValueError, SyntaxError, EOFError, struct.error, IndexError, KeyError, TypeError,
               AttributeError, OverflowError, Image.DecompressionBombError)  # fmt: skip


class UnreadableImage(ValueError):
    """The file is not an image we can decode. The message says why, in a sentence."""


def open_upright(file: str | Path | BinaryIO, *, min_side: int = MIN_SIDE) -> Image.Image:
    """Decode an image file as upright RGB, at a reduced size if it is much bigger than needed.

    Args:
        file: a path, or a binary file open for reading.
        min_side: long side in pixels that must be kept; the result is the smallest of full, half, quarter ... size
            (for formats other than JPEG: full, half, a third ...) that does so. A smaller image stays as it is.

    Returns:
        RGB, whatever the file's mode: transparency is put on white, greys of 16 bits or floats are scaled to 8 bits by
        the range they use, and what is no number is black.

    Raises:
        UnreadableImage: the file is damaged, empty, missing, or in a format we do not read.
        ValueError: min_side is not a whole number of at least 1.
    """
    checked_count("min_side", min_side)
    try:
        with Image.open(file, formats=readable_formats()) as image:
            return reduced_upright(image, min_side)
    except BROKEN_FILE as error:
        raise UnreadableImage(f"The image cannot be read: {error or type(error).__name__}.") from error


def reduced_upright(image: Image.Image, min_side: int) -> Image.Image:
    """Return an image that was opened, and not decoded yet, as `open_upright` does.

    Raises:
        ValueError: min_side is not a whole number of at least 1. On broken files one of `BROKEN_FILE`.
    """
    decode_smaller(image, min_side)
    image.load()
    return upright_rgb(reduced(image, min_side), image)


def decode_smaller(image: Image.Image, min_side: int) -> None:
    """Let the decoder of an opened JPEG halve it, once or more, while its long side keeps `min_side` pixels.

    Quicker than to scale it afterwards. Images of other formats stay as they are.

    Raises:
        ValueError: min_side is not a whole number of at least 1.
    """
    checked_count("min_side", min_side)
    long_side = max(image.size)
    if long_side >= 2 * min_side:
        width, height = (max(side * min_side // long_side, 1) for side in image.size)
        image.draft(None, (width, height))


@functools.cache
def readable_formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this installation can decode; naming another would raise KeyError."""
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def upright_rgb(pixels: Image.Image, original: Image.Image) -> Image.Image:
    """Return pixels as their viewer sees them: turned by the original's EXIF orientation, RGB, without alpha.

    Any mode of Pillow will do; for what becomes of each, see `open_upright`.
    """
    return _upright(_to_rgb(pixels, original), original)


def reduced(image: Image.Image, min_side: int) -> Image.Image:
    """Return an image at half, a third ... of its size, the smallest whose long side keeps `min_side` pixels.

    To be called before colours are converted, which takes several copies of the image. The result is of a mode that
    `upright_rgb` knows.

    Raises:
        ValueError: min_side is not a whole number of at least 1. On broken files one of `BROKEN_FILE`.
    """
    checked_count("min_side", min_side)
    factor = max(image.size) // min_side
    if factor < 2:
        return image
    image.load()  # only now a PNG knows all of its transparency
    if image.mode in ("RGB", "L") and "transparency" not in image.info:
        return image.reduce(factor)
    return _reduced_by_bands(image, factor)


def _reduced_by_bands(image: Image.Image, factor: int) -> Image.Image:
    """Convert and reduce a few rows at a time: other modes would need a second copy of the whole, or a third."""
    rows = factor * BAND_ROWS
    whole: Image.Image | None = None
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        band = _reducible(band).reduce(factor)
        if whole is None:
            whole = Image.new(band.mode, (band.width, -(-image.height // factor)))
            whole.info = band.info
        whole.paste(band, (0, top // factor))
    assert whole is not None
    return whole


def _reducible(image: Image.Image) -> Image.Image:
    """Return the picture in a mode Pillow can reduce."""
    if image.mode.startswith("I;16"):
        eight_bit = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        eight_bit.info = image.info
        return eight_bit
    if image.mode == "PA" or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in ("P", "1") else image


def _to_rgb(image: Image.Image, original: Image.Image) -> Image.Image:
    """Convert any mode: deep greys are scaled, transparency is put on white."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in original.info:
        layered = image if image.mode == "RGBA" else image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit or float greys to 8 bits by the range they use: 0..1, 0..255 or 0..65535."""
    greys = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0, neginf=0)
    most = float(greys.max(initial=0))
    whole = 1.0 if image.mode == "F" and most <= 1 else 255.0 if most <= 255 and image.mode != "I;16" else 65535.0
    return Image.fromarray(np.clip(greys / whole * 255, 0, 255).astype(np.uint8), mode="L")


def _upright(pixels: Image.Image, original: Image.Image) -> Image.Image:
    """Turn and mirror by the EXIF orientation; without a sound one, leave as is."""
    try:
        orientation = original.getexif().get(0x0112, 1)
    except BROKEN_FILE:
        orientation = 1
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    turn = turns.get(orientation) if isinstance(orientation, int) else None
    return pixels.transpose(turn) if turn is not None else pixels
