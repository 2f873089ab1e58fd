"""Says who is in a picture that is shown once and not stored: the ML worker's side."""

import logging
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.conf import settings

from accounts.models import User
from ml.faces import FoundFace
from ml.identification import assign_people
from ml.images import UnreadableImage
from ml.models import find_model
from ml.projection import EMBEDDING_SIZE
from ml.weights import WeightsUnavailable
from people import scores
from people.alike import faces_like
from people.finding import face_finder, open_original
from people.inquiry import Answer, SeenFace, reply
from photos.uploading import lent_file

logger = logging.getLogger(__name__)

# Below one half it is more likely somebody else: then no name is said.
LEAST_PROBABILITY = 0.5
# Of a crowd, the surest ones: the query that compares them has a column for each.
MOST_FACES = 200
MOST_COMPARED = 8
UNREADABLE = "Kith cannot read this picture: it is damaged, or of a kind Kith does not know. Try another one."
TOO_MUCH = "This picture takes more memory than Kith has now. Try again in a moment, or a smaller one."
FAILED = "Something went wrong while Kith looked at this picture. Try another one."


def answer(name: str, owner_id: int, *, with_alike: bool = False) -> None:
    """Look at the picture lent under a name and tell who asked. The file is removed as soon as it is read."""
    path = lent_file(uuid.uuid4().hex)
    try:
        lent_file(name).rename(path)  # out of the hands of whoever gets the same message
    except FileNotFoundError:
        return  # nobody waits any more
    try:
        reply(name, who_is_in(path, User.objects.get(pk=owner_id), with_alike=with_alike))
    except WeightsUnavailable as error:
        reply(name, Answer(trouble=f"Faces cannot be found yet. {error}"))
    except UnreadableImage:
        reply(name, Answer(trouble=UNREADABLE, is_unreadable=True))
    except MemoryError:
        reply(name, Answer(trouble=TOO_MUCH))
    except Exception:
        logger.exception("A picture shown by user %s was not looked at", owner_id)
        reply(name, Answer(trouble=FAILED))
    finally:
        path.unlink(missing_ok=True)


def who_is_in(path: Path, owner: User, *, with_alike: bool = False) -> Answer:
    """Find the faces of a picture and name those an owner confirmed faces of, each person at most once.

    with_alike: also find the faces of the library that look most like each, which takes longer.
    """
    image = open_original(path)
    path.unlink(missing_ok=True)
    finder = face_finder()  # once: somebody may change the model meanwhile
    surest = finder.find_faces([image])[0][:MOST_FACES]
    found = sorted(surest, key=lambda face: face.box.left)
    shown = scores.Shown(
        embeddings=np.array([face.embedding for face in found], dtype=np.float32).reshape(-1, EMBEDDING_SIZE),
        projections=np.array([face.projection for face in found], dtype=np.float32),
        qualities=np.array([face.quality for face in found], dtype=np.float32),
    )
    people, probabilities = scores.score_shown(owner.pk, finder.model_name, shown)
    assigned = assign_people(probabilities, least=LEAST_PROBABILITY)
    alike = _alike(owner, found, finder.model_name) if with_alike else {}
    faces = tuple(
        SeenFace(
            face.box,
            None if column is None else people[column],
            0.0 if column is None else float(row[column]),
            alike.get(number, ()),
        )
        for number, (face, column, row) in enumerate(zip(found, assigned, probabilities, strict=True))
    )
    return Answer(width=image.width, height=image.height, faces=faces)


def _alike(owner: User, found: Sequence[FoundFace], model_name: str) -> dict[int, tuple[int, ...]]:
    """By number, for the largest faces of the picture: each is compared with the whole library."""
    model = find_model(settings.KITH_MODELS, model_name)
    largest = sorted(range(len(found)), key=lambda number: -found[number].box.width)[:MOST_COMPARED]
    return {number: tuple(faces_like(owner, found[number].projection, model)) for number in largest}
