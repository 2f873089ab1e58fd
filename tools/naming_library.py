"""Makes a library of invented faces for tools.naming_speed: named people, groups that wait, suggestions, a history.

Plainer than what `manage.py make_library` makes: no pictures, no albums, photos one after the other.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np
from django.db.models import Max
from numpy.typing import NDArray

from accounts.models import User
from people.invented_faces import Faces, Naming, invented_people, invented_qualities, name_some
from people.invented_rows import DIMENSIONS, FIRST_DAY, Row, copy, face_rows, go_on_numbering, photo_row, store_named
from people.models import Face
from photos.models import Photo

FACES_A_PHOTO = 1.5
PHOTOS_LATER = 1000
LARGE_GROUPS = 6  # people of so many faces, whom nobody has named yet
LARGE_GROUP = 1010
LEAST_TO_BE_NAMED = 5  # faces; nobody names those seen less often
NAMED = 0.4  # of the people with so many
CONFIRMED = 0.8  # of a named person's faces; Kith suggests the others
BETWEEN_PHOTOS = timedelta(minutes=55)


def invent(count: int) -> tuple[Faces, Faces]:
    """The faces of a library, and those of photos that come later: of some of the same people."""
    whole = count + round(PHOTOS_LATER * FACES_A_PHOTO)
    rows, people = invented_people(whole, DIMENSIONS, [LARGE_GROUP] * LARGE_GROUPS)
    photos = np.floor(np.arange(whole) / FACES_A_PHOTO).astype(np.int64) + 1
    faces = Faces(rows, people, photos, invented_qualities(whole, seed=1))
    return faces.part(slice(0, count)), faces.part(slice(count, None))


def fill(owner: User, faces: Faces) -> None:
    """Store the library of an owner; everything else in the database must be empty."""
    naming = name_some(faces, named=NAMED, least=LEAST_TO_BE_NAMED, confirmed=CONFIRMED, never=LARGE_GROUPS)
    photos = _photos(owner, np.unique(faces.photos), Photo.Stage.DONE)
    store_named(owner, faces, naming, photos, name_of="Person {}".format)
    go_on_numbering()


def store_arrivals(owner: User, faces: Faces) -> list[int]:
    """Store photos that wait for their groups, with faces that have neither name nor group; return the photos."""
    first_photo, first_face = (model.objects.aggregate(Max("pk", default=0))["pk__max"] + 1 for model in (Photo, Face))
    arrived = replace(faces, photos=faces.photos - faces.photos[0] + first_photo)
    nobody, no = np.zeros(len(faces.people), np.int64), np.zeros(len(faces.people), bool)
    photos = np.unique(arrived.photos)
    copy(Photo, _photos(owner, photos, Photo.Stage.GROUPING))
    copy(Face, face_rows(arrived, Naming(nobody, nobody, no, no), first=first_face))
    go_on_numbering()
    return list(photos.tolist())


def _photos(owner: User, numbers: NDArray[np.int64], stage: Photo.Stage) -> Iterator[Row]:
    for number in numbers.tolist():
        row = photo_row(owner, number)
        yield row | {
            "original": f"originals/{row['sha256']}.jpg",
            "byte_size": 4_000_000,
            "width": 4000,
            "height": 3000,
            "small": f"small/{row['sha256']}.webp",
            "large": f"large/{row['sha256']}.webp",
            "taken_at": FIRST_DAY + number * BETWEEN_PHOTOS,
            "taken_at_source": Photo.DateSource.CAMERA,
            "camera": "Invented",
            "uploaded_at": FIRST_DAY,
            "stage": stage,
        }
