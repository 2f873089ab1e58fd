"""Embeds stored faces again after the model was changed. Names, groups and answers stay as they are.

Boxes and landmarks are those found before; only what the network makes of them is new. Faces drawn by hand are cut out
and embedded here, too, at first and again. The faces of a photo change in one transaction, and a photo is claimed as
everywhere: a worker that dies in the middle loses nothing.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from django.db import transaction
from PIL import Image

from accounts.models import User
from ml.faces import EmbeddedFace, FaceFinder, FoundFace, KnownFace
from people.blame import look_alone
from people.finding import face_finder, fail_unreadable, open_originals, put_crop
from people.model_change import photos_to_embed
from people.models import Face, Upkeep
from photos.faults import fault
from photos.models import Photo

logger = logging.getLogger(__name__)

Embedded = Mapping[int, EmbeddedFace | FoundFace]  # by the face's primary key; found: drawn by hand


def embed_some_again(*, limit: int) -> list[Photo]:
    """Embed the faces of a few photos again; return those whose faces were stored.

    None: all is done, or nothing works at present.

    Raises:
        ml.weights.WeightsUnavailable: the networks cannot be loaded.
    """
    finder = face_finder()
    claimed = photos_to_embed(finder.model_name).lease(limit=limit)
    return [photo for photo, faces in _embedded(claimed, finder) if _settle(photo, faces, finder.model_name)]


def _embedded(claimed: Sequence[Photo], finder: FaceFinder) -> list[tuple[Photo, Embedded | None]]:
    """What the networks make of each photo's faces, without the photos they fail on."""
    try:
        return list(zip(claimed, _embed(claimed, finder), strict=True))
    except Exception:
        logger.exception("Faces of photos %s were not embedded again", [photo.pk for photo in claimed])
        return look_alone(
            claimed,
            lambda photo: _embed([photo], finder)[0],
            probe=lambda picture, face: finder.embed_again([picture], [[face]]),
        )


def _embed(photos: Sequence[Photo], finder: FaceFinder) -> list[Embedded | None]:
    """By primary key, the faces of each photo; None for one that cannot be decoded."""
    images = open_originals([Path(photo.original.path) for photo in photos])
    faces = [
        [] if image is None else list(photo.faces.without_vectors().not_embedded_by(finder.model_name))
        for photo, image in zip(photos, images, strict=True)
    ]
    readable = [(image, theirs) for image, theirs in zip(images, faces, strict=True) if image is not None]
    detected = [[face for face in theirs if not face.is_drawn] for _, theirs in readable]
    known = [[_known(face) for face in theirs] for theirs in detected]
    again = finder.embed_again([image for image, _ in readable], known)
    embedded = iter(
        _drawn(image, theirs, finder) | dict(zip([face.pk for face in found], results, strict=True))
        for (image, theirs), found, results in zip(readable, detected, again, strict=True)
    )
    return [None if image is None else next(embedded) for image in images]


def _drawn(image: Image.Image, faces: Iterable[Face], finder: FaceFinder) -> dict[int, EmbeddedFace | FoundFace]:
    return {face.pk: finder.embed_drawn(image, face.box) for face in faces if face.is_drawn}


def _settle(photo: Photo, embedded: Embedded | None, model: str) -> bool:
    if embedded is None:
        fail_unreadable(photo)
        return False
    return _store(photo, embedded, model)


def _known(face: Face) -> KnownFace:
    return KnownFace(face.box, np.array(face.landmarks, dtype=np.float32).reshape(5, 2))


def _store(photo: Photo, embedded: Embedded, model: str) -> bool:
    with transaction.atomic():
        ours = photo.locked_in_our_hands()
        if ours is None or not User.objects.get(pk=ours.owner_id).allows_faces:
            return False
        faces = _locked(embedded)
        for face in faces:
            _put(face, embedded[face.pk], model)
        Face.objects.bulk_update(faces, ["embedding", "projection", "own_projection", "model"])
        fault("embedded-again")
        ours.advance(Photo.Stage.DONE)
        # Counted with every photo, and acted upon once all are done: a worker may die before it could say so.
        Upkeep.objects.want(ours.owner_id, groups=True)
    return True


def _put(face: Face, result: EmbeddedFace | FoundFace, model: str) -> None:
    face.embedding, face.projection, face.model = result.embedding, result.projection, model
    face.own_projection = None  # of the embedding before
    if isinstance(result, FoundFace):
        face.landmarks = [float(value) for value in result.landmarks.ravel()]
        face.detection_score, face.quality = result.score, result.quality
        if not face.crop:
            put_crop(face, result.crop, name=f"drawn-{face.pk}")
        face.save(update_fields=["landmarks", "detection_score", "quality", "crop"])


def _locked(pks: Iterable[int]) -> list[Face]:
    # In order of primary key, as the ledger does. A face may have been forgotten meanwhile.
    faces = Face.objects.filter(pk__in=list(pks)).without_vectors().select_related("photo")
    return list(faces.order_by("pk").select_for_update(of=("self",)))
