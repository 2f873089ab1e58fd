"""How probable it is that each waiting face is each of the named people, by all that is known of both."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from numpy.typing import NDArray

from ml.calibration import SUREST, probabilities_of
from ml.models import FaceModel, find_model
from ml.scoring import CANDIDATES, Evidence, Gallery, Probes, weigh
from people.early_years import SLACK, births_of, caution, days_of, is_unborn, years_at
from people.models import Face
from people.models.face import FaceQuerySet
from people.rescoring import Again
from people.separators import confused_pairs, told_apart
from people.spaces import Space, plain_space, space_in_use
from people.spoken import END, Spoken
from people.vectors import FaceColumns
from photos.face_model import current_face_model
from photos.models import Photo

# Who was said to be one with somebody's faces: of a hundred faces in a group one is somebody else (docs/naming.md).
SAID = np.log(0.99 / 0.01)
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Scores:
    """Of waiting faces. evidence: likely pairs. probabilities: shape (pairs,). once: shape (faces,), False for faces of
    photos that show somebody more than once."""

    faces: FaceColumns
    gallery: FaceColumns
    evidence: Evidence
    probabilities: NDArray[np.float64]
    once: NDArray[np.bool_]


def gallery_of(owner_id: int, model: FaceModel | None = None) -> FaceQuerySet:
    """Confirmed faces, of the model in use, good enough to compare with; of a person who has none, what there is."""
    model = model or current_face_model()
    good = Q(quality__gte=model.limits().poor_quality)
    faces = Face.objects.filter(photo__owner=owner_id).gallery().embedded_by(model.name)
    people_with_good_faces = faces.filter(good).values("person")
    return faces.filter(good | ~Q(person__in=people_with_good_faces))


def waiting_of(owner_id: int, model: FaceModel) -> FaceQuerySet:
    """Faces of an owner that wait for a name and can be compared."""
    return Face.objects.filter(photo__owner=owner_id).untagged().embedded_by(model.name)


def score_waiting(owner_id: int, model: FaceModel) -> Scores:
    """Score all faces of an owner that wait for a name."""
    space, spoken, confused = space_in_use(owner_id, model), Spoken.of(owner_id), confused_pairs(owner_id)
    scored = score_in(space, model, spoken, confused)
    return scored if space.is_still_used() else score_in(plain_space(owner_id, model), model, spoken, confused)


def score_in(
    space: Space,
    model: FaceModel,
    spoken: Spoken,
    confused: Collection[tuple[int, int]],
    again: Again | None = None,
) -> Scores:
    """Score faces of an owner that wait for a name, all or those to be scored again, by what users said of them.

    Whether the space is still used is to be asked afterwards.
    """
    owner_id = space.owner_id
    waiting = waiting_of(owner_id, model)
    faces = space.load(waiting if again is None else waiting.filter(pk__in=again.faces))
    gallery = space.load(gallery_of(owner_id, model) if len(faces) else Face.objects.none())
    births, days = births_of(owner_id), {}
    if births:
        days = days_of(set(faces.photos.tolist()))
    once = ~np.isin(faces.photos, list(spoken.twice))
    pulled = _pairs(faces, spoken.pulled.items())
    probes = Probes(
        faces.rows,
        faces.qualities.astype(np.float32),
        np.where(faces.clusters > 0, faces.clusters, -1),
        impossible=_impossible(owner_id, model, faces, spoken, once, pulled, is_all=again is None),
        asked=pulled,
        company=None if again is None else again.company,
    )
    evidence = weigh(probes, Gallery(gallery.rows, gallery.people))
    years = years_at(births, evidence.person.tolist(), [days.get(p) for p in faces.photos[evidence.probe].tolist()])
    possible = ~is_unborn(years)
    evidence, years = evidence.only(possible), years[possible]
    odds = space.calibration.odds(evidence.features) - caution(years)
    odds = _as_said(evidence, pulled, told_apart(confused, faces.rows, gallery, evidence, odds))
    return Scores(faces, gallery, evidence, probabilities_of(odds, evidence.probe), once)


@dataclass(frozen=True, eq=False)
class Shown:
    """Faces of a picture that is not stored. embeddings: shape (n, 512). projections: shape (n, d). qualities: (n,)."""

    embeddings: NDArray[np.float32]
    projections: NDArray[np.float32]
    qualities: NDArray[np.float32]


def score_shown(owner_id: int, model_name: str, shown: Shown) -> tuple[list[int], NDArray[np.float64]]:
    """Score faces of a picture that is shown now and not stored; what is looked at closely is little, for a camera
    shows two a second.

    Returns:
        Primary keys of people, and probabilities of shape (faces, people).
    """
    model = find_model(settings.KITH_MODELS, model_name)
    space = space_in_use(owner_id, model)
    scored = _score_shown(owner_id, model, shown, space)
    return scored if space.is_still_used() else _score_shown(owner_id, model, shown, plain_space(owner_id, model))


def _score_shown(owner_id: int, model: FaceModel, shown: Shown, space: Space) -> tuple[list[int], NDArray[np.float64]]:
    gallery = space.faces_in(gallery_of(owner_id, model))
    rows = space.rows_of(shown.embeddings, shown.projections)
    everybody, distances = gallery.people_near(list(rows), field=space.field)
    nearest = np.argsort(distances, axis=1)[:, :CANDIDATES] if everybody else np.zeros((0, 0), dtype=np.int64)
    people = sorted({everybody[column] for column in nearest.ravel().tolist()} - _not_born_yet(owner_id))
    if not people:
        return [], np.zeros((len(rows), 0))
    rows = space.compared(rows)
    known = space.load(gallery.filter(person__in=people))
    # Somebody may take back a name between the queries.
    total = max(gallery.count(), len(known))
    evidence = weigh(Probes(rows, shown.qualities), Gallery(known.rows, known.people, total))
    births = births_of(owner_id)
    years = years_at(births, evidence.person.tolist(), [timezone.now().date()] * len(evidence.person))
    odds = space.calibration.odds(evidence.features) - caution(years)
    odds = told_apart(confused_pairs(owner_id), rows, known, evidence, odds)
    table = np.zeros((len(rows), len(people)))
    table[evidence.probe, np.searchsorted(people, evidence.person)] = probabilities_of(odds, evidence.probe)
    return people, table


def _not_born_yet(owner_id: int) -> set[int]:
    """People whose birth date is still to come."""
    today = timezone.now().date()
    return {person for person, born in births_of(owner_id).items() if born > today + SLACK}


def _impossible(
    owner_id: int,
    model: FaceModel,
    faces: FaceColumns,
    spoken: Spoken,
    once: NDArray[np.bool_],
    pulled: NDArray[np.int64],
    *,
    is_all: bool,
) -> NDArray[np.int64]:
    """Pairs of a face's row and a person that are not suggested: by the answers, or as the photo names them already."""
    in_photo = defaultdict(list)
    for row in np.flatnonzero(once).tolist():
        in_photo[int(faces.photos[row])].append(row)
    present = people_in_photos(owner_id, None if is_all else set(in_photo))
    named = [(row, person) for photo, people in present.items() for row in in_photo.get(photo, ()) for person in people]
    beside = _beside(waiting_of(owner_id, model), faces, spoken) - set(map(tuple, pulled.tolist()))
    return np.concatenate([_pairs(faces, spoken.noes), np.array([*named, *beside], dtype=np.int64).reshape(-1, 2)])


