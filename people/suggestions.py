"""Suggests names for unknown faces, from the faces whose names a user confirmed."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Q
from numpy.typing import NDArray

from ml.identification import Candidate, closest_people
from people.ledger import rejected_pairs
from people.locks import Job, one_at_a_time
from people.model_change import is_changing
from people.models import Face, Person, Suggestion, Upkeep
from people.models.face import FaceQuerySet
from photos.face_model import current_face_model


@dataclass(frozen=True)
class _Faces:
    """Columns of some faces, row by row."""

    pks: list[int]
    photos: list[int]
    people: NDArray[np.int64]
    embeddings: NDArray[np.float32]


def refresh_suggestions(owner_id: int) -> int:
    """Suggest again for all unknown faces of an owner; return how many suggestions there are."""
    with one_at_a_time(Job.SUGGESTIONS, owner_id) as is_ours:
        if not is_ours:
            return 0  # who is at it now does not see the newest answers; beat sends the rest again
        wanted = Upkeep.objects.filter(owner=owner_id).values_list("suggestions_wanted", flat=True).first()
        model = current_face_model()
        probes = _load(Face.objects.filter(photo__owner=owner_id).untagged().embedded_by(model.name))
        gallery = _load(gallery_of(owner_id))
        candidates = closest_people(
            probes.embeddings, gallery.embeddings, gallery.people, threshold=model.limits().suggestion
        )
        chosen = _assign(owner_id, probes, candidates)
        changing = is_changing(owner_id, model.name)
        with transaction.atomic():
            _write(owner_id, gallery, chosen, asked_again=set() if changing else set(probes.pks))
            Upkeep.objects.filter(owner=owner_id).update(suggestions_made=wanted or 0)
    return len(chosen)


def _load(faces: FaceQuerySet) -> _Faces:
    rows = list(faces.order_by("pk").values_list("pk", "photo_id", "person_id", "projection"))
    projections = np.array([row[3] for row in rows], dtype=np.float32)
    return _Faces(
        [row[0] for row in rows],
        [row[1] for row in rows],
        np.array([row[2] or 0 for row in rows], dtype=np.int64),
        projections if rows else projections.reshape(0, 0),
    )


def gallery_of(owner_id: int) -> FaceQuerySet:
    """Confirmed faces, of the model in use, good enough to compare with; of a person who has none, what there is."""
    model = current_face_model()
    good = Q(quality__gte=model.limits().poor_quality)
    faces = Face.objects.filter(photo__owner=owner_id).gallery().embedded_by(model.name)
    people_with_good_faces = faces.filter(good).values("person")
    return faces.filter(good | ~Q(person__in=people_with_good_faces))


def _assign(owner_id: int, probes: _Faces, candidates: list[Candidate]) -> dict[int, Candidate]:
    """Give each face at most one person, the closest first, and each person one face per photo."""
    ruled_out = rejected_pairs(owner_id)
    present = _people_in_photos(owner_id)
    chosen: dict[int, Candidate] = {}
    for candidate in candidates:
        face, photo = probes.pks[candidate.probe], probes.photos[candidate.probe]
        if face in chosen or candidate.person in present[photo] or (face, candidate.person) in ruled_out:
            continue
        chosen[face] = candidate
        present[photo].add(candidate.person)
    return chosen


def _people_in_photos(owner_id: int) -> defaultdict[int, set[int]]:
    """Who is named in each photo already: one person appears once per photo."""
    named = Face.objects.filter(photo__owner=owner_id, person__isnull=False)
    present: defaultdict[int, set[int]] = defaultdict(set)
    for photo, person in named.values_list("photo_id", "person_id"):
        present[photo].add(person or 0)
    return present


def _write(owner_id: int, gallery: _Faces, chosen: dict[int, Candidate], *, asked_again: set[int]) -> None:
    """Make the stored suggestions these, touching only what differs.

    asked_again: faces whose suggestions are all known anew. Others keep theirs, as far as the answers allow.
    """
    stored = {s.face_id: s for s in Suggestion.objects.filter(face__photo__owner=owner_id)}
    wanted = {
        face: Suggestion(
            face_id=face,
            person_id=candidate.person,
            probability=1 - candidate.distance / 2,
            distance=candidate.distance,
            nearest_id=gallery.pks[candidate.nearest],
        )
        for face, candidate in _still_open(owner_id, chosen).items()
    }
    standing = _standing(owner_id, [s for f, s in stored.items() if f not in asked_again and f not in wanted], wanted)
    outdated = [s.pk for f, s in stored.items() if f not in standing and not _is_same(s, wanted.get(f))]
    Suggestion.objects.filter(pk__in=outdated).delete()
    Suggestion.objects.bulk_create(s for face, s in wanted.items() if not _is_same(s, stored.get(face)))


def _standing(owner_id: int, suggestions: list[Suggestion], wanted: dict[int, Suggestion]) -> set[int]:
    """Faces whose suggestions of before a change of model no answer since, and none of the new ones, speaks against."""
    if not suggestions:
        return set()
    ruled_out = rejected_pairs(owner_id)
    present = _people_in_photos(owner_id)
    photos = dict(Face.objects.filter(pk__in=wanted).values_list("pk", "photo_id"))
    for face, suggestion in wanted.items():
        present[photos[face]].add(suggestion.person_id)
    open_faces = Face.objects.untagged().filter(pk__in=[s.face_id for s in suggestions])
    photos = dict(open_faces.values_list("pk", "photo_id"))
    return {
        s.face_id
        for s in suggestions
        if s.face_id in photos
        and s.person_id not in present[photos[s.face_id]]
        and (s.face_id, s.person_id) not in ruled_out
    }


def _still_open(owner_id: int, chosen: dict[int, Candidate]) -> dict[int, Candidate]:
    """Lock the faces to suggest for, and leave out what was answered since they were read."""
    locked = Face.objects.untagged().filter(pk__in=list(chosen)).order_by("pk").select_for_update(of=("self",))
    faces = list(locked.values_list("pk", flat=True))
    people = set(Person.objects.filter(owner=owner_id).values_list("pk", flat=True))
    ruled_out = rejected_pairs(owner_id, faces=faces)
    return {f: chosen[f] for f in faces if chosen[f].person in people and (f, chosen[f].person) not in ruled_out}


def _is_same(suggestion: Suggestion, other: Suggestion | None) -> bool:
    return (
        other is not None
        and (suggestion.person_id, suggestion.nearest_id) == (other.person_id, other.nearest_id)
        and abs(suggestion.distance - other.distance) < 1e-6
    )
