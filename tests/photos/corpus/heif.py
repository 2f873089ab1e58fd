"""HEIC files larger than an encoder makes in the time of a test: one small tile, many times."""

import struct

from PIL import Image

from tests.pictures import encoded

TILE = 512
GRID = 1  # the number of the whole picture; tiles follow


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, version: int, *content: bytes, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def grid(image: Image.Image, count: int) -> bytes:
    """A picture of `count` x `count` tiles, of which each is the same."""
    tile = encoded(image.resize((TILE, TILE)), "HEIF", quality=30)
    settings, data = _found(tile, b"hvcC"), _found(tile, b"mdat")[8:]
    tiles = list(range(GRID + 1, GRID + 1 + count * count))
    side = TILE * count
    whole = struct.pack(">BBBBII", 0, 1, count - 1, count - 1, side, side)
    meta = _meta(tiles, settings, side, len(data), 0)
    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    meta = _meta(tiles, settings, side, len(data), len(head) + len(meta) + 8, len(whole))
    return head + meta + box(b"mdat", data, whole)


def _meta(tiles: list[int], settings: bytes, side: int, length: int, start: int, whole: int = 12) -> bytes:
    entries = [full_box(b"infe", 2, struct.pack(">HH", GRID, 0), b"grid\0")]
    entries += [full_box(b"infe", 2, struct.pack(">HH", tile, 0), b"hvc1\0", flags=1) for tile in tiles]
    sizes = [full_box(b"ispe", 0, struct.pack(">II", width, width)) for width in (TILE, side)]
    # Properties are numbered from 1; the first bit says that a reader must know it.
    owned = struct.pack(">HBB", GRID, 1, 3)
    owned += b"".join(struct.pack(">HBBB", tile, 2, 0x81, 2) for tile in tiles)
    places = struct.pack(">HHHII", GRID, 0, 1, start + length, whole)
    places += b"".join(struct.pack(">HHHII", tile, 0, 1, start, length) for tile in tiles)
    return full_box(
        b"meta", 0,
        full_box(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
        full_box(b"pitm", 0, struct.pack(">H", GRID)),
        full_box(b"iinf", 0, struct.pack(">H", len(entries)), *entries),
        full_box(b"iref", 0, box(b"dimg", struct.pack(f">HH{len(tiles)}H", GRID, len(tiles), *tiles))),
        box(b"iprp", box(b"ipco", settings, *sizes), full_box(b"ipma", 0, struct.pack(">I", len(tiles) + 1), owned)),
        full_box(b"iloc", 0, b"\x44\0", struct.pack(">H", len(tiles) + 1), places),
    )  # fmt: skip


def _found(content: bytes, kind: bytes) -> bytes:
    """A box of an encoded file, with its head."""
    start = content.index(kind) - 4
    return content[start : start + struct.unpack(">I", content[start : start + 4])[0]]