def _beside(waiting: FaceQuerySet, faces: FaceColumns, spoken: Spoken) -> set[tuple[int, int]]:
    """Pairs of a row and a person whom another face of the same group is not: as a group it is asked who that is.

    Only of faces that were there when the no was said. Who came into the group later may be that person: then it is the
    other face that is in the wrong group.
    """
    people: defaultdict[int, dict[int, datetime]] = defaultdict(dict)
    grouped = waiting.filter(pk__in={face for face, _ in spoken.noes}, cluster__isnull=False)
    clusters = dict(grouped.order_by().values_list("pk", "cluster"))
    for (face, person), latest in spoken.noes.items():
        if cluster := clusters.get(face):
            people[cluster][person] = max(latest, people[cluster].get(person, latest))
    rows = np.flatnonzero(np.isin(faces.clusters, list(people)) & (faces.clusters > 0)).tolist()
    photos = Photo.objects.filter(pk__in={int(faces.photos[row]) for row in rows})
    came_at = dict(photos.values_list("pk", "uploaded_at"))
    return {
        (row, person)
        for row in rows
        for person, said in people[int(faces.clusters[row])].items()
        if came_at.get(int(faces.photos[row]), END) <= said
    }


def _pairs(faces: FaceColumns, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """The same pairs by row of the face, without faces that are not among these."""
    row_of = {pk: row for row, pk in enumerate(faces.pks.tolist())}
    found = [(row_of[face], person) for face, person in pairs if face in row_of]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _as_said(evidence: Evidence, pulled: NDArray[np.int64], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log odds, where a face that was said to be one with somebody's is theirs, and nobody else's."""
    person = np.full(int(evidence.probe.max(initial=-1)) + 1, NOBODY)
    known = pulled[pulled[:, 0] < len(person)]
    person[known[:, 0]] = known[:, 1]
    is_said = person[evidence.probe] == evidence.person
    is_settled = np.isin(evidence.probe, evidence.probe[is_said])  # else the photo, say, speaks against it
    return np.where(is_said, np.maximum(odds, SAID), np.where(is_settled, -SUREST, odds))


def people_in_photos(owner_id: int, photos: Collection[int] | None = None) -> defaultdict[int, set[int]]:
    """Who is named in each photo already, of all or of some: one person appears once per photo."""
    named = Face.objects.filter(photo__owner=owner_id, person__isnull=False)
    named = named if photos is None else named.filter(photo__in=photos)
    present: defaultdict[int, set[int]] = defaultdict(set)
    for photo, person in named.values_list("photo_id", "person_id"):
        present[photo].add(person or 0)
    return present
