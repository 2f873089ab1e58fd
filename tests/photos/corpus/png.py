"""PNG files: every kind of pixel, and bombs."""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.photos.corpus.sample import BROKEN, Sample, saved, too_many
from tests.pictures import drawing, encoded

ZEROS = bytes(1 << 20)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes, *, crc: int | None = None) -> bytes:
    sum_of_it = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_of_it)


def written(width: int, height: int, rows: bytes, *, bits: int = 8, colour: int = 0, interlaced: int = 0) -> bytes:
    """A PNG of packed rows: each begins with a byte for its filter."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros as zlib packs them, made of one packed block again and again."""
    blocks, rest = divmod(count, len(ZEROS))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(bytes(rest)) + packer.flush()
    return b"\x78\xda" + block * blocks + last + struct.pack(">HH", count % 65_521, 1)  # Adler-32 of zeros


def bomb(width: int, height: int, *, bits: int = 8, colour: int = 0) -> bytes:
    samples = {0: 1, 2: 3, 6: 4}[colour]
    return written(width, height, zeros(height * (1 + (width * bits * samples + 7) // 8)), bits=bits, colour=colour)


def converted(mode: str):
    return lambda image: encoded(image.convert(mode), "PNG")


def palette_with_transparency(image: Image.Image) -> bytes:
    return encoded(image.quantize(16), "PNG", transparency=3)


def sixteen_bit_grey(image: Image.Image) -> bytes:
    return encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), "PNG")


def sixteen_bit_colour(image: Image.Image) -> bytes:
    deep = (np.asarray(image).astype(">u2") * 257).tobytes()
    stride = image.width * 6
    rows = b"".join(b"\0" + deep[start : start + stride] for start in range(0, len(deep), stride))
    return written(image.width, image.height, zlib.compress(rows), bits=16, colour=2)


def interlaced(image: Image.Image) -> bytes:
    """Adam7: seven pictures, each of every so manieth pixel."""
    grey = np.asarray(image.convert("L"))
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(b"\0" + row.tobytes() for top, left, down, right in steps for row in grey[top::down, left::right])
    return written(image.width, image.height, zlib.compress(rows), interlaced=1)


def animated(image: Image.Image) -> bytes:
    return encoded(image, "PNG", save_all=True, append_images=[drawing(320, 240, seed=7)])


def with_chunk(kind: bytes, content: bytes, *, crc: int | None = None):
    """A PNG with one more chunk behind its header."""

    def make(image: Image.Image) -> bytes:
        good = encoded(image, "PNG")
        end_of_header = len(SIGNATURE) + 25
        return good[:end_of_header] + chunk(kind, content, crc=crc) + good[end_of_header:]

    return make


def bad_sum(image: Image.Image) -> bytes:
    content = encoded(image, "PNG")
    data = content.index(b"IDAT")
    length = struct.unpack(">I", content[data - 4 : data])[0]
    return content[: data + 4 + length] + b"\0\0\0\0" + content[data + 8 + length :]


SAMPLES = [
    Sample("PNG", saved("PNG")),
    Sample("PNG with alpha", converted("RGBA")),
    Sample("PNG, grey with alpha", converted("LA")),
    Sample("PNG, palette", converted("P")),
    Sample("PNG, palette with transparency", palette_with_transparency),
    Sample("PNG, 1 bit", converted("1")),
    Sample("PNG, grey of 16 bits", sixteen_bit_grey),
    Sample("PNG, colours of 16 bits", sixteen_bit_colour),
    Sample("PNG, interlaced", interlaced),
    Sample("PNG, animated", animated),
    Sample("PNG, wrong checksum", bad_sum),
    Sample("PNG, wrong checksum of a remark", with_chunk(b"tEXt", b"Title\0x", crc=1), BROKEN),
    Sample("PNG, remark of 200 MB in 200 kB", with_chunk(b"zTXt", b"Title\0\0" + zeros(200_000_000)), BROKEN),
    Sample("PNG, profile of 200 MB in 200 kB", with_chunk(b"iCCP", b"x\0\0" + zeros(200_000_000)), BROKEN),
    Sample("PNG, 30000 x 1", lambda image: encoded(image.resize((30_000, 1)), "PNG"), size=(30_000, 1)),
    Sample("PNG, 0 x 100", lambda image: written(0, 100, zlib.compress(b"\0" * 100)), BROKEN),
    Sample("PNG, 100 x 0", lambda image: written(100, 0, b""), BROKEN),
    Sample(
        "PNG that claims 2147483647 x 2147483647",
        lambda i: written(2**31 - 1, 2**31 - 1, b"x"),
        too_many(4611686014132),
    ),
    Sample("PNG, 50000 x 50000 of 1 bit", lambda i: bomb(50_000, 50_000, bits=1), too_many(2500)),
    Sample("PNG, 13300 x 13300", lambda i: bomb(13_300, 13_300), too_many(177)),
    Sample("PNG with alpha, 100 megapixels", lambda i: bomb(10_000, 10_000, colour=6), size=(10_000, 10_000)),
    Sample("PNG of 16 bits, 49 megapixels", lambda i: bomb(7_000, 7_000, bits=16), size=(7_000, 7_000)),
    Sample("PNG that claims 9000 x 9000", lambda i: written(9_000, 9_000, zeros(10_000)), BROKEN),
]
