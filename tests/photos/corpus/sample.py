"""One file of the corpus, and the verdicts there are."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from tests.pictures import drawing, encoded

# Verdicts. A reason stands for "left out, with this reason".
OK = "stored"
DAMAGED = "stored, but is damaged: what can be seen of it was added"
NOT_A_PHOTO = "is not a photo Kith can read and was left out"
BROKEN = "is damaged and was left out"
EMPTY = "is empty and was left out"
VIDEO = "is a video and not a photo, and was left out"
RAW = "is a raw file of a camera, which Kith cannot read, and was left out"
TOO_MUCH = "needs more memory or time than a photo should and was left out"


def too_many(megapixels: int) -> str:
    return f"has {megapixels} megapixels, more than the 100 Kith takes, and was left out"


@dataclass(frozen=True)
class Sample:
    """kind: what it is, in words. make: its bytes from a drawing no other sample has. name: as it is sent.

    shown: how pages name it, where that differs. verdict: one of the above; of an archive one for each entry.
    size: of the upright picture, where that is what the sample is about.
    """

    kind: str
    make: Callable[[Image.Image], bytes]
    verdict: str | dict[str, str] = OK
    name: str = ""
    shown: str = ""
    size: tuple[int, int] | None = None

    @property
    def content(self) -> bytes:
        return self.make(drawing(320, 240, seed=zlib.crc32(self.kind.encode())))

    @property
    def sent_name(self) -> str:
        return self.name or "".join(c if c.isalnum() else "-" for c in self.kind) + ".jpg"

    @property
    def shown_name(self) -> str:
        return self.shown or self.sent_name


def saved(format: str = "JPEG", **options: object) -> Callable[[Image.Image], bytes]:
    """A way to make a sample: the drawing in this format."""
    return lambda image: encoded(image, format, **options)


def constant(content: bytes) -> Callable[[Image.Image], bytes]:
    return lambda image: content
