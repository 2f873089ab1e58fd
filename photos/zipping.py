"""Originals as one ZIP file, written while it is sent: no temporary file, and no more in memory than a chunk."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from photos.models import Photo

CHUNK = 256 * 1024  # bytes
OLDEST, NEWEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # what a ZIP file can say


@dataclass
class _Outbox:
    """What a ZIP file is written to: it keeps what was not sent yet, and cannot be rewound."""

    parts: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def tell(self) -> int:
        raise io.UnsupportedOperation  # zipfile then counts itself

    def close(self) -> None:
        pass

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


def zipped(photos: Iterable[Photo]) -> Iterator[bytes]:
    """The bytes of a ZIP file of originals, under names of their own. One that is missing is named in a note.

    Not compressed: pictures are already.
    """
    outbox, missing = _Outbox(), []
    names = Names()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        for photo in photos:
            try:
                original = photo.original.open("rb")
            except FileNotFoundError:
                missing.append(photo.name)
                continue
            with original, archive.open(_entry(photo, names), "w", force_zip64=True) as entry:
                while chunk := original.read(CHUNK):
                    entry.write(chunk)
                    yield outbox.taken()
        if missing:
            archive.writestr(names.unique("missing.txt"), "\n".join(missing) + "\n")
    yield outbox.taken()


def _entry(photo: Photo, names: "Names") -> zipfile.ZipInfo:
    taken_at = photo.taken_at.timetuple()[:6]
    entry = zipfile.ZipInfo(names.unique(photo.name), min(max(taken_at, OLDEST), NEWEST))
    entry.external_attr = 0o644 << 16
    return entry


class Names:
    """File names, none of them twice; case does not tell two apart, for on some machines it does not."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def unique(self, name: str) -> str:
        name = name.replace("/", "_").replace("\\", "_").lstrip(".") or "photo"
        if name.casefold() in self._taken:
            name = self._numbered(PurePath(name))
        self._taken.add(name.casefold())
        return name

    def _numbered(self, name: PurePath) -> str:
        number = self._last.get(str(name).casefold(), 1)
        while True:
            number += 1
            numbered = f"{name.stem} ({number}){name.suffix}"
            if numbered.casefold() not in self._taken:
                self._last[str(name).casefold()] = number
                return numbered
