"""When and where the photos of an invented library were taken, and what they were sent with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import models
from numpy.typing import NDArray

from accounts.models import User
from people.invented_pictures import KINDS, SHAPES, Sizes
from people.invented_rows import FIRST_DAY, Row, copy, photo_row, sha256_of
from photos.models import Batch, BatchFile, Photo
from photos.places import place_names

YEARS = 20
AN_EVENT = 40  # photos, about
DAYS_AN_EVENT = 2.0
WITH_PLACE = 0.6  # of the events
UNDATED, FAVOURITES, FAILED = 0.03, 0.02, 0.0005  # of the photos
A_BATCH = 2500  # photos
CAMERAS = ("Invented One", "Invented X100", "Invented Phone 7", "")
# Latitude and longitude of towns that photos are taken in.
TOWNS = (
    (41.89, 12.48), (48.86, 2.35), (52.52, 13.41), (51.51, -0.13), (40.42, -3.70), (38.72, -9.14), (55.68, 12.57),
    (59.33, 18.07), (60.17, 24.94), (50.08, 14.44), (48.21, 16.37), (47.37, 8.54), (45.44, 12.32), (43.77, 11.26),
    (37.98, 23.73), (41.01, 28.98), (53.35, -6.26), (55.95, -3.19), (64.15, -21.94), (40.71, -74.01), (37.77, -122.42),
    (45.50, -73.57), (19.43, -99.13), (-22.91, -43.17), (-34.60, -58.38), (-33.92, 18.42), (30.04, 31.24),
    (35.68, 139.69), (35.01, 135.77), (1.35, 103.82), (-33.87, 151.21), (-41.29, 174.78), (47.80, 13.04), (46.21, 6.14),
)  # fmt: skip


@dataclass(frozen=True)
class Shots:
    """Photos in the order they were taken: event by event. towns: of TOWNS, -1 without a place."""

    events: NDArray[np.int64]
    times: list[datetime]
    towns: NDArray[np.int64]
    places: list[str]  # of TOWNS
    shapes: NDArray[np.int64]
    is_undated: NDArray[np.bool_]
    is_favourite: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times)


def take_photos(count: int, *, seed: int) -> Shots:
    """Photos of events that are spread evenly over the years; a year without one has a single photo at least."""
    random = np.random.default_rng([seed, 7])
    large = max(1, count // AN_EVENT)
    events = max(large, min(count, YEARS))
    years = np.arange(events) * YEARS // events
    starts = np.sort(years * 365 + random.uniform(0, 365 - DAYS_AN_EVENT, events))
    of_event = (np.arange(large) * events // large)[random.integers(0, large, count)]
    of_event[:events] = np.arange(events)  # no event without a photo
    of_event.sort()
    days = starts[of_event] + random.uniform(0, DAYS_AN_EVENT, count)
    days = np.sort(days)
    towns = np.where(random.random(events) < WITH_PLACE, random.integers(0, len(TOWNS), events), -1)
    return Shots(
        of_event,
        [FIRST_DAY + timedelta(seconds=round(86400 * day)) for day in days.tolist()],
        towns[of_event],
        place_names(list(TOWNS)),
        random.choice(len(SHAPES), count, p=[0.35, 0.2, 0.2, 0.1, 0.1, 0.05]),
        random.random(count) < UNDATED,
        random.random(count) < FAVOURITES,
    )


def photo_rows(owner: User, shots: Shots, heads: NDArray[np.int64], sizes: Sizes, *, seed: int) -> Iterator[Row]:
    """Rows of the photos, numbered from 1. heads: how many faces each has; those with none may have failed.

    sizes: of the pictures that were drawn, if any.
    """
    random = np.random.default_rng([seed, 8])
    shifts = random.normal(0, 0.02, (len(shots), 2))
    failed = (heads == 0) & (random.random(len(shots)) < FAILED * len(shots) / max(1, int((heads == 0).sum())))
    for place, taken_at in enumerate(shots.times):
        width, height = SHAPES[shots.shapes[place]]
        undated, town = bool(shots.is_undated[place]), int(shots.towns[place])
        at = None if town < 0 else np.array(TOWNS[town]) + shifts[place]
        yield photo_row(owner, place + 1) | {
            **{f"{'original' if kind == 'originals' else kind}": file_name(kind, place + 1) for kind in KINDS},
            "byte_size": sizes.get((int(shots.shapes[place]), int(heads[place])), 0),
            "width": width,
            "height": height,
            "taken_at": taken_at,
            "taken_at_source": Photo.DateSource.UPLOAD if undated else Photo.DateSource.CAMERA,
            "latitude": None if at is None else float(at[0]),
            "longitude": None if at is None else float(at[1]),
            "place": None if town < 0 else shots.places[town],
            "camera": "" if undated else CAMERAS[int(shots.events[place]) % len(CAMERAS)],
            "uploaded_at": taken_at if undated else taken_at + timedelta(days=7),
            "is_favourite": bool(shots.is_favourite[place]),
            "stage": Photo.Stage.FACES if failed[place] else Photo.Stage.DONE,
            "failure": "The file is damaged." if failed[place] else "",
        }


def file_name(kind: str, number: int) -> str:
    """Of a file of an invented photo or of the crop of a face, below the media root."""
    return f"{kind}/invented/{number % 256:02x}/{number}.{'jpg' if kind == 'originals' else 'webp'}"


def store_batches(owner: User, shots: Shots) -> list[type[models.Model]]:
    """Note what the photos were sent with; return the tables that have to go on numbering."""
    batches = -(-len(shots) // A_BATCH)
    copy(
        Batch,
        (
            {
                "id": number + 1,
                "owner_id": owner.pk,
                "title": f"Photos {shots.times[number * A_BATCH]:%Y-%m}",
                "expected": min(A_BATCH, len(shots) - number * A_BATCH),
                "started_at": shots.times[number * A_BATCH],
                "state": Batch.State.RUNNING,
            }
            for number in range(batches)
        ),
    )
    copy(
        BatchFile,
        (
            {
                "id": place + 1,
                "batch_id": place // A_BATCH + 1,
                "name": f"IMG_{place + 1:05}.jpg",
                "sha256": sha256_of(place + 1),
                "outcome": BatchFile.Outcome.STORED,
                "reason": "",
                "arrived_at": taken_at + timedelta(days=7),
                "photo_id": place + 1,
            }
            for place, taken_at in enumerate(shots.times)
        ),
    )
    return [Batch, BatchFile]
