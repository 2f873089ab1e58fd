"""Reads what the camera wrote: when, where and with what. Broken metadata is no metadata."""

import math
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

EARLIEST_YEAR = 1826  # the first photograph

NUMBERS = {
    "seconds": ExifTags.Base.ExposureTime,
    "aperture": ExifTags.Base.FNumber,
    "iso": ExifTags.Base.ISOSpeedRatings,
    "focal_mm": ExifTags.Base.FocalLength,
    "focal_35mm": ExifTags.Base.FocalLengthIn35mmFilm,
}


def read_metadata(image: Image.Image) -> dict[str, Any]:
    """Return taken_at (ISO 8601), latitude, longitude (degrees), camera and exposure; None or "" if unknown.

    exposure: how the picture was taken, as far as the camera says: "seconds", "aperture" (the f-number), "iso",
    "focal_mm", "focal_35mm" (numbers above 0), "lens" (text), "flash" (whether it fired).
    """
    exif = image.getexif()
    latitude, longitude = _position(exif)
    return {
        "taken_at": _taken_at(exif),
        "latitude": latitude,
        "longitude": longitude,
        "camera": _camera(exif),
        "exposure": _exposure(exif),
    }


def _taken_at(exif: Image.Exif) -> str | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    written = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    try:
        moment = datetime.strptime(str(written).strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S")
        if not EARLIEST_YEAR <= moment.year <= datetime.now().year + 1:
            return None
        offset = str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
        return datetime.fromisoformat(moment.isoformat() + offset).isoformat()
    except ValueError:
        return None


def _position(exif: Image.Exif) -> tuple[float | None, float | None]:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    try:
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude])
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None, None
    if str(gps.get(ExifTags.GPS.GPSLatitudeRef)).startswith("S"):
        latitude = -latitude
    if str(gps.get(ExifTags.GPS.GPSLongitudeRef)).startswith("W"):
        longitude = -longitude
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # false for NaN, too
        return None, None
    return latitude, longitude


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        raise ValueError("not a number")
    return value


def _camera(exif: Image.Exif) -> str:
    make = str(exif.get(ExifTags.Base.Make, "")).strip("\0 ")
    model = str(exif.get(ExifTags.Base.Model, "")).strip("\0 ")
    name = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return name.replace("\0", "").strip()[:100]


def _exposure(exif: Image.Exif) -> dict[str, float | str | bool]:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    numbers = {name: _number(details.get(tag)) for name, tag in NUMBERS.items()}
    found: dict[str, float | str | bool] = {name: number for name, number in numbers.items() if number}
    lens = _words(details.get(ExifTags.Base.LensModel))
    if lens:
        found["lens"] = lens
    flash = details.get(ExifTags.Base.Flash)
    if isinstance(flash, int):
        found["flash"] = bool(flash & 1)
    return found


def _number(written: Any) -> float | None:
    """A number above 0; of several the first."""
    try:
        number = float(written[0] if isinstance(written, tuple) else written)
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return round(number, 8) if 0 < number < math.inf else None


def _words(written: Any) -> str:
    text = written if isinstance(written, str) else ""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:100]
