"""Finds the faces of claimed photos and stores them."""

import io
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import compress
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image

from accounts.models import User
from ml.faces import FaceFinder, FoundFace, load_face_finder, working_side
from ml.identification import Thresholds
from ml.images import UnreadableImage
from people.blame import look_alone
from people.drawing import not_drawn_yet
from people.hanging import result_of
from people.models import Face
from people.models.face import crop_place
from people.relinking import relink
from photos import decoding, ending
from photos.derivatives import UNREADABLE
from photos.face_model import current_face_model
from photos.faults import fault
from photos.models import Photo

logger = logging.getLogger(__name__)

GROUP = 8  # photos the networks look at together

Opening = Future[list[Image.Image | None]]
Looked = Callable[[], list[list[FoundFace] | None]]  # waits for it
Seen = tuple[Photo, list[FoundFace] | None]

_opening: set[Path] = set()  # what is being decoded at this moment: who is to blame should that never end


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

    While one group's faces are stored, the networks already look at the next, and the one after that is decoded.
    """
    finder = face_finder()  # once: somebody may change the model meanwhile
    groups = [photos[start : start + GROUP] for start in range(0, len(photos), GROUP)]
    opening, looking = ThreadPoolExecutor(1), ThreadPoolExecutor(1)

    def look(group: Sequence[Photo]) -> Looked:
        # The database stays with this thread.
        images = opening.submit(open_originals, [Path(photo.original.path) for photo in group])
        found = looking.submit(_look_at, images, finder)
        return partial(result_of, found, before_the_end=partial(_free_others, photos, group))

    try:
        begun = [(group, look(group)) for group in groups]
        return sum(
            _hand_back(group) if ending.is_asked() else _settle(_seen(group, first, look, finder), finder.model_name)
            for group, first in begun
        )
    finally:
        looking.shutdown(cancel_futures=True)
        opening.shutdown(cancel_futures=True)


def _free_others(claimed: Iterable[Photo], group: Sequence[Photo]) -> None:
    """Put photos back in line, but those of a group in the middle of which this process hangs, and dies."""
    stuck = {photo.pk for photo in group if Path(photo.original.path) in _opening} or {photo.pk for photo in group}
    logger.error("It hangs over photos %s", sorted(stuck))
    _hand_back([photo for photo in claimed if photo.pk not in stuck])


def _hand_back(photos: Sequence[Photo]) -> int:
    for photo in photos:
        photo.hand_back()
    return 0


def _look_at(opening: Opening, finder: FaceFinder) -> list[list[FoundFace] | None]:
    """The faces of each photo; None for one that cannot be decoded."""
    images = opening.result()
    fault("faces-opened")
    faces = iter(finder.find_faces([image for image in images if image is not None]))
    fault("faces-embedded")
    return [None if image is None else next(faces) for image in images]


def open_originals(originals: Sequence[Path]) -> list[Image.Image | None]:
    """Several photos as `open_original` opens them; None for one that cannot be decoded.

    A lack of memory is not the photo's fault: raises MemoryError.
    """
    return [_open_if_readable(original) for original in originals]


def open_original(original: Path) -> Image.Image:
    """A picture, stored or shown, upright, as big as the smallest face needs it.

    Decoded behind the gate, as everywhere. Raises UnreadableImage, and MemoryError.
    """
    try:
        return decoding.pixels(original, min_side=working_side(settings.KITH_SMALLEST_FACE))
    except decoding.Rejected as error:
        if error.is_for_want_of_memory:
            raise MemoryError from error
        raise UnreadableImage(str(error)) from error


def _open_if_readable(original: Path) -> Image.Image | None:
    _opening.add(original)
    try:
        fault("photo-opened", of=original.stem)
        return open_original(original)
    except UnreadableImage:
        return None
    finally:
        _opening.discard(original)


def _seen(
    photos: Sequence[Photo], first: Looked, look: Callable[[Sequence[Photo]], Looked], finder: FaceFinder
) -> list[Seen]:
    """What was found in a group as soon as it is known, without the photos the networks fail on."""
    try:
        return list(zip(photos, first(), strict=True))
    except Exception:
        logger.exception("Faces of photos %s were not found", [photo.pk for photo in photos])
        return look_alone(
            photos, lambda photo: look([photo])()[0], probe=lambda picture, face: finder.find_faces([picture])
        )


def _settle(seen: Sequence[Seen], model: str) -> int:
    """Store what was found; return how many photos are done."""
    done = 0
    for photo, faces in seen:
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
        if not ours.faces.filter(is_drawn=False).exists():
            new = list(compress(found, not_drawn_yet(ours, [face.box for face in found])))
            Face.objects.bulk_create(_face(ours, face, n, model) for n, face in enumerate(new))
            relink(ours)
            fault("face-rows")
        ours.advance(Photo.Stage.GROUPING)
    fault("faces-committed")
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
    put_crop(face, found.crop, name=str(number))
    fault("crop-written")
    return face


def put_crop(face: Face, crop: Image.Image, *, name: str) -> None:
    """Store the cut of a face, under a name of its own in its photo; the row is not saved."""
    folder, start = crop_place(face.photo.owner_id, face.photo.sha256)
    face.crop.save(f"{folder}/{start}{name}.webp", ContentFile(_webp(crop)), save=False)


def _webp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=85, method=0)
    return buffer.getvalue()


def thresholds() -> Thresholds:
    """The distances of the model in use. Raises ml.weights.WeightsUnavailable when that is unknown."""
    return current_face_model().limits()
