"""Finds the faces of claimed photos and stores them."""

import io
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image

from accounts.models import User
from ml.faces import FaceFinder, FoundFace, load_face_finder, working_side
from ml.identification import Thresholds
from ml.images import UnreadableImage, open_upright
from people.models import Face
from photos.face_model import current_face_model
from photos.models import Photo

logger = logging.getLogger(__name__)

PAUSE_AFTER_FAILURE = timedelta(seconds=30)
UNREADABLE = "Its original cannot be decoded any more."


def face_finder() -> FaceFinder:
    """The networks of this process, loaded on first use. Raises ml.weights.WeightsUnavailable."""
    return load_face_finder(
        settings.KITH_MODELS,
        model=current_face_model().name,
        device=settings.KITH_DEVICE,
        smallest_face=settings.KITH_SMALLEST_FACE,
    )


def find_faces_of(photos: Sequence[Photo]) -> int:
    """Detect, align, embed and store the faces of claimed photos; return how many photos are done."""
    opened = [(photo, image) for photo in photos if (image := open_photo(photo)) is not None]
    try:
        finder = face_finder()  # once: somebody may change the model meanwhile
        found = finder.find_faces([image for _, image in opened])
    except Exception:
        logger.exception("Faces of photos %s were not found", [photo.pk for photo in photos])
        for photo, _ in opened:
            # Alone and after a pause: if the networks are what is sick, they get time to heal.
            photo.postpone(PAUSE_AFTER_FAILURE * photo.attempts)
        return 0
    pairs = zip(opened, found, strict=True)
    return sum(_store_or_hand_back(photo, faces, finder.model_name) for (photo, _), faces in pairs)


def open_photo(photo: Photo) -> Image.Image | None:
    """The original of a claimed photo, upright; None, and the photo marked as failed, when it cannot be decoded."""
    try:
        return open_upright(Path(photo.original.path), min_side=working_side(settings.KITH_SMALLEST_FACE))
    except (UnreadableImage, MemoryError):
        with transaction.atomic():
            ours = photo.locked_in_our_hands()
            if ours is not None:
                ours.fail(UNREADABLE)
        return None


def _store_or_hand_back(photo: Photo, found: Sequence[FoundFace], model: str) -> bool:
    try:
        return _store(photo, found, model)
    except OSError:  # a full disk is not the photo's fault
        logger.exception("The crops of photo %s could not be written", photo.pk)
        photo.hand_back()
        return False


def _store(photo: Photo, found: Sequence[FoundFace], model: str) -> bool:
    with transaction.atomic():
        ours = photo.locked_in_our_hands()
        # None: a twin delivery was faster, or the photo was deleted. The owner may also have said no meanwhile.
        if ours is None or not User.objects.get(pk=ours.owner_id).allows_faces:
            return False
        if not ours.faces.exists():
            Face.objects.bulk_create(_face(ours, face, n, model) for n, face in enumerate(found))
        ours.advance(Photo.Stage.GROUPING)
    return True


def _face(photo: Photo, found: FoundFace, number: int, model: str) -> Face:
    face = Face(
        photo=photo,
        left=found.box.left,
        top=found.box.top,
        width=found.box.width,
        height=found.box.height,
        landmarks=[float(value) for value in found.landmarks.ravel()],
        detection_score=found.score,
        quality=found.quality,
        embedding=found.embedding,
        projection=found.projection,
        model=model,
    )
    name = f"crops/{photo.owner_id}/{photo.sha256[:2]}/{photo.sha256}-{number}.webp"
    face.crop.save(name, ContentFile(_webp(found.crop)), save=False)
    return face


def _webp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=85, method=1)
    return buffer.getvalue()


def thresholds() -> Thresholds:
    """The distances of the model in use. Raises ml.weights.WeightsUnavailable when that is unknown."""
    return current_face_model().limits()
