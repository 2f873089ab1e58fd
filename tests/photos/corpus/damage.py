"""Files that lost something on their way."""

import random

from PIL import Image

from tests.photos.corpus.sample import BROKEN, DAMAGED, EMPTY, NOT_A_PHOTO, Sample, constant
from tests.pictures import encoded


def cut(keep: float, format: str = "JPEG", **options):
    """The first part of a file: a share up to 1, or so many bytes; below 0 without so many at the end."""

    def make(image: Image.Image) -> bytes:
        content = encoded(image, format, **options)
        return content[: int(len(content) * keep) if 0 < keep < 1 else int(keep)]

    return make


def flipped(bytes_changed: int, format: str = "JPEG"):
    """Random bytes in the picture's data, behind the header."""

    def make(image: Image.Image) -> bytes:
        content = bytearray(encoded(image, format))
        dice = random.Random(bytes_changed)
        for _ in range(bytes_changed):
            content[dice.randrange(700, len(content) - 2)] = dice.randrange(255)
        return bytes(content)

    return make


def zeros_from_half(image: Image.Image) -> bytes:
    content = encoded(image)
    return content[: len(content) // 2] + bytes(len(content) // 2)


SAMPLES = [
    Sample("empty file", constant(b""), EMPTY),
    Sample("one byte", constant(b"\xff"), NOT_A_PHOTO),
    Sample("only the start of a JPEG", constant(b"\xff\xd8\xff"), BROKEN),
    Sample("JPEG, first 200 bytes", cut(200), BROKEN),
    Sample("JPEG, first tenth of the data", cut(1_000), BROKEN),
    Sample("JPEG, first half", cut(0.5), DAMAGED, size=(320, 240)),
    Sample("JPEG, without its last 2 bytes", cut(-2), DAMAGED, size=(320, 240)),
    Sample("JPEG, without its last 40 bytes", cut(-40), DAMAGED),
    Sample("JPEG, progressive, first half", cut(0.5, progressive=True), DAMAGED),
    Sample("JPEG, grey, first half", lambda image: cut(0.5)(image.convert("L")), DAMAGED),
    Sample("JPEG, 1 byte changed", flipped(1)),
    Sample("JPEG, 30 bytes changed", flipped(30)),
    Sample("JPEG, zeros from the half", zeros_from_half, DAMAGED),
    Sample("PNG, first half", cut(0.5, "PNG"), BROKEN),
    Sample("PNG, 30 bytes changed", flipped(30, "PNG"), BROKEN),
    Sample("WebP, first half", cut(0.5, "WEBP"), BROKEN),
    Sample("WebP, lossless, first half", cut(0.5, "WEBP", lossless=True), BROKEN),
    Sample("HEIC, first half", cut(0.5, "HEIF"), BROKEN),
    Sample("HEIC, first 100 bytes", cut(100, "HEIF"), BROKEN),
    Sample("AVIF, first half", cut(0.5, "AVIF"), BROKEN),
    Sample("GIF, first half", cut(0.5, "GIF"), BROKEN),
    Sample("TIFF, first half", cut(0.5, "TIFF"), BROKEN),
    Sample("TIFF, compressed, first half", cut(0.5, "TIFF", compression="tiff_lzw"), BROKEN),
    Sample("BMP, first half", cut(0.5, "BMP"), BROKEN),
]
