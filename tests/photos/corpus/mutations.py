"""Sound pictures of every format, and what chance does to their bytes."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tests.photos.corpus.formats import frames
from tests.photos.corpus.jpeg import mpo
from tests.photos.corpus.metadata import srgb
from tests.photos.corpus.png import animated, interlaced
from tests.pictures import drawing, encoded

WAYS = ("flip a bit", "set a byte", "zero", "highest", "cut", "take out", "repeat", "mix", "header")
MOST_CHANGES = 12


@dataclass(frozen=True)
class Change:
    """way: what is done. at, long: where and to how much, as shares of the file. value: a byte."""

    way: str
    at: float
    long: float
    value: int


def _with_metadata(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Kith"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:03 14:22:10", 0x829A: 0.004})
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 53.0, 24.0), 3: "E", 4: (12.0, 29.0, 32.0)})
    return encoded(image, exif=exif, icc_profile=srgb(), xmp=b"<x:xmpmeta/>", comment=b"hello")


def seeds() -> list[bytes]:
    """Twelve small pictures, one of each kind of file that Kith decodes."""
    image = drawing(96, 64, seed=1)
    return [
        _with_metadata(image),
        encoded(image, progressive=True),
        encoded(image.convert("CMYK")),
        mpo(image),
        interlaced(image),
        animated(image.quantize(16)),
        frames("GIF", 2)(image),
        encoded(image, "WEBP", lossless=True),
        frames("WEBP", 2)(image),
        encoded(image, "HEIF"),
        encoded(image, "AVIF"),
        encoded(image, "TIFF", compression="tiff_lzw"),
    ]


def mutated(seed: bytes, changes: Sequence[Change], other: bytes) -> bytes:
    """A picture after these changes; `other` is what it may be mixed with."""
    content = bytearray(seed)
    for change in changes:
        if not content:
            break
        start = min(int(change.at * len(content)), len(content) - 1)
        length = max(int(change.long * min(len(content), 256)), 1)
        end = min(start + length, len(content))
        if change.way == "flip a bit":
            content[start] ^= 1 << change.value % 8
        elif change.way == "set a byte":
            content[start] = change.value
        elif change.way in ("zero", "highest"):
            content[start:end] = bytes([255 if change.way == "highest" else 0]) * (end - start)
        elif change.way == "cut":
            del content[max(start, 16) :]
        elif change.way == "take out":
            del content[start:end]
        elif change.way == "repeat":
            content[start:start] = content[start:end] * (1 + change.value % 8)
        elif change.way == "mix":
            content[start:end] = other[start:end]
        else:  # the first bytes say what the rest means: sizes, counts, offsets
            content[min(int(change.at * 512), len(content) - 1)] = change.value
    return bytes(content)


def chance(dice: random.Random) -> list[Change]:
    """As many changes as hypothesis would make, without its bookkeeping."""
    count = dice.randint(1, MOST_CHANGES)
    return [Change(dice.choice(WAYS), dice.random(), dice.random(), dice.randrange(256)) for _ in range(count)]
