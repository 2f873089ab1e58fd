"""Gives faces their rows of the library's own projection, and takes them off again: a few faces per transaction."""

from collections.abc import Callable, Sequence

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from ml.own_projection import load_own
from ml.projection import Projection
from people.models import Face, OwnProjection, Training
from people.models.face import FaceQuerySet
from photos.faults import fault

BATCH = 1000  # faces that are locked at a time: for less than half a second

Report = Callable[[float], None]


def fill_all(owner_id: int, own: OwnProjection, report: Report) -> bool:
    """Give every face its row, from where an earlier run was stopped; False if it is another one's turn by now."""
    projection = load_own(bytes(own.content)).projection
    faces = _faces(owner_id, own)
    whole, done = max(faces.count(), 1), -1
    while True:
        with transaction.atomic():
            training = _locked(owner_id, own)
            if training is None:
                return False
            if training.filled_to is None:
                return True
            if done < 0:
                done = faces.filter(pk__lte=training.filled_to).count()
            last = _fill(faces.filter(pk__gt=training.filled_to), projection)
            training.filled_to = last[-1] if last else None
            training.save(update_fields=["filled_to"])
            fault("own-rows-written")
        done += len(last)
        report(min(done / whole, 1.0))


def fill_missing(owner_id: int) -> int:
    """Give faces that came since their rows, if the library's own projection is in use; return how many."""
    used = Training.objects.filter(owner=owner_id, is_used=True).select_related("filled").first()
    if used is None or used.filled is None:
        return 0
    own, filled = used.filled, 0
    missing = _faces(owner_id, own).filter(own_projection=None)
    if not missing.exists():
        return 0
    projection = load_own(bytes(own.content)).projection
    while True:
        with transaction.atomic():
            pks = _fill(missing, projection) if _locked(owner_id, own) is not None else []
        filled += len(pks)
        if not pks:
            return filled


def clear(owner_id: int) -> None:
    """Take off the rows of a projection that is gone."""
    held = Face.everywhere.filter(photo__owner=owner_id, own_projection__isnull=False).order_by("pk")
    while True:
        with transaction.atomic():
            training = Training.objects.select_for_update().filter(pk=owner_id, is_clearing=True).first()
            if training is None:
                return
            pks = list(held.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)[:BATCH])
            Face.everywhere.filter(pk__in=pks).update(own_projection=None)
            if not pks:
                training.is_clearing = False
                training.save(update_fields=["is_clearing"])


def _faces(owner_id: int, own: OwnProjection) -> FaceQuerySet:
    """Those that get a row; also of photos in the trash, which may come back."""
    return Face.everywhere.filter(photo__owner=owner_id).embedded_by(own.model)


def _locked(owner_id: int, own: OwnProjection) -> Training | None:
    return Training.objects.select_for_update().filter(pk=owner_id, filled=own).first()


def _fill(faces: FaceQuerySet, projection: Projection) -> list[int]:
    """Fill the first few of some faces; return their primary keys, ascending."""
    locked = faces.order_by("pk").select_for_update(of=("self",), no_key=True)  # in the order of the ledger
    found = list(locked.values_list("pk", "embedding")[:BATCH])
    if found:
        pks, embeddings = zip(*found, strict=True)
        _write(pks, projection.apply(np.array(embeddings, dtype=np.float32)))
        return list(pks)
    return []


def _write(pks: Sequence[int], rows: NDArray[np.float32]) -> None:
    written = [f"[{','.join(map(str, row))}]" for row in rows.astype(np.float16).tolist()]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_face SET own_projection = made.line::halfvec"
            " FROM (SELECT unnest(%s::bigint[]) AS face, unnest(%s::text[]) AS line) AS made"
            " WHERE people_face.id = made.face",
            [list(pks), written],
        )
