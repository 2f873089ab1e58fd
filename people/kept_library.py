"""Keeps the faces that wait for a name in the memory of the worker that grouped them, for the next photos that come.

Nothing is decided by what is kept alone: each run first reads what PostgreSQL noted that was written since
(`people.models.FaceWrite`), whoever wrote it. What is kept may be dropped at any time; then the next run reads all.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from ml.kept_faces import KeptFaces
from ml.models import FaceModel
from people.models import Face
from people.models.face import FaceQuerySet
from people.models.face_write import FaceWrite, FaceWriteQuerySet, horizon
from people.vectors import FaceColumns, load_faces

logger = logging.getLogger(__name__)

# Faces of a library: fewer are read as fast; one of the most takes 350 MB.
FEWEST, MOST = 20_000, 400_000
MOST_CHANGES = 0.3  # share of the faces that, changed, make it quicker to read all
GOOD_FOR = 12 * 3600  # seconds without a run; what was written is noted for longer (face_write.KEPT_FOR)

LOOKED_AT, UNMARKED, OF_ANOTHER_MODEL = range(3)  # what `Face.grouped_by` says

_kept: dict[int, "KeptLibrary"] = {}  # by owner, the one used last at the end


@dataclass(frozen=True)
class Moment:
    """Up to when faces have been read. identity: of the tables that they were read from."""

    horizon: int
    identity: Any
    at: float

    @classmethod
    def now(cls) -> "Moment":
        """Take it before reading: what is read afterwards may hold more, and is then read again."""
        return cls(*horizon(), timezone.now().timestamp())


@dataclass(eq=False)
class KeptLibrary:
    """The faces of an owner that wait for a name, with embeddings of one model, less one centre.

    faces: by place. place_of: by primary key. marks: shape (capacity,), what grouped_by says. read_at: all that was
    written before is here.
    """

    owner_id: int
    model: FaceModel
    centre: NDArray[np.float32] | None
    faces: KeptFaces
    place_of: dict[int, int]
    marks: NDArray[np.int8]
    read_at: Moment

    def __len__(self) -> int:
        return len(self.place_of)

    @property
    def is_recentred(self) -> bool:
        return self.centre is not None

    def places(self, pks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The places of faces that are here, in the same shape."""
        return np.array([self.place_of[pk] for pk in pks.ravel().tolist()], dtype=np.int64).reshape(pks.shape)

    def flags(self, pks: set[int]) -> NDArray[np.bool_]:
        """By place, whether a face is one of these, which need not all be here."""
        flags = np.zeros(len(self.marks), dtype=bool)
        flags[[self.place_of[pk] for pk in pks if pk in self.place_of]] = True
        return flags

    def catch_up(self) -> bool:
        """Read what was written since; False if all is to be read anew."""
        now = Moment.now()
        if now.identity != self.read_at.identity or not 0 <= now.at - self.read_at.at <= GOOD_FOR:
            return False
        written = FaceWrite.objects.since(self.read_at.horizon)
        pks = set(written.values_list("face", flat=True))
        if len(pks) > MOST_CHANGES * len(self) or not self._read(pks, written):
            return False
        self.read_at = now
        return True

    def _read(self, pks: set[int], written: FaceWriteQuerySet) -> bool:
        if not pks:
            return True
        chosen = waiting_faces(self.owner_id, self.model).filter(pk__in=written.values("face"))
        grouped_by = dict(chosen.values_list("pk", "grouped_by"))
        columns = load_faces(chosen, centre=self.centre)
        found = columns.pks.tolist()
        # Projections of different lengths: those of most faces count, and which these are is not known here.
        if found != sorted(grouped_by) or (found and columns.rows.shape[1] != self.faces.rows.rows.shape[1]):
            return False
        self._forget(pks.difference(found))
        if not found:  # no rows, and so no telling how long they would be
            return True
        places = self._places_for(found)
        good = _good(columns, self.model, self.centre)
        self.faces.put(places, columns.pks, columns.rows, _groups(columns), columns.photos, good)
        self.marks = np.concatenate([self.marks, np.zeros(len(self.faces.keys) - len(self.marks), dtype=np.int8)])
        self.marks[places] = [_mark(grouped_by[pk], self.model) for pk in found]
        return True

    def _forget(self, pks: set[int]) -> None:
        places = [self.place_of.pop(pk) for pk in pks if pk in self.place_of]
        self.faces.remove(np.array(places, dtype=np.int64))

    def _places_for(self, pks: list[int]) -> NDArray[np.int64]:
        fresh = [pk for pk in pks if pk not in self.place_of]
        free = np.flatnonzero(~self.faces.is_there)[: len(fresh)].tolist()
        more = range(len(self.faces.keys), len(self.faces.keys) + len(fresh) - len(free))
        self.place_of |= dict(zip(fresh, [*free, *more], strict=True))
        return np.array([self.place_of[pk] for pk in pks], dtype=np.int64)


