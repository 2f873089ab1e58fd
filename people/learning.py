"""Fits the calibration to a library's own answers, now and then."""

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from ml.calibration import Calibration, calibration_for, refit_calibration
from ml.models import FaceModel
from ml.scoring import Evidence, Gallery, Probes, weigh
from people import constraints
from people.models import Face, Library
from people.scores import gallery_of
from people.vectors import FaceColumns, centre_in_use, load_faces

FEWEST_FACES = 50  # confirmed, before a library says anything of its own
GROWN_BY = 0.2  # learnt again when so many more are confirmed: groups of suggestions do not flicker in between
MOST_FACES = 5000  # learnt from, at random, always the same
RIVALS = 3  # people each face is compared with, the nearest


def learn(owner_id: int, model: FaceModel, confirmed: int | None = None) -> bool:
    """Fit the calibration to the confirmed faces, if they are enough and many more than last time.

    confirmed: how many there are, if that is known.
    """
    count = gallery_of(owner_id, model).count() if confirmed is None else confirmed
    library = Library.objects.get_or_create(owner_id=owner_id)[0]
    centre = centre_in_use(owner_id, model.name)
    about = {"model": model.name, "recentred": centre is not None}
    learnt = library.calibration or {}
    is_same = {key: learnt.get(key) for key in about} == about
    if count < FEWEST_FACES or (is_same and count < learnt["faces"] * (1 + GROWN_BY)):
        return False
    gallery = load_faces(gallery_of(owner_id, model), centre=centre)
    shipped = calibration_for(model.limits().suggestion, recentred=centre is not None)
    twice = constraints.repeat_photos(owner_id)
    fitted = fitted_to(gallery, shipped, noes_of(owner_id, model, centre), repeat_photos=twice)
    if fitted is None:
        return False
    written = about | {"faces": count, "calibration": fitted.as_json()}
    Library.objects.filter(owner=owner_id).update(calibration=written)
    return True


def noes_of(owner_id: int, model: FaceModel, centre: np.ndarray | None) -> tuple[FaceColumns, np.ndarray]:
    """Faces a user said no about, and pairs of their rows and the person each is not."""
    pairs = constraints.ruled_out(owner_id)
    asked = Face.objects.filter(photo__owner=owner_id, pk__in={face for face, _ in pairs}).embedded_by(model.name)
    faces = load_faces(asked, centre=centre)
    row_of = {pk: row for row, pk in enumerate(faces.pks.tolist())}
    rows = [(row_of[face], person) for face, person in pairs if face in row_of]
    return faces, np.array(rows, dtype=np.int64).reshape(-1, 2)


def fitted_to(
    gallery: FaceColumns,
    shipped: Calibration,
    noes: tuple[FaceColumns, np.ndarray] | None = None,
    *,
    repeat_photos: Collection[int] = (),
) -> Calibration | None:
    """The calibration that suits confirmed faces: each is looked up among the others, once with its own person, and
    once as though nobody had named that one, as a stranger would be; each is not the others of its photo; and what a
    user said no to. None where nothing can be learnt."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(gallery))[:MOST_FACES])
    known = Gallery(gallery.rows, gallery.people)
    rows, qualities = gallery.rows[chosen], gallery.qualities[chosen].astype(np.float32)
    own = np.column_stack([np.arange(len(chosen)), gallery.people[chosen]])
    beside = others_in_photo(gallery, chosen, repeat_photos)
    parts = [
        weigh(Probes(rows, qualities, own=chosen, asked=beside), known),
        weigh(Probes(rows, qualities, impossible=own), known),
    ]
    matches = [part.person == gallery.people[chosen][part.probe] for part in parts]
    nearest = [part.is_among_nearest(RIVALS) for part in parts]
    nearest[0] |= _are_among(parts[0], beside)
    matrices = [part.features.only(near) for part, near in zip(parts, nearest, strict=True)]
    right = [match[near] for match, near in zip(matches, nearest, strict=True)]
    if noes is not None and len(noes[1]):
        faces, pairs = noes
        said = weigh(Probes(faces.rows, faces.qualities.astype(np.float32), asked=pairs), known)
        is_no = _are_among(said, pairs)
        matrices.append(said.features.only(is_no))
        right.append(np.zeros(is_no.sum(), dtype=bool))
    features, is_right = matrices[0].joined(*matrices[1:]), np.concatenate(right)
    if not is_right.any() or is_right.all():
        return None
    return refit_calibration(shipped, features, is_right)


def others_in_photo(gallery: FaceColumns, chosen: np.ndarray, repeat_photos: Collection[int] = ()) -> np.ndarray:
    """Shape (k, 2): for each chosen row, by its place among them, the other people who are named in its photo. A photo
    that shows somebody more than once says nothing."""
    people_in: defaultdict[int, set[int]] = defaultdict(set)
    for photo, person in zip(gallery.photos.tolist(), gallery.people.tolist(), strict=True):
        if photo not in repeat_photos:
            people_in[photo].add(person)
    pairs = [
        (place, person)
        for place, row in enumerate(chosen.tolist())
        for person in sorted(people_in[int(gallery.photos[row])] - {int(gallery.people[row])})
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _are_among(evidence: Evidence, pairs: np.ndarray) -> np.ndarray:
    """Shape (evidence,): which of the pairs of a probe and a person are among these."""
    keys = set(map(tuple, pairs.tolist()))
    found = zip(evidence.probe.tolist(), evidence.person.tolist(), strict=True)
    return np.array([pair in keys for pair in found], dtype=bool)
