"""What the limited child does with one picture: look at it, make its derivatives, or give its pixels."""

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

from ml.images import decode_smaller, readable_formats, reduced, reduced_upright, upright_rgb
from photos.decoding.kinds import IS_DAMAGED, IS_RAW, is_raw, what_it_is
from photos.decoding.metadata import read_metadata
from photos.decoding.perceptual import perceptual_hash
from photos.faults import fault

# The cap is ours and is checked before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")
readable_formats()  # loads the HEIC decoder once, before children are forked

SMALL_SIDE = 720  # a justified row is 192 px high and at most about 310: enough at double density
LARGE_SIDE = 2048
# A huge picture is made smaller before its colours are converted, which takes several copies of it: to something that
# is half as large again as the large derivative, so that scaling stays smooth.
REDUCED_SIDE = LARGE_SIDE * 3 // 2
LARGE_AT_MOST = (
    2400  # not scaled to LARGE_SIDE below this: 4,600 pixels decode to 2,300, and scaling takes as long again
)
# A JPEG is decoded straight to this or more where that spares scaling: phones' 4000 pixels come out as 2000.
LARGE_ENOUGH = 1920
EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",  # a JPEG with more JPEGs behind it, such as phones write
    "PNG": "png",
    "WEBP": "webp",
    "HEIF": "heic",
    "AVIF": "avif",
    "TIFF": "tif",
    "GIF": "gif",
    "BMP": "bmp",
}
BAND_ROWS = 64
JPEG_FORMATS = ("JPEG", "MPO")
# A JPEG of which less can be seen is refused. One that lost its last bytes can still be shown, as every viewer does.
LEAST_READABLE = 0.25


class CannotWrite(OSError):
    """The disk did not take what was made: the picture is not to blame."""


class Unacceptable(ValueError):
    """The picture is refused; the message completes a sentence that starts with its name."""


def inspect(path: str, max_pixels: int) -> dict[str, Any]:
    if Path(path).stat().st_size == 0:
        raise Unacceptable("is empty and was left out")
    with _opened(path) as image:
        assert image.format is not None
        if is_raw(image):
            raise Unacceptable(IS_RAW)
        if image.width * image.height > max_pixels:
            raise Unacceptable(
                f"has {image.width * image.height / 1e6:.0f} megapixels, more than the "
                f"{max_pixels / 1e6:.0f} Kith takes, and was left out"
            )
        kind = "JPEG" if image.format in JPEG_FORMATS else image.format
        media_type = Image.MIME.get(kind, f"image/{kind.lower()}")
        extension = EXTENSIONS[kind]
        width, height = _upright_size(image)
        is_damaged = _is_damaged(image)
    if is_damaged and _readable_share(path) < LEAST_READABLE:
        raise Unacceptable(IS_DAMAGED)
    return {
        "media_type": media_type, "extension": extension, "width": width, "height": height, "is_damaged": is_damaged,
    }  # fmt: skip


def derive(path: str, small: str, large: str) -> dict[str, Any]:
    fault("photo-derived", of=Path(path).stem)
    with _opened(path) as image:
        _forgive(image)
        metadata = read_metadata(image)
        decode_smaller(image, LARGE_ENOUGH)
        upright = upright_rgb(_in_srgb(reduced(image, REDUCED_SIDE)), image)
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


def pixels(path: str, min_side: int) -> dict[str, Any]:
    """The upright picture, as the networks look at it."""
    with _opened(path) as image:
        _forgive(image)
        upright = reduced_upright(image, min_side)
    return {"width": upright.width, "height": upright.height, "content": _bands(upright)}


def _bands(image: Image.Image) -> Iterator[bytes]:
    """The pixels of some rows at a time: all at once would be one more copy in new memory."""
    for top in range(0, image.height, BAND_ROWS):
        yield image.crop((0, top, image.width, min(top + BAND_ROWS, image.height))).tobytes()


def details(path: str) -> dict[str, Any]:
    with _opened(path) as image:
        return read_metadata(image)


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "inspect": inspect, "derive": derive, "pixels": pixels, "details": details,
}  # fmt: skip


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
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        return Image.open(path, formats=readable_formats())
    except UnidentifiedImageError as error:
        raise Unacceptable(what_it_is(Path(path))) from error


def _is_damaged(image: Image.Image) -> bool:
    """Decode a picture; whether it is a JPEG that breaks off. Other formats raise what their decoders do."""
    # A JPEG is read to its last byte at any scale, so the cheapest one finds damage too.
    image.draft("RGB", (1, 1))
    try:
        image.load()
    except OSError:
        if image.format not in JPEG_FORMATS:
            raise
        return True
    return False


def _readable_share(path: str) -> float:
    """The part of a JPEG that breaks off which still shows something, by height: 0 to 1."""
    with _opened(path) as image:
        _forgive(image)
        image.draft("RGB", (1, 1))
        pixels = np.asarray(image.convert("RGB"))
    # What is missing comes out of the decoder in the one colour that was the last.
    shows = (pixels != pixels[-1, -1]).any(axis=(1, 2))
    return float(np.flatnonzero(shows).max(initial=-1) + 1) / len(shows)


def _forgive(image: Image.Image) -> None:
    """Take a JPEG as far as it goes. Of other formats the rest would be made up."""
    ImageFile.LOAD_TRUNCATED_IMAGES = image.format in JPEG_FORMATS


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height after EXIF rotation, without decoding."""
    width, height = image.size
    return (height, width) if image.getexif().get(0x0112) in (5, 6, 7, 8) else (width, height)


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
