"""Other formats of pictures: those Kith reads, and those it says it does not."""

import struct

from PIL import Image

from tests.photos.corpus.heif import grid
from tests.photos.corpus.sample import NOT_A_PHOTO, RAW, VIDEO, Sample, saved, too_many
from tests.pictures import drawing, encoded


def frames(format: str, count: int, **options: object):
    """Several pictures in one file."""

    def make(image: Image.Image) -> bytes:
        more = [drawing(image.width, image.height, seed=seed) for seed in range(1, count)]
        return encoded(image, format, save_all=True, append_images=more, **options)

    return make


def long_gif(image: Image.Image) -> bytes:
    more = [Image.new("P", (32, 24), number % 250) for number in range(299)]
    return encoded(image.resize((32, 24)), "GIF", save_all=True, append_images=more)


def huge_gif(image: Image.Image) -> bytes:
    content = bytearray(encoded(image, "GIF"))
    struct.pack_into("<HH", content, 6, 65_535, 65_535)  # the canvas
    return bytes(content)


def tiff_with(tags: dict[int, object], **options: object):
    """A TIFF file with tags of a camera's raw format."""

    def make(image: Image.Image) -> bytes:
        return encoded(image.resize((160, 120)), "TIFF", tiffinfo=tags, **options)

    return make


def psd(image: Image.Image) -> bytes:
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, image.height, image.width, 8, 3)
    return head + bytes(12) + bytes(2) + image.tobytes()


def mp4(brand: bytes):
    return lambda image: struct.pack(">I4s4sI4s4s", 24, b"ftyp", brand, 0, b"isom", b"mp42") + image.tobytes()[:4_000]


SAMPLES = [
    Sample("GIF", saved("GIF"), name="a.gif"),
    Sample("GIF of 300 pictures", long_gif, name="b.gif"),
    Sample("GIF that claims 65535 x 65535", huge_gif, too_many(4295), name="c.gif"),
    Sample("WebP", saved("WEBP"), name="a.webp"),
    Sample("WebP, lossless", saved("WEBP", lossless=True), name="b.webp"),
    Sample("WebP, animated", frames("WEBP", 3), name="c.webp"),
    Sample("WebP with alpha", lambda image: encoded(image.convert("RGBA"), "WEBP"), name="d.webp"),
    Sample("HEIC", saved("HEIF"), name="a.heic"),
    Sample("HEIC with alpha", lambda image: encoded(image.convert("RGBA"), "HEIF"), name="b.heic"),
    Sample("HEIC of several pictures", frames("HEIF", 3), name="c.heic"),
    Sample("HEIC, grid of 8192 x 8192", lambda i: grid(i, 16), name="d.heic", size=(8_192, 8_192)),
    Sample("HEIC, grid of 16384 x 16384", lambda i: grid(i, 32), NOT_A_PHOTO, name="e.heic"),
    Sample("AVIF", saved("AVIF"), name="a.avif"),
    Sample("AVIF, animated", frames("AVIF", 3), name="b.avif"),
    Sample("TIFF", saved("TIFF"), name="a.tif"),
    Sample("TIFF of several pages", frames("TIFF", 3), name="b.tif"),
    Sample("TIFF, CMYK", lambda image: encoded(image.convert("CMYK"), "TIFF"), name="c.tif"),
    Sample("TIFF of floats", lambda image: encoded(image.convert("F"), "TIFF"), name="d.tif"),
    Sample("TIFF with JPEG inside", saved("TIFF", compression="jpeg"), name="e.tif"),
    Sample("BMP", saved("BMP"), name="a.bmp"),
    Sample("icon", saved("ICO", sizes=[(32, 32)]), NOT_A_PHOTO, name="a.ico"),
    Sample("JPEG 2000", saved("JPEG2000"), NOT_A_PHOTO, name="a.jp2"),
    Sample("PSD", psd, NOT_A_PHOTO, name="a.psd"),
    Sample("raw file, DNG", tiff_with({0xC612: b"\1\4\0\0"}), RAW, name="a.dng"),
    Sample("raw file, NEF", tiff_with({0x00FE: 1, 0x014A: 8}), RAW, name="a.nef"),
    Sample("raw file, CR3", mp4(b"crx "), RAW, name="a.cr3"),
    Sample("raw file, RAF", lambda image: b"FUJIFILMCCD-RAW 0201" + image.tobytes()[:2_000], RAW, name="a.raf"),
    Sample("video, MP4", mp4(b"isom"), VIDEO, name="a.mp4"),
    Sample("video, MOV", mp4(b"qt  "), VIDEO, name="a.mov"),
    Sample("video, AVI", lambda image: b"RIFF\0\0\1\0AVI LIST" + image.tobytes()[:2_000], VIDEO, name="a.avi"),
]
