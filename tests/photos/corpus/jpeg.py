"""JPEG files that are sound, though few cameras write them."""

import struct

from PIL import Image

from tests.photos.corpus.sample import NOT_A_PHOTO, Sample, saved, too_many
from tests.pictures import drawing, encoded

HDR_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/></rdf:RDF></x:xmpmeta>'
)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(content: bytes, *segments: bytes) -> bytes:
    """Segments put behind the start of a JPEG."""
    return content[:2] + b"".join(segments) + content[2:]


def in_mode(mode: str):
    return lambda image: encoded(image.convert(mode))


def coded(marker: int, precision: int = 8):
    """A frame header that announces another coding, or other samples, than follow."""

    def make(image: Image.Image) -> bytes:
        content = bytearray(encoded(image))
        start = content.index(b"\xff\xc0")
        content[start + 1], content[start + 4] = marker, precision
        return bytes(content)

    return make


def ycck(image: Image.Image) -> bytes:
    content = encoded(image.convert("CMYK"))
    adobe = content.index(b"Adobe")
    return content[: adobe + 11] + b"\x02" + content[adobe + 12 :]  # says: the first three are YCC


def lying(width: int, height: int):
    """A frame header that claims another size than the data has."""

    def make(image: Image.Image) -> bytes:
        content = bytearray(encoded(image))
        struct.pack_into(">HH", content, content.index(b"\xff\xc0") + 5, height, width)
        return bytes(content)

    return make


def mpo(image: Image.Image) -> bytes:
    return encoded(image, "MPO", save_all=True, append_images=[drawing(320, 240, seed=99)])


def motion_photo(image: Image.Image) -> bytes:
    video = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"mp42", 0, b"isom", b"mp42") + struct.pack(">I4s", 50_008, b"mdat")
    return encoded(image) + video + bytes(50_000)


def gain_map(image: Image.Image) -> bytes:
    return encoded(image, xmp=HDR_XMP) + encoded(image.convert("L").resize((80, 60)))


def gain_map_in_mpo(image: Image.Image) -> bytes:
    content = mpo(image)
    return with_segments(content, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + HDR_XMP))


def plain(width: int, height: int):
    """A picture of one colour that no other sample has."""

    def make(image: Image.Image) -> bytes:
        return encoded(Image.new("RGB", (width, height), image.getpixel((0, 0))), quality=20)

    return make


SAMPLES = [
    Sample("JPEG, baseline", saved()),
    Sample("JPEG, progressive", saved(progressive=True)),
    Sample("JPEG, grey", in_mode("L")),
    Sample("JPEG, CMYK", in_mode("CMYK")),
    Sample("JPEG, YCCK", ycck),
    Sample("JPEG, 12 bits", coded(0xC0, 12), NOT_A_PHOTO),
    # libjpeg's arithmetic decoder makes a picture of anything.
    Sample("JPEG, arithmetic coding", coded(0xC9)),
    Sample("JPEG, lossless coding", coded(0xC3), "is damaged and was left out"),
    Sample("JPEG, not subsampled", saved(subsampling=0)),
    Sample("JPEG with restart markers", saved(restart_marker_rows=1)),
    Sample("JPEG of several pictures, MPO", mpo),
    Sample("JPEG, motion photo", motion_photo),
    Sample("JPEG with a gain map", gain_map),
    Sample("JPEG with a gain map in an MPO", gain_map_in_mpo),
    Sample("JPEG and 5 MB behind it", lambda image: encoded(image) + bytes(5_000_000)),
    Sample("JPEG, 40 comments of 64 kB", lambda i: with_segments(encoded(i), *[segment(0xFE, b"c" * 65_533)] * 40)),
    Sample("JPEG, 1 x 1", plain(1, 1), size=(1, 1)),
    Sample("JPEG, 1 x 60000", plain(1, 60_000), size=(1, 60_000)),
    Sample("JPEG, 60000 x 1", plain(60_000, 1), size=(60_000, 1)),
    Sample("JPEG, 49 megapixels", plain(7_000, 7_000), size=(7_000, 7_000)),
    Sample("JPEG, 100 megapixels", plain(10_000, 10_000), size=(10_000, 10_000)),
    Sample(
        "JPEG, progressive, 100 megapixels", lambda i: encoded(Image.new("L", (10_000, 10_000), 9), progressive=True)
    ),
    Sample("JPEG, 101 megapixels", lying(10_100, 10_000), too_many(101)),
    Sample("JPEG that claims 65500 x 65500", lying(65_500, 65_500), too_many(4290)),
    Sample("JPEG that claims 7000 x 7000", lying(7_000, 7_000), size=(7_000, 7_000)),
    Sample("JPEG that claims to be smaller", lying(160, 120), size=(160, 120)),
]
