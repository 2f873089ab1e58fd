"""Loads what is compared of many faces, straight from PostgreSQL's binary format into arrays: 300,000 in a second."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, Value
from django.db.models.functions import Coalesce
from numpy.typing import NDArray
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from ml.projection import recentred
from people.models import Library
from people.models.face import FaceQuerySet

logger = logging.getLogger(__name__)

# PostgreSQL's binary copy: a header, whose last number says how much longer it is; of each row the number of its
# columns and, behind its length, each; then -1 for the end. A halfvec is its dimensions, two empty bytes, its numbers.
HEADER = 19
TRAILER = 2
FIELDS = {"pk": ">i8", "photo": ">i8", "cluster": ">i8", "person": ">i8", "quality": ">f8", "length": ">i4"}
OFFSETS = [6, 18, 30, 42, 54, 62]
NUMBERS = 70  # here those of the projection start
LENGTH = OFFSETS[-1]  # of the projection, in bytes, with the four in front of its numbers


@dataclass(frozen=True, eq=False)
class FaceColumns:
    """Columns of n faces, ascending by primary key.

    pks, photos, clusters, people: shape (n,), primary keys, 0 for none. qualities: shape (n,). rows: shape (n, d), the
    projections, unit rows; d is 0 without faces.
    """

    pks: NDArray[np.int64]
    photos: NDArray[np.int64]
    clusters: NDArray[np.int64]
    people: NDArray[np.int64]
    qualities: NDArray[np.float64]
    rows: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pks)


def load_faces(
    faces: FaceQuerySet, *, centre: NDArray[np.float32] | None = None, field: str = "projection"
) -> FaceColumns:
    """Load faces of one model by one query.

    Args:
        faces: any choice of them, such as those of an owner that wait for a name; their order does not matter.
        centre: what `centre_in_use` returned, to be taken away from all of them.
        field: the one that holds the projections; faces without any in it are left out.

    Should projections differ in length, faces of another length than most are left out: they do not compare.
    """
    try:
        chosen = faces if field == "projection" else faces.filter(**{f"{field}__isnull": False})
        records = _records(_copied(chosen, field))
    except EmptyResultSet:  # Django sees that no face can be among them, and asks nothing
        records = np.zeros(0, _row_type(4))
    records = records[np.argsort(records["pk"], kind="stable")]
    rows = records["projection"].astype(np.float32)
    return FaceColumns(
        pks=records["pk"].astype(np.int64),
        photos=records["photo"].astype(np.int64),
        clusters=records["cluster"].astype(np.int64),
        people=records["person"].astype(np.int64),
        qualities=records["quality"].astype(np.float64),
        rows=rows if centre is None or not len(rows) else recentred(rows, centre),
    )


def centre_in_use(owner_id: int, model: str) -> NDArray[np.float32] | None:
    """The library's centre, shape (d,), if it was worked out from faces of this model; distances then have limits of
    their own (`FaceModel.limits(recentred=True)`)."""
    library = Library.objects.filter(owner=owner_id, centre_model=model, centre__isnull=False).first()
    return None if library is None else np.asarray(library.centre, dtype=np.float32)


def _copied(faces: FaceQuerySet, field: str) -> bytes:
    whole = BigIntegerField()
    cluster, person = (Coalesce(key, Value(0), output_field=whole) for key in ("cluster_id", "person_id"))
    chosen = faces.order_by().values_list("pk", "photo_id", cluster, person, "quality", field)
    # Written out, for COPY takes no parameters.
    query = connection.ops.compose_sql(*chosen.query.sql_with_params())  # type: ignore[attr-defined]
    connection.ensure_connection()
    # Asked of libpq itself: psycopg's own reading of so many rows takes three times as long.
    return b"".join(_rows_copied(connection.connection.pgconn, f"COPY ({query}) TO STDOUT (FORMAT BINARY)"))


def _rows_copied(server: PGconn, copy: str) -> Iterator[bytes]:
    result: PGresult | None = server.exec_(copy.encode())
    if result is not None and result.status == ExecStatus.COPY_OUT:
        while (row := server.get_copy_data(0))[0] > 0:
            yield bytes(row[1])
        result = server.get_result()
    with connection.wrap_database_errors:
        while result is not None:
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
            result = server.get_result()


def _records(copied: bytes) -> NDArray[np.void]:
    """The rows as they came, without the ends."""
    start = HEADER + int.from_bytes(copied[HEADER - 4 : HEADER], "big")
    rows = memoryview(copied)[start:-TRAILER]
    if not len(rows):
        return np.zeros(0, _row_type(4))
    length = _length(rows, 0)
    if len(rows) % (LENGTH + 4 + length) == 0:
        records = np.frombuffer(rows, _row_type(length))
        if (records["length"] == length).all():
            return records
    return _of_most_lengths(rows)


def _length(rows: memoryview, place: int) -> int:
    return int.from_bytes(rows[place + LENGTH : place + LENGTH + 4], "big")


def _row_type(length: int) -> np.dtype[np.void]:
    formats = [*FIELDS.values(), (">f2", ((length - 4) // 2,))]
    return np.dtype(
        {
            "names": [*FIELDS, "projection"],
            "formats": formats,
            "offsets": [*OFFSETS, NUMBERS],
            "itemsize": LENGTH + 4 + length,
        }
    )


def _of_most_lengths(rows: memoryview) -> NDArray[np.void]:
    """Of rows of different lengths those of the length most have, in one piece."""
    places: dict[int, list[int]] = defaultdict(list)
    place = 0
    while place < len(rows):
        length = _length(rows, place)
        places[length].append(place)
        place += LENGTH + 4 + length
    most = max(places, key=lambda length: len(places[length]))
    left_out = sum(len(some) for length, some in places.items() if length != most)
    logger.warning("%d faces are left out: their projections have another length than most", left_out)
    pieces = (rows[place : place + LENGTH + 4 + most] for place in places[most])
    return np.frombuffer(b"".join(pieces), _row_type(most))
