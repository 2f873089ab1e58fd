"""What the limited child does with one picture: look at it, or make its derivatives."""

import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from ml.images import decode_smaller, readable_formats, upright_rgb
from photos.decoding.metadata import read_metadata
from photos.decoding.perceptual import perceptual_hash
from photos.faults import fault

# The cap is ours and is checked before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")
readable_formats()  # loads the HEIC decoder once, before children are forked

SMALL_SIDE = 720  # a justified row is 192 px high and at most about 310: enough at double density
LARGE_SIDE = 2048
LARGE_AT_MOST = (
    2400  # not scaled to LARGE_SIDE below this: 4,600 pixels decode to 2,300, and scaling takes as long again
)
# A JPEG is decoded straight to this or more where that spares scaling: phones' 4000 pixels come out as 2000.
LARGE_ENOUGH = 1920
EXTENSIONS = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "HEIF": "heic",
    "AVIF": "avif",
    "TIFF": "tif",
    "GIF": "gif",
    "BMP": "bmp",
}


class CannotWrite(OSError):
    """The disk did not take what was made: the picture is not to blame."""


class Unacceptable(ValueError):
    """The picture is refused; the message completes a sentence that starts with its name."""


def inspect(path: str, max_pixels: int) -> dict[str, Any]:
    if Path(path).stat().st_size == 0:
        raise Unacceptable("is empty and was left out")
    with _opened(path) as image:
        assert image.format is not None
        if image.width * image.height > max_pixels:
            raise Unacceptable(
                f"has {image.width * image.height / 1e6:.0f} megapixels, more than the "
                f"{max_pixels / 1e6:.0f} Kith takes, and was left out"
            )
        media_type = Image.MIME.get(image.format, f"image/{image.format.lower()}")
        extension = EXTENSIONS[image.format]
        width, height = _upright_size(image)
        # A JPEG is read to its last byte at any scale, so the cheapest one finds damage too.
        image.draft("RGB", (1, 1))
        image.load()
    return {"media_type": media_type, "extension": extension, "width": width, "height": height}


def derive(path: str, small: str, large: str) -> dict[str, Any]:
    fault("photo-derived", of=Path(path).stem)
    with _opened(path) as image:
        metadata = read_metadata(image)
        decode_smaller(image, LARGE_ENOUGH)
        upright = upright_rgb(_in_srgb(_reduced(image)), image)
    if max(upright.size) > LARGE_AT_MOST:
        upright.thumbnail((LARGE_SIDE, LARGE_SIDE), Image.Resampling.LANCZOS)
    encoded = _encoded(upright, quality=82)
    _write(encoded, large)
    if max(upright.size) > SMALL_SIDE:
        # As sharp as bicubic when it shrinks, in half of LANCZOS's time.
        upright.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.HAMMING)
        encoded = _encoded(upright, quality=80)
    _write(encoded, small)
    return metadata | {"perceptual_hash": perceptual_hash(upright)}


def details(path: str) -> dict[str, Any]:
    with _opened(path) as image:
        return read_metadata(image)


JOBS: dict[str, Callable[..., dict[str, Any]]] = {"inspect": inspect, "derive": derive, "details": details}


def rehearse() -> None:
    """Do both jobs with a picture of our own, before children are forked.

    What Python loads only when it is first used (to read a date, 20 ms) every child would load anew.
    """
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2000:01:01 00:00:00"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.jpg"
        Image.new("RGB", (SMALL_SIDE + 80, SMALL_SIDE)).save(picture, exif=exif, icc_profile=profile)
        inspect(str(picture), max_pixels=SMALL_SIDE**2 * 2)
        derive(str(picture), small=str(Path(folder) / "small"), large=str(Path(folder) / "large"))


def _opened(path: str) -> Image.Image:
    try:
        return Image.open(path, formats=readable_formats())
    except UnidentifiedImageError as error:
        raise Unacceptable("is not a photo Kith can read and was left out") from error


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height after EXIF rotation, without decoding."""
    width, height = image.size
    return (height, width) if image.getexif().get(0x0112) in (5, 6, 7, 8) else (width, height)


def _reduced(image: Image.Image) -> Image.Image:
    """Make a huge picture smaller before its colours are converted, which takes several copies of it.

    What stays is at least half as large again as the large derivative, so that scaling stays smooth.
    """
    factor = 2 * max(image.size) // (3 * LARGE_SIDE)
    return _reducible(image).reduce(factor) if factor >= 2 else image


def _reducible(image: Image.Image) -> Image.Image:
    """Return the picture in a mode Pillow can reduce, with as few copies as possible."""
    image.load()  # only now a PNG knows all of its transparency
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode == "PA" or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in ("P", "1") else image


def _encoded(image: Image.Image, *, quality: int) -> bytes:
    encoded = io.BytesIO()
    # Method 0 takes half the time of 2, for files a fifth larger and a little better.
    image.save(encoded, "WEBP", quality=quality, method=0)
    return encoded.getvalue()


def _write(content: bytes, path: str) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise CannotWrite(error.errno, error.strerror) from error


def _in_srgb(image: Image.Image) -> Image.Image:
    """Convert a wide-gamut picture to sRGB; a profile nobody can read is ignored."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode=_srgb_mode(image)
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    return image if converted is None else converted


def _srgb_mode(image: Image.Image) -> str:
    return "RGBA" if image.mode == "RGBA" else "RGB"
