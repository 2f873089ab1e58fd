"""Names the places photos were taken at, from a list of towns on this disk: nothing leaves the machine.

Towns and countries are GeoNames' (CC BY 4.0), as the package reverse-geocode brings them.
"""

import numpy as np
from django.db.models import QuerySet

from photos.models import Photo
from photos.models.photo import LONGEST_PLACE

AT_ONCE = 1000  # photos, so that a worker has its hands free again soon
FARTHEST_KM = 60.0  # from the nearest town: at sea a name would mislead
EARTH_KM = 6371.0


def photos_to_place() -> "QuerySet[Photo]":
    """Photos whose camera noted where it was, and whose place has no name yet."""
    return Photo.objects.filter(latitude__isnull=False, longitude__isnull=False, place=None)


def name_places() -> int:
    """Name the places of some photos, and return of how many."""
    photos = list(photos_to_place().order_by("pk").only("pk", "latitude", "longitude")[:AT_ONCE])
    if not photos:
        return 0
    names = place_names([(photo.latitude or 0.0, photo.longitude or 0.0) for photo in photos])
    for photo, name in zip(photos, names, strict=True):
        photo.place = name
    return Photo.objects.bulk_update(photos, ["place"])


def place_names(positions: list[tuple[float, float]]) -> list[str]:
    """Of each latitude and longitude in degrees: "Rome, Lazio, Italy"; empty far from any town."""
    import reverse_geocode  # takes a second and 100 MB: only where photos have places

    towns = reverse_geocode.search(positions)
    return [
        _name(town) if _kilometres(place, (town["latitude"], town["longitude"])) <= FARTHEST_KM else ""
        for place, town in zip(positions, towns, strict=True)
    ]


def _name(town: dict[str, str]) -> str:
    parts = dict.fromkeys(town.get(key, "") for key in ("city", "state", "country"))
    return ", ".join(part for part in parts if part)[:LONGEST_PLACE]


def _kilometres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Along a great circle (haversine formula)."""
    (lat, lon), (other_lat, other_lon) = np.radians(here), np.radians(there)
    half = np.sin((other_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    return float(2 * EARTH_KM * np.arcsin(np.sqrt(min(half, 1.0))))
