"""Which faces are scored again: those that something was written of, since the last run, that their scores go by.

A score goes by the face, by its group (people.group_means), by what its photo shows and users said of it, and by all
confirmed faces: where one of these was written, or what all scores go by is another, all faces that wait are scored;
docs/decisions/0029.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from ml.models import FaceModel
from ml.scoring import Company
from people.early_years import births_of
from people.group_means import GroupMeans
from people.models import Decision, Face, FaceWrite, Person, Scored
from people.models.face import FaceQuerySet
from people.models.face_write import KEPT_FOR_SCORES, lasting_horizon
from people.separators import confused_pairs
from people.spaces import Space
from people.spoken import SHOWS_TWICE, Spoken, rows_of
from people.vectors import FaceColumns

# Counted up when the same faces and answers give other scores, or other choices among them.
VERSION = 1
FEWEST = 5_000  # faces that wait: fewer are all scored in a moment
MOST_NOTES = 40_000  # since the last run; with more there is little that could be left out
GOOD_FOR = KEPT_FOR_SCORES - timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """Taken before anything is read. answers: how many decisions of users there are, undone ones and all."""

    at: datetime
    horizon: int
    identity: list[Any]
    answers: int

    @classmethod
    def now(cls, owner_id: int) -> "Moment":
        at, (horizon, identity) = timezone.now(), lasting_horizon()
        answers = Decision.objects.filter(owner=owner_id, actor__isnull=False).count()
        return cls(at, horizon, identity, answers)


@dataclass(frozen=True)
class Written:
    """What was written since the last run, of which `last` was kept: faces, their photos, and how many of them each
    group had or has."""

    last: Scored
    faces: frozenset[int]
    photos: frozenset[int]
    clusters: Mapping[int, int]

    @classmethod
    def since_last(cls, owner_id: int, moment: Moment) -> "Written | None":
        """None if what one goes by is not known, or if confirmed faces are among them."""
        last = Scored.objects.filter(owner=owner_id).first()
        if last is None or last.identity != moment.identity or not last.horizon <= moment.horizon:
            return None
        if not timedelta() <= moment.at - last.at <= GOOD_FOR:
            return None
        notes = FaceWrite.objects.since(last.horizon)
        rows = list(notes.values_list("face", "photo", "cluster", "person")[: MOST_NOTES + 1])
        if len(rows) > MOST_NOTES:
            return None
        there = Face.everywhere.filter(pk__in={row[0] for row in rows})
        now = there.values_list("pk", "photo", "cluster", "person", "tagged_by", "photo__owner")
        states = [row for row in now if row[5] == owner_id]
        others = {row[0] for row in now if row[5] != owner_id}
        rows = [row for row in rows if row[0] not in others]
        confirmed = {row[3] for row in rows} | {row[3] for row in states if row[4] == Face.TaggedBy.USER}
        if _are_any_ours(owner_id, {person for person in confirmed if person}):
            return None
        were = {row[:3] for row in rows} | {row[:3] for row in states}
        clusters = Counter(cluster for _, cluster in {(face, cluster) for face, _, cluster in were} if cluster)
        photos = frozenset(photo for _, photo, _ in were if photo)
        return cls(last, frozenset(face for face, _, _ in were), photos, clusters)


def _are_any_ours(owner_id: int, people: Collection[int]) -> bool:
    """Whether there is a person among these who is not another owner's; one who is gone may have been this one's."""
    others = Person.objects.filter(pk__in=people).exclude(owner=owner_id).count() if people else 0
    return len(people) > others


@dataclass(frozen=True)
class Basis:
    """What all scores go by."""

    digest: str
    confused: list[tuple[int, int]]

    @classmethod
    def of(cls, space: Space, model: FaceModel, confused: list[tuple[int, int]]) -> "Basis":
        centre = space.centre if space.centre is None else space.centre.tolist()
        births = {person: born.isoformat() for person, born in births_of(space.owner_id).items()}
        own = space.own and space.own[0]
        parts = [VERSION, model.name, own, centre, space.calibration.as_json(), births, confused]
        return cls(sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest(), confused)

    def keep(self, owner_id: int, moment: Moment, spoken: Spoken, means: GroupMeans, confirmed: int) -> None:
        """Note, as the last thing a run does, what it went by; not if faces were deleted for good meanwhile, or the
        owner took the consent back, for it holds the mean faces of groups."""
        values = {name: getattr(moment, name) for name in ("at", "horizon", "identity", "answers")}
        values |= {"basis": self.digest, "said": spoken.as_bytes(), "means": means.as_bytes()}
        values |= {"confused": self.confused, "confirmed": confirmed}
        with transaction.atomic():
            owner = User.objects.filter(pk=owner_id, face_analysis=User.FaceAnalysis.ON)
            gone = FaceWrite.objects.since(moment.horizon).filter(~Exists(Face.everywhere.filter(pk=OuterRef("face"))))
            if owner.select_for_update(no_key=True).exists() and not gone.exists():
                Scored.objects.update_or_create(owner_id=owner_id, defaults=values)


@dataclass(frozen=True, eq=False)
class Again:
    """Faces to be scored again. faces: those that wait. outdated: all whose suggestions are known anew. means: of their
    groups, but for those that are others by now: `anew`, all of whose faces are among these."""

    faces: frozenset[int]
    outdated: frozenset[int]
    means: GroupMeans
    anew: frozenset[int]

    @property
    def company(self) -> Company:
        return self.means.company.only(~np.isin(self.means.company.groups, list(self.anew)))

    def means_after(self, faces: FaceColumns) -> GroupMeans:
        """What the groups count as from now on. faces: those that were scored."""
        return self.means.with_groups_of(faces, self.anew)


def confused_by(spoken: Spoken, owner_id: int, written: Written | None) -> list[tuple[int, int]]:
    """Pairs of people who were confused; as before where nobody has said anything since."""
    if written is None or rows_of(bytes(written.last.said)) != spoken.rows:
        return confused_pairs(owner_id)
    return [(one, other) for one, other in written.last.confused]


def faces_again(waiting: FaceQuerySet, written: Written | None, spoken: Spoken, basis: Basis) -> Again | None:
    """Which of the faces that wait are to be scored again; None for all."""
    if written is None or basis.digest != written.last.basis or len(waiting.values_list("pk")[:FEWEST]) < FEWEST:
        return None
    said = rows_of(bytes(written.last.said)) ^ spoken.rows
    faces = {one for one, _, kind in said if kind != SHOWS_TWICE}
    photos = {one for one, _, kind in said if kind == SHOWS_TWICE} | written.photos
    of_spoken = Face.objects.filter(pk__in=faces, cluster__isnull=False).values_list("cluster", flat=True)
    means = GroupMeans.from_bytes(bytes(written.last.means)).after(written.clusters)
    anew = means.are_others(written.clusters) | {cluster for cluster in of_spoken if cluster}
    faces |= written.faces
    changed = waiting.filter(Q(pk__in=faces) | Q(photo__in=photos) | Q(cluster__in=anew))
    # Whom a photo shows is settled for all of its faces together.
    beside = set(changed.order_by().values_list("photo", flat=True))
    again = frozenset(waiting.filter(photo__in=beside).order_by().values_list("pk", flat=True))
    return Again(again, again | faces, means, frozenset(anew))
