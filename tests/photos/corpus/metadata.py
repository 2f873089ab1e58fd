"""What cameras, programs and attackers write beside the picture: EXIF, XMP, IPTC and colour profiles.

Orientations 1 to 8 are no samples of this list: that they give the same upright picture is a test of its own.
"""

import struct
from collections.abc import Callable

from PIL import ExifTags, Image, ImageCms

from tests.photos.corpus.jpeg import segment, with_segments
from tests.photos.corpus.sample import Sample
from tests.pictures import encoded

SCRIPT = "<script>alert('exif')</script>"
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">'
    b'<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>&secret;&c;</dc:title>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
GPS, DETAILS = ExifTags.IFD.GPSInfo, ExifTags.IFD.Exif


def tagged(tags: dict[int, object], *, ifd: int = 0) -> Callable[[Image.Image], bytes]:
    """EXIF tags in the main directory, or in one below it."""

    def make(image: Image.Image) -> bytes:
        exif = Image.Exif()
        (exif.get_ifd(ifd) if ifd else exif).update(tags)
        return encoded(image, exif=exif)

    return make


def with_exif(tiff: bytes) -> Callable[[Image.Image], bytes]:
    """EXIF written by hand."""
    return lambda image: with_segments(encoded(image), segment(0xE1, b"Exif\0\0" + tiff))


def directory(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A TIFF header and its first directory: tag, type, count, value; and where it says the next one is."""
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + rows + struct.pack("<I", following)


def place(latitude: bytes) -> bytes:
    """GPS whose latitude is these three pairs of numbers; the longitude is 12 degrees."""
    head = directory([(0x8825, 4, 1, 26)])
    rows = [(1, 2, 2, ord("N")), (2, 5, 3, 80), (3, 2, 2, ord("E")), (4, 5, 3, 104)]
    gps = struct.pack("<H", len(rows)) + b"".join(struct.pack("<HHII", *row) for row in rows) + bytes(4)
    return head + gps + latitude + struct.pack("<6I", 12, 1, 0, 1, 0, 1)


def profile(content: bytes) -> Callable[[Image.Image], bytes]:
    return lambda image: encoded(image, icc_profile=content)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def wide_gamut() -> bytes:
    return srgb().replace(b"rXYZ", b"\0tmp").replace(b"gXYZ", b"rXYZ").replace(b"\0tmp", b"gXYZ")


def caption(image: Image.Image) -> bytes:
    text = SCRIPT.encode()
    record = b"\x1c\x02\x78" + struct.pack(">H", len(text)) + text
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record
    return with_segments(encoded(image), segment(0xED, b"Photoshop 3.0\0" + block))


def xmp(content: bytes) -> Callable[[Image.Image], bytes]:
    return lambda image: with_segments(encoded(image), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + content))


DATES = {
    "date 0000": "0000:00:00 00:00:00",
    "date 9999": "9999:12:31 23:59:59",
    "date of NUL": "\0" * 19,
    "date of words": "the day before yesterday",
    "date of 30 February": "2024:02:30 10:00:00",
}

SAMPLES = [
    Sample("EXIF, orientation 99", tagged({0x0112: 99}), size=(320, 240)),
    Sample("EXIF, orientation of text", with_exif(directory([(0x0112, 2, 4, 0x00786973)])), size=(320, 240)),
    Sample("EXIF of random bytes", with_exif(bytes(range(256)) * 4)),
    Sample("EXIF that breaks off", with_exif(directory([(0x010F, 2, 100, 5_000)] * 40)[:60])),
    Sample("EXIF whose directory is its own next", with_exif(directory([(0x0100, 4, 1, 7)], following=8))),
    Sample("EXIF whose details are itself", with_exif(directory([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)]))),
    Sample("EXIF of 4 billion entries", with_exif(directory([(0x010F, 2, 0xFFFFFFFF, 8)]))),
    Sample("EXIF, maker note of 64 kB", tagged({ExifTags.Base.MakerNote: b"m" * 65_000}, ifd=DETAILS)),
    Sample("EXIF, script as the camera", tagged({0x010F: SCRIPT, 0x0110: SCRIPT})),
    Sample(
        "EXIF, script as the comment",
        tagged({ExifTags.Base.UserComment: b"ASCII\0\0\0" + SCRIPT.encode()}, ifd=DETAILS),
    ),
    Sample("EXIF, script as the lens", tagged({ExifTags.Base.LensModel: SCRIPT}, ifd=DETAILS)),
    Sample("EXIF, NUL in the camera", tagged({0x010F: "Goo\0gle", 0x0110: "Pix\0el"})),
    Sample("IPTC, script as the caption", caption),
    Sample("XMP with entities from outside", xmp(XXE)),
    Sample("XMP of 60 kB of brackets", xmp(b"<" * 60_000)),
    Sample("GPS", tagged({1: "N", 2: (41.0, 53.0, 24.0), 3: "E", 4: (12.0, 29.0, 32.0)}, ifd=GPS)),
    Sample("GPS, 91 degrees", tagged({1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (12.0, 0.0, 0.0)}, ifd=GPS)),
    Sample("GPS, not a number", with_exif(place(struct.pack("<6I", 0, 0, 0, 0, 0, 0)))),
    Sample("GPS, infinite", with_exif(place(struct.pack("<6I", 0xFFFFFFFF, 0, 1, 0, 1, 0)))),
    Sample("GPS of one number", tagged({1: "N", 2: 41.0, 3: "E", 4: 12.0}, ifd=GPS)),
    *[
        Sample(f"EXIF, {kind}", tagged({ExifTags.Base.DateTimeOriginal: text}, ifd=DETAILS))
        for kind, text in DATES.items()
    ],
    Sample("ICC of 4 MB", profile(srgb() + bytes(4_000_000))),
    Sample("ICC of garbage", profile(b"garbage" * 50)),
    Sample("ICC of a wide gamut", profile(wide_gamut())),
    Sample("ICC that breaks off", profile(srgb()[:200])),
    Sample("ICC of grey for colours", profile(srgb()[:16] + b"GRAY" + srgb()[20:])),
]
