"""Suggests names for unknown faces, from the faces whose names a user confirmed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from ml.identification import assign_people
from ml.models import FaceModel
from people import constraints, contradictions, learning, own_learning, own_rows, rescoring, scores, tagging
from people.group_means import GroupMeans
from people.locks import Job, one_at_a_time
from people.model_change import is_changing
from people.models import Face, FaceWrite, Person, Scored, Suggestion, Upkeep
from people.ranking import rank_questions
from people.scores import Scores, people_in_photos
from people.spaces import plain_space, space_in_use
from people.spoken import Spoken
from photos.face_model import current_face_model
from photos.faults import fault

# Below it a suggestion would be a no more often than every third time is a yes; docs/decisions/0018.
LEAST_PROBABILITY = 0.3


@dataclass(frozen=True)
class _Chosen:
    """Whom a face may be. nearest: primary key of that person's nearest confirmed face."""

    person: int
    probability: float
    distance: float
    nearest: int


@dataclass(frozen=True, eq=False)
class _Found:
    """Scores of the faces that are suggested for again, all if `again` is None, and what they go by."""

    scores: Scores
    again: rescoring.Again | None
    basis: rescoring.Basis
    spoken: Spoken

    @property
    def means(self) -> GroupMeans:
        """What groups count as from now on."""
        faces = self.scores.faces
        return GroupMeans.of(faces) if self.again is None else self.again.means_after(faces)


def refresh_suggestions(owner_id: int, *, photos_come: bool = False) -> int:
    """Suggest again for those unknown faces of an owner of which something has changed, and rank what to ask.

    Return for how many of them there is a suggestion. photos_come: whether more are on their way; then questions that
    can wait for them are not ranked, and this is still to be called when all are there.
    """
    with one_at_a_time(Job.SUGGESTIONS, owner_id) as is_ours:
        if not is_ours:
            return 0  # who is at it now does not see the newest answers; beat sends the rest again
        fault("suggestions-begun")
        contradictions.take_off_contradicted(owner_id)
        wanted = Upkeep.objects.filter(owner=owner_id).values_list("suggestions_wanted", flat=True).first() or 0
        model = current_face_model()
        own_rows.fill_missing(owner_id)
        changing = is_changing(owner_id, model.name)
        moment = rescoring.Moment.now(owner_id)
        written = None if changing else rescoring.Written.since_last(owner_id, moment)
        # Known as long as nobody was confirmed since.
        confirmed = written.last.confirmed if written else scores.gallery_of(owner_id, model).count()
        learning.learn(owner_id, model, confirmed)
        found = _found(owner_id, model, written)
        if photos_come and found.again is not None and not found.again.outdated:
            return 0
        count = _store(owner_id, found, is_final=not changing)
        fault("suggestions-committed")
        tagging.name_surest(owner_id)
        is_as_before = written is not None and found.again is not None and written.last.answers == moment.answers
        rank_questions(owner_id, keep_people=is_as_before, keep_groups=is_as_before and photos_come)
        own_learning.ask_if_grown(owner_id, model, confirmed)
        if not changing:
            found.basis.keep(owner_id, moment, found.spoken, found.means, confirmed)
        # Last: who is killed before has done nothing, and beat sends it again.
        made = max(wanted - 1, 0) if is_as_before and photos_come else wanted
        Upkeep.objects.filter(owner=owner_id).update(suggestions_made=made)
    return count


def _store(owner_id: int, found: _Found, *, is_final: bool) -> int:
    """Write what was found; return how many suggestions. is_final: whether faces without one are not to have one."""
    chosen = _assigned(found.scores)
    with transaction.atomic():
        Scored.objects.filter(owner=owner_id).delete()  # until all that goes by the suggestions is done, too
        asked_again = set(found.scores.faces.pks.tolist()) if is_final else set()
        _write(owner_id, chosen, found.again, asked_again=asked_again)
        fault("suggestions-written")
    return len(chosen)


def _found(owner_id: int, model: FaceModel, written: rescoring.Written | None) -> _Found:
    space, spoken = space_in_use(owner_id, model), Spoken.of(owner_id)
    confused = rescoring.confused_by(spoken, owner_id, written)
    basis = rescoring.Basis.of(space, model, confused)
    again = rescoring.faces_again(scores.waiting_of(owner_id, model), written, spoken, basis)
    scored = scores.score_in(space, model, spoken, confused, again)
    if space.is_still_used():
        return _Found(scored, again, basis, spoken)
    space = plain_space(owner_id, model)
    basis = rescoring.Basis.of(space, model, confused)
    return _Found(scores.score_in(space, model, spoken, confused), None, basis, spoken)