def waiting_faces(owner_id: int, model: FaceModel) -> FaceQuerySet:
    """Faces that grouping looks at. Asks of nothing that may change while a face stays as it is: what is kept is read
    again only when the row of the face was written."""
    return Face.objects.filter(photo__owner=owner_id).untagged().embedded_by(model.name)


def marks_of(faces: FaceQuerySet, columns: FaceColumns, model: FaceModel) -> NDArray[np.int8]:
    """Shape (n,), for each of these faces, of which the columns are, what grouped_by says."""
    marks = np.full(len(columns), LOOKED_AT, dtype=np.int8)
    said = dict(faces.exclude(grouped_by=model.name).values_list("pk", "grouped_by"))
    other = np.flatnonzero(np.isin(columns.pks, list(said)))
    marks[other] = [_mark(said[pk], model) for pk in columns.pks[other].tolist()]
    return marks


def _mark(grouped_by: str, model: FaceModel) -> int:
    if grouped_by == model.name:
        return LOOKED_AT
    return OF_ANOTHER_MODEL if grouped_by else UNMARKED


def kept_library(owner_id: int, model: FaceModel, centre: NDArray[np.float32] | None) -> KeptLibrary | None:
    """What this process has kept of an owner's faces, up to date; None if all have to be read."""
    library = _kept.pop(owner_id, None)
    if library is None or connection.in_atomic_block:
        return None
    if library.model != model or not _are_equal(library.centre, centre) or not library.catch_up():
        return None
    _kept[owner_id] = library
    return library


def keep(
    owner_id: int,
    model: FaceModel,
    centre: NDArray[np.float32] | None,
    columns: FaceColumns,
    marks: NDArray[np.int8],
    read_at: Moment,
) -> None:
    """Keep faces that were just read, all that wait, if there are as many as it is worth it for."""
    # What an open transaction reads may never have been.
    if not FEWEST <= len(columns) <= MOST or connection.in_atomic_block:
        return
    _kept.pop(owner_id, None)
    while _kept and sum(map(len, _kept.values())) + len(columns) > MOST:
        del _kept[next(iter(_kept))]
    good, threshold = _good(columns, model, centre), model.limits(recentred=centre is not None).grouping
    faces = KeptFaces(columns.pks, columns.rows, _groups(columns), columns.photos, good, threshold=threshold)
    place_of = dict(zip(columns.pks.tolist(), range(len(columns)), strict=True))
    padded = np.concatenate([marks, np.zeros(len(faces.keys) - len(marks), dtype=np.int8)])
    _kept[owner_id] = KeptLibrary(owner_id, model, centre, faces, place_of, padded, read_at)


def forget_all() -> None:
    """Drop what this process has kept."""
    _kept.clear()


def _good(columns: FaceColumns, model: FaceModel, centre: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    good: NDArray[np.bool_] = columns.qualities >= model.limits(recentred=centre is not None).poor_quality
    return good


def _groups(columns: FaceColumns) -> NDArray[np.int64]:
    return np.where(columns.clusters > 0, columns.clusters, -1)


def _are_equal(some: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    if some is None or other is None:
        return some is other
    return np.array_equal(some, other)
