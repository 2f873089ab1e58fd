"""Embeds stored faces again after the model was changed. Names, groups and answers stay as they are.

Boxes and landmarks are those found before; only what the network makes of them is new. The faces of a photo change in
one transaction, and a photo is claimed as everywhere: a worker that dies in the middle loses nothing.
"""

import logging
from collections.abc import Iterable

import numpy as np
from django.db import transaction

from accounts.models import User
from ml.faces import EmbeddedFace, KnownFace
from people.finding import PAUSE_AFTER_FAILURE, face_finder, open_photo
from people.model_change import photos_to_embed
from people.models import Face, Upkeep
from photos.models import Photo

logger = logging.getLogger(__name__)


def embed_some_again(*, limit: int) -> list[Photo]:
    """Embed the faces of a few photos again; return the photos that were claimed, none when all is done.

    Raises:
        ml.weights.WeightsUnavailable: the networks cannot be loaded.
    """
    finder = face_finder()
    claimed = photos_to_embed(finder.model_name).lease(limit=limit)
    opened = [(photo, image) for photo in claimed if (image := open_photo(photo)) is not None]
    faces = [list(photo.faces.without_vectors().not_embedded_by(finder.model_name)) for photo, _ in opened]
    known = [[_known(face) for face in theirs] for theirs in faces]
    try:
        embedded = finder.embed_again([image for _, image in opened], known)
    except Exception:
        logger.exception("Faces of photos %s were not embedded again", [photo.pk for photo in claimed])
        for photo, _ in opened:
            photo.postpone(PAUSE_AFTER_FAILURE * photo.attempts)
        return claimed
    for (photo, _), theirs, new in zip(opened, faces, embedded, strict=True):
        _store(photo, dict(zip([face.pk for face in theirs], new, strict=True)), finder.model_name)
    return claimed


def _known(face: Face) -> KnownFace:
    return KnownFace(face.box, np.array(face.landmarks, dtype=np.float32).reshape(5, 2))


def _store(photo: Photo, embedded: dict[int, EmbeddedFace], model: str) -> None:
    with transaction.atomic():
        ours = photo.locked_in_our_hands()
        if ours is None or not User.objects.get(pk=ours.owner_id).allows_faces:
            return
        faces = _locked(embedded)
        for face in faces:
            face.embedding = embedded[face.pk].embedding
            face.projection = embedded[face.pk].projection
            face.model = model
        Face.objects.bulk_update(faces, ["embedding", "projection", "model"])
        ours.advance(Photo.Stage.DONE)
        # Counted with every photo, and acted upon once all are done: a worker may die before it could say so.
        Upkeep.objects.want(ours.owner_id, groups=True)


def _locked(pks: Iterable[int]) -> list[Face]:
    # In order of primary key, as the ledger does. A face may have been forgotten meanwhile.
    faces = Face.objects.filter(pk__in=list(pks)).without_vectors()
    return list(faces.order_by("pk").select_for_update(of=("self",)))