def _assigned(scored: Scores) -> dict[int, _Chosen]:
    """Give each face at most one person, and each person one face per photo, by primary key of the face."""
    chosen: dict[int, _Chosen] = {}
    pks = scored.faces.pks
    for pair in _chosen_pairs(scored):
        evidence = scored.evidence
        chosen[int(pks[evidence.probe[pair]])] = _Chosen(
            person=int(evidence.person[pair]),
            probability=float(scored.probabilities[pair]),
            distance=float(evidence.features.nearest[pair]),
            nearest=int(scored.gallery.pks[evidence.face[pair]]),
        )
    return chosen


def _chosen_pairs(scored: Scores) -> Iterator[int]:
    likely = np.flatnonzero(scored.probabilities >= LEAST_PROBABILITY)
    probe, faces = scored.evidence.probe[likely], scored.faces
    # Of a photo that shows somebody more than once each face is a picture of its own.
    pictures = np.where(scored.once, faces.photos, -1 - np.arange(len(faces)))[probe]
    order = np.lexsort((probe, pictures))
    likely, pictures = likely[order], pictures[order]
    for pairs in np.split(likely, np.flatnonzero(np.diff(pictures)) + 1):
        if len(pairs) == 1:
            yield int(pairs[0])
        elif len(pairs):
            yield from _solved(scored, pairs)


def _solved(scored: Scores, pairs: np.ndarray) -> Iterator[int]:
    """Those of the likely pairs of one picture that go together."""
    _, rows = np.unique(scored.evidence.probe[pairs], return_inverse=True)
    _, columns = np.unique(scored.evidence.person[pairs], return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    table[rows, columns] = scored.probabilities[pairs]
    places = {(row, column): pair for row, column, pair in zip(rows, columns, pairs, strict=True)}
    for row, column in enumerate(assign_people(table, least=LEAST_PROBABILITY)):
        if column is not None:
            yield int(places[row, column])


def _write(
    owner_id: int, chosen: dict[int, _Chosen], again: rescoring.Again | None, *, asked_again: Collection[int]
) -> None:
    """Make the stored suggestions these, of all faces or those that are scored again, touching only what differs.

    asked_again: faces whose suggestions are all known anew. Others keep theirs, as far as the answers allow.
    """
    FaceWrite.objects.no_notes_of_suggestions()
    held = Suggestion.objects.filter(face__photo__owner=owner_id)
    held = held if again is None else held.filter(face__in=again.outdated)
    stored = {s.face_id: s for s in held}
    wanted = {
        face: Suggestion(
            face_id=face,
            person_id=candidate.person,
            probability=candidate.probability,
            distance=candidate.distance,
            nearest_id=candidate.nearest,
        )
        for face, candidate in _still_open(owner_id, chosen).items()
    }
    standing = _standing(owner_id, [s for f, s in stored.items() if f not in asked_again and f not in wanted], wanted)
    outdated = [s.pk for f, s in stored.items() if f not in standing and not _is_same(s, wanted.get(f))]
    Suggestion.objects.filter(pk__in=outdated).delete()
    new = [s for face, s in wanted.items() if not _is_same(s, stored.get(face))]
    # An undo may have brought one back since (people.suggested_again); it asks for the next run, too.
    Suggestion.objects.bulk_create(new, ignore_conflicts=True)


def _standing(owner_id: int, suggestions: list[Suggestion], wanted: dict[int, Suggestion]) -> set[int]:
    """Faces whose suggestions of before a change of model no answer since, and none of the new ones, speaks against."""
    if not suggestions:
        return set()
    ruled_out = constraints.ruled_out(owner_id)
    present = people_in_photos(owner_id)
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


def _still_open(owner_id: int, chosen: dict[int, _Chosen]) -> dict[int, _Chosen]:
    """Lock the faces to suggest for, and leave out what was answered since they were read.

    With them those they are nearest to, which a suggestion refers to: PostgreSQL would lock these, too, but last, while
    an act, an undo say, may hold them and wait for the others.
    """
    nearest = {choice.nearest for choice in chosen.values()}
    locked = Face.objects.filter(pk__in=nearest | chosen.keys()).order_by("pk").select_for_update(of=("self",))
    states = list(locked.values_list("pk", "person_id", "is_ignored"))
    there = {pk for pk, _, _ in states}
    faces = [pk for pk, person, is_ignored in states if pk in chosen and not person and not is_ignored]
    people = set(Person.objects.filter(owner=owner_id).values_list("pk", flat=True))
    ruled_out = constraints.ruled_out(owner_id)
    return {
        face: chosen[face]
        for face in faces
        if chosen[face].person in people
        and chosen[face].nearest in there
        and (face, chosen[face].person) not in ruled_out
    }


def _is_same(suggestion: Suggestion, other: Suggestion | None) -> bool:
    return (
        other is not None
        and (suggestion.person_id, suggestion.nearest_id) == (other.person_id, other.nearest_id)
        and abs(suggestion.distance - other.distance) < 1e-6
        and abs(suggestion.probability - other.probability) < 1e-3
    )
