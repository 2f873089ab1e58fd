"""Finds the faces of claimed photos and stores them."""

import io
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image

from accounts.models import User
from ml.device import cores_available
from ml.faces import FaceFinder, FoundFace, load_face_finder, working_side
from ml.identification import Thresholds
from ml.images import UnreadableImage, open_upright
from people.models import Face
from photos.face_model import current_face_model
from photos.models import Photo

logger = logging.getLogger(__name__)

GROUP = 8  # photos the networks look at together
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
    """Detect, align, embed and store the faces of claimed photos; return how many photos are done.

    While one group's faces are stored, the networks already look at the next.
    """
    finder = face_finder()  # once: somebody may change the model meanwhile
    groups = [photos[start : start + GROUP] for start in range(0, len(photos), GROUP)]
    looking = ThreadPoolExecutor(1)
    try:
        # The database stays with this thread.
        found = [looking.submit(_look_at, [Path(photo.original.path) for photo in group], finder) for group in groups]
        return sum(_settle(group, faces, finder.model_name) for group, faces in zip(groups, found, strict=True))
    finally:
        looking.shutdown(cancel_futures=True)


def _look_at(originals: Sequence[Path], finder: FaceFinder) -> list[list[FoundFace] | None]:
    """The faces of each photo; None for one that cannot be decoded."""
    with ThreadPoolExecutor(cores_available()) as threads:
        images = list(threads.map(open_original, originals))
    faces = iter(finder.find_faces([image for image in images if image is not None]))
    return [None if image is None else next(faces) for image in images]


def open_original(original: Path) -> Image.Image | None:
    """The photo, upright, as big as the smallest face needs it; None when it cannot be decoded."""
    try:
        return open_upright(original, min_side=working_side(settings.KITH_SMALLEST_FACE))
    except (UnreadableImage, MemoryError):
        return None


def _settle(photos: Sequence[Photo], looking: Future[list[list[FoundFace] | None]], model: str) -> int:
    """Store what was found in a group as soon as it is known; return how many photos are done."""
    try:
        found = looking.result()
    except Exception:
        logger.exception("Faces of photos %s were not found", [photo.pk for photo in photos])
        for photo in photos:
            # Alone and after a pause: if the networks are what is sick, they get time to heal.
            photo.postpone(PAUSE_AFTER_FAILURE * photo.attempts)
        return 0
    done = 0
    for photo, faces in zip(photos, found, strict=True):
        if faces is None:
            fail_unreadable(photo)
        else:
            done += _store_or_hand_back(photo, faces, model)
    return done


def fail_unreadable(photo: Photo) -> None:
    """Mark a claimed photo as failed, for its original cannot be decoded."""
    with transaction.atomic():
        ours = photo.locked_in_our_hands()
        if ours is not None:
            ours.fail(UNREADABLE)


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
    image.save(buffer, "WEBP", quality=85, method=0)
    return buffer.getvalue()


def thresholds() -> Thresholds:
    """The distances of the model in use. Raises ml.weights.WeightsUnavailable when that is unknown."""
    return current_face_model().limits()
