"""What Kith makes of a photo says nothing of where, when, with what and by whom it was taken."""

import io
import struct
from pathlib import Path

import pytest
from django.conf import settings
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from ml.images import readable_formats
from people.tasks import find_faces
from photos.intake import start_batch, take_in
from photos.models import Photo
from photos.tasks import make_due_derivatives
from tests.pictures import portraits

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("models_dir")]

SECRETS = ("Serial-4711", "Kodachrome Phone", "Ruth Quince", "in the garden", "xpacket", "Photoshop 3.0")


def telling(format: str) -> bytes:
    """The astronaut, with all a camera and its owner may write into a file."""
    image = Image.open(portraits() / "astronaut.png").convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Kodachrome Phone"
    exif[ExifTags.Base.Artist] = "Ruth Quince"
    exif[ExifTags.Base.ImageDescription] = "in the garden"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = "Serial-4711"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0in the garden"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
    place[ExifTags.GPS.GPSLatitude] = (IFDRational(52), IFDRational(31), IFDRational(12))
    place[ExifTags.GPS.GPSLongitude] = (IFDRational(13), IFDRational(24), IFDRational(18))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>Ruth Quince</dc:creator></x:xmpmeta>'
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x10\x1c\x02\x78\0\x0din the garden\0"
    options = {"exif": exif, "icc_profile": profile}
    if format != "PNG":
        options["xmp"] = xmp
    if format == "JPEG":
        options |= {"comment": b"Ruth Quince", "extra": b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc}
    buffer = io.BytesIO()
    readable_formats()  # registers the HEIC encoder, too
    image.save(buffer, format, **options)
    return buffer.getvalue()


def chunks(path: Path) -> set[bytes]:
    """Kinds of chunks in a WebP file, read without Pillow."""
    content = path.read_bytes()
    assert (content[:4], content[8:12]) == (b"RIFF", b"WEBP")
    kinds, at = set(), 12
    while at < len(content):
        kinds.add(content[at : at + 4])
        at += 8 + (struct.unpack("<I", content[at + 4 : at + 8])[0] + 1) // 2 * 2
    return kinds


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "PNG", "HEIF"])
def test_thumbnails_and_crops_hold_pixels_only(alice, arriving, format):
    content = telling(format)
    assert b"Serial-4711" in content
    take_in(start_batch(alice, title="", expected=1), arriving(content, "a.jpg"), name="a.jpg")
    make_due_derivatives()
    find_faces()

    photo = Photo.objects.get()
    assert photo.latitude == pytest.approx(52.52, abs=0.01)  # it was there to be found
    made = [path for path in settings.MEDIA_ROOT.rglob("*.webp") if "originals" not in path.parts]
    assert {path.relative_to(settings.MEDIA_ROOT).parts[0] for path in made} == {"derivatives", "crops"}
    for path in made:
        assert chunks(path) <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}, path
        content = path.read_bytes()
        assert not [secret for secret in SECRETS if secret.encode() in content], path
        with Image.open(path) as image:
            assert dict(image.getexif()) == {}
