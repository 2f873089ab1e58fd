"""Small pictures to send, each of different bytes: of faces, and drawn."""

import functools
import hashlib
import io
import itertools
import zipfile

from PIL import Image

from tests.pictures import PORTRAITS, drawing, encoded, portraits

SIDE = 480  # enough to find the faces, and quick
_numbers = itertools.count(1)


class Picture:
    """A picture to send. kind: what it shows; all of one kind show the same."""

    def __init__(self, kind: str, image: Image.Image) -> None:
        self.kind = kind
        number = next(_numbers)
        self.name = f"{kind}-{number:05}.jpg"
        self.content = encoded(image, quality=88, comment=f"{kind} {number}".encode())
        self.sha256 = hashlib.sha256(self.content).hexdigest()


def portrait(number: int) -> Picture:
    name = PORTRAITS[number % len(PORTRAITS)]
    return Picture(name.removesuffix(".jpg"), _small(name))


def drawn(number: int = 0) -> Picture:
    return Picture("drawn", drawing(320, 240, seed=number))


def mixed(number: int) -> Picture:
    """Two drawn ones for each portrait."""
    return portrait(number // 3) if number % 3 == 0 else drawn(number)


def archive(pictures: list[Picture]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for picture in pictures:
            opened.writestr(picture.name, picture.content)
    return buffer.getvalue()


@functools.cache
def _small(name: str) -> Image.Image:
    with Image.open(portraits() / name) as image:
        small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    return small
