"""Says who is in a picture that is shown once and not stored: the ML worker's side."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from ml.calibration import calibration_for
from ml.faces import FoundFace
from ml.identification import assign_people
from ml.images import UnreadableImage
from ml.weights import WeightsUnavailable
from people.finding import face_finder, open_original
from people.inquiry import Answer, SeenFace, reply
from people.models import Face
from people.models.face import FaceQuerySet
from people.suggestions import gallery_of
from photos.uploading import lent_file

logger = logging.getLogger(__name__)

# Below one half it is more likely somebody else: then no name is said.
LEAST_PROBABILITY = 0.5
ANY_DISTANCE = 2.0
UNREADABLE = "Kith cannot read this picture: it is damaged, or of a kind Kith does not know. Try another one."
TOO_MUCH = "This picture takes more memory than Kith has now. Try again in a moment, or a smaller one."
FAILED = "Something went wrong while Kith looked at this picture. Try another one."


def answer(name: str, owner_id: int) -> None:
    """Look at the picture lent under a name and tell who asked. The file is removed as soon as it is read."""
    path = lent_file(name)
    if not path.exists():
        return  # nobody waits any more
    try:
        reply(name, who_is_in(path, User.objects.get(pk=owner_id)))
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


def who_is_in(path: Path, owner: User) -> Answer:
    """Find the faces of a picture and name those an owner confirmed faces of, each person at most once."""
    image = open_original(path)
    path.unlink(missing_ok=True)
    finder = face_finder()  # once: somebody may change the model meanwhile
    found = sorted(finder.find_faces([image])[0], key=lambda face: face.box.left)
    gallery = gallery_of(owner.pk).embedded_by(finder.model_name)
    people, distances = _distances(found, gallery)
    calibration = calibration_for(finder.model_name)
    # Somebody may take back a name between the queries.
    probabilities = calibration.probabilities(distances, gallery_faces=max(gallery.count(), len(people)))
    assigned = assign_people(probabilities, least=LEAST_PROBABILITY)
    faces = tuple(
        SeenFace(face.box, None, 0.0) if column is None else SeenFace(face.box, people[column], float(row[column]))
        for face, column, row in zip(found, assigned, probabilities, strict=True)
    )
    return Answer(width=image.width, height=image.height, faces=faces)


def _distances(found: list[FoundFace], gallery: FaceQuerySet) -> tuple[list[int], NDArray[np.float64]]:
    """People of the gallery, and from each face (row) to the nearest face of each of them (column)."""
    per_face = [
        dict(gallery.closest_people(Face(projection=face.projection), threshold=ANY_DISTANCE)) for face in found
    ]
    people = sorted({person for distances in per_face for person in distances})
    rows = [[distances.get(person, ANY_DISTANCE) for person in people] for distances in per_face]
    return people, np.array(rows, dtype=np.float64).reshape(len(found), len(people))
