"""Groups the faces nobody has named: new ones among the groups that are there, which stay as they are otherwise.

Every run is a decision of the ledger, so it can be undone like any other; what users said of faces is kept to.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from accounts.models import User
from ml.dbscan import NOISE
from ml.models import FaceModel
from ml.projection import recentred
from ml.regrouping import regroup
from people import constraints, ledger
from people.hidden_groups import hidden_groups, without_what_is_shown
from people.library_centre import Centre, centre_if_due
from people.locks import Job, one_at_a_time, wait_for_lock
from people.model_change import is_changing
from people.models import Cluster, Decision, Face, Upkeep
from people.models.face import FaceQuerySet
from people.models.upkeep import UpkeepQuerySet
from people.vectors import FaceColumns, centre_in_use, load_faces
from photos.face_model import current_face_model
from photos.models import Photo

logger = logging.getLogger(__name__)

Report = Callable[[float], object]
Labels = NDArray[np.int64]

TRIES = 3  # when answers change, while groups are made, what may be grouped
REPORT_EVERY_SECONDS = 10


class CannotGroup(Exception):
    """Another worker is at it, or answers came faster than groups could be made."""


def group_owner(owner_id: int, *, report: Report | None = None) -> bool:
    """Group an owner's new faces; False when another worker is at it.

    Works on a snapshot, outside any transaction: a face that gets a name meanwhile is left alone. Is the run ended, by
    whatever, the next one is put off (people.models.Upkeep).

    Raises CannotGroup when answers keep coming that change what may be grouped.
    """
    with one_at_a_time(Job.GROUPING, owner_id) as is_ours:
        if is_ours:
            Upkeep.objects.start_grouping(owner_id)
            try:
                _group(owner_id, all_anew=False, report=report or _logging(owner_id))
            except CannotGroup:
                Upkeep.objects.interrupt_grouping(owner_id)
                raise
            Upkeep.objects.finish_grouping(owner_id)
    return is_ours


def regroup_from_scratch(owner_id: int, *, report: Report | None = None) -> Decision | None:
    """Forget how an owner's unknown faces were grouped and group them all again; one decision, None if nothing moves.

    Raises CannotGroup also when another worker is grouping.
    """
    with one_at_a_time(Job.GROUPING, owner_id) as is_ours:
        if not is_ours:
            raise CannotGroup("these faces are being grouped right now")
        return _group(owner_id, all_anew=True, report=report or _logging(owner_id))


def _group(owner_id: int, *, all_anew: bool, report: Report) -> Decision | None:
    for _ in range(TRIES):
        library = _Snapshot.of(owner_id, all_anew=all_anew)
        labels, centre = library.grouped(report)
        with transaction.atomic():
            decision, is_done = _write(library, labels, centre)
            if is_done:
                return decision
            transaction.set_rollback(True)
    raise CannotGroup("answers came faster than groups could be made")


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """What is grouped. wanted: of Upkeep, when it was taken. faces: all that wait for a name. is_new: shape (n,), to be
    placed. to_mark: shape (n,), looked at by this run for the first time."""

    owner_id: int
    wanted: int | None
    photos: list[int]
    model: FaceModel
    is_changing: bool
    faces: FaceColumns
    is_new: NDArray[np.bool_]
    to_mark: NDArray[np.bool_]
    has_centre: bool
    hidden: frozenset[int]

    @classmethod
    def of(cls, owner_id: int, *, all_anew: bool) -> "_Snapshot":
        wanted = _wanted(Upkeep.objects.filter(owner=owner_id))
        photos = _photos_waiting(owner_id)
        model = current_face_model()
        changing = is_changing(owner_id, model.name)
        centre = centre_in_use(owner_id, model.name)
        waiting = _waiting(owner_id, model)
        faces = load_faces(waiting, centre=centre)
        unmarked, other = _not_grouped_by(waiting, model)
        is_unmarked = np.isin(faces.pks, unmarked)
        # A face that is in a group but bears no mark came back into it by an undo, and stays.
        is_new = (is_unmarked & (faces.clusters == 0)) | np.isin(faces.pks, other)
        to_mark = is_unmarked | is_new
        if changing:  # groups wait until all of their faces can be compared, and are to be looked at then
            to_mark &= faces.clusters == 0
        hidden = hidden_groups(owner_id)
        is_new |= all_anew
        return cls(owner_id, wanted, photos, model, changing, faces, is_new, to_mark, centre is not None, hidden)

    @property
    def before(self) -> Labels:
        return np.where(self.faces.clusters > 0, self.faces.clusters, NOISE)

    def grouped(self, report: Report) -> tuple[Labels, Centre | None]:
        """The group each face belongs in, by the numbers there are or by new ones; and the centre if there is another.

        That of a library grows more exact with its groups, so then all faces are grouped again, as it is taken away.
        """
        labels = self._regrouped(self.faces.rows, self.before, self.is_new, report, is_recentred=self.has_centre)
        if self.is_changing:
            return labels, None
        centre = centre_if_due(self.owner_id, self.model.name, self.faces, labels)
        if centre is None:
            return labels, None
        logger.info("All faces of owner %d are grouped again: the library has grown a lot", self.owner_id)
        rows = recentred(load_faces(_these(self.faces.pks)).rows, centre.direction)
        if len(rows) < len(labels):  # photos were deleted meanwhile; next time, then
            return labels, None
        everything = np.ones(len(labels), dtype=bool)
        return self._regrouped(rows, labels, everything, report, is_recentred=True), centre

    def _regrouped(
        self,
        rows: NDArray[np.float32],
        before: Labels,
        is_new: NDArray[np.bool_],
        report: Report,
        *,
        is_recentred: bool,
    ) -> Labels:
        limits = self.model.limits(recentred=is_recentred)
        said = constraints.Constraints.of(self.owner_id)
        pks = self.faces.pks
        held = np.isin(pks, np.array(sorted(ledger.held_faces(self.owner_id)), dtype=np.int64))
        if self.is_changing:
            # While some faces of a group wait for an embedding of this model, the others are no reason to break it up.
            held |= before > NOISE
        waiting = pks.tolist()
        together = np.searchsorted(pks, said.together(waiting))
        labels = regroup(
            rows,
            before,
            is_new,
            proposal_threshold=limits.grouping,
            linkage_threshold=limits.linkage,
            may_seed=self.faces.qualities >= limits.poor_quality,
            held=held,
            apart=np.searchsorted(pks, said.apart(waiting)),
            together=together,
            photos=self.faces.photos,
            repeats=sorted(constraints.repeat_photos(self.owner_id)),
            report=report,
        )
        return without_what_is_shown(labels, before, self.hidden, together)


def _waiting(owner_id: int, model: FaceModel) -> FaceQuerySet:
    return Face.objects.filter(photo__owner=owner_id).untagged().embedded_by(model.name)


def _these(pks: NDArray[np.int64]) -> FaceQuerySet:
    return Face.objects.filter(pk__in=pks.tolist())


def _not_grouped_by(waiting: FaceQuerySet, model: FaceModel) -> tuple[list[int], list[int]]:
    """Faces no grouping has looked at since they wait, and those it has by the projections of another model."""
    marks = list(waiting.exclude(grouped_by=model.name).values_list("pk", "grouped_by"))
    return [pk for pk, mark in marks if not mark], [pk for pk, mark in marks if mark]


def _photos_waiting(owner_id: int) -> list[int]:
    photos = Photo.objects.at_stage(Photo.Stage.GROUPING).filter(
        owner_id=owner_id, owner__face_analysis=User.FaceAnalysis.ON
    )
    return list(photos.values_list("pk", flat=True))


def _wanted(upkeep: UpkeepQuerySet) -> int | None:
    return upkeep.values_list("groups_wanted", flat=True).first()


def _logging(owner_id: int) -> Report:
    reported = time.monotonic()

    def report(share: float) -> None:
        nonlocal reported
        if time.monotonic() - reported > REPORT_EVERY_SECONDS:
            reported = time.monotonic()
            logger.info("Faces of owner %d are being grouped: %.0f %% compared", owner_id, 100 * share)

    return report


# Writing


def _write(library: _Snapshot, labels: Labels, centre: Centre | None) -> tuple[Decision | None, bool]:
    """Store groups in as many queries for a thousand faces as for one; not done if the snapshot was out of date."""
    owner_id, model = library.owner_id, library.model
    # Photos before faces, as everywhere that locks both.
    Photo.objects.filter(pk__in=library.photos, stage=Photo.Stage.GROUPING).update(
        stage=Photo.Stage.DONE, attempts=0, lease_until=None
    )
    wait_for_lock(Job.CLUSTERS, owner_id)
    pks = library.faces.pks
    is_moved = labels != library.before
    # In order of primary key, as the ledger does: an answer given meanwhile waits, or we do, but never both.
    there = _these(pks[is_moved | library.to_mark]).order_by("pk").select_for_update(of=("self",))
    list(there.values_list("pk", flat=True))
    targets = _clusters(library, labels)
    if targets is None or _is_outdated(library):
        return None, False
    decision = ledger.regroup(
        owner_id,
        {pk: targets.get(label) for pk, label in zip(pks[is_moved].tolist(), labels[is_moved].tolist(), strict=True)},
    )
    _these(pks[library.to_mark]).untagged().embedded_by(model.name).update(grouped_by=model.name)
    if centre is not None:
        centre.store(owner_id, model.name)
    # That a group was hidden must outlive its faces: an undo may bring them back.
    faces = Face.objects.filter(cluster=OuterRef("pk"))
    Cluster.objects.filter(~Exists(faces), owner=owner_id, is_hidden=False).delete()
    Upkeep.objects.want(owner_id, groups=False)
    if not library.is_changing:
        Upkeep.objects.filter(owner=owner_id).update(groups_made=library.wanted or 0)
    return decision, True


def _clusters(library: _Snapshot, labels: Labels) -> dict[int, int] | None:
    """Primary keys of groups by number, made where the number is new; None if one is gone that was there."""
    known = np.intersect1d(labels[labels != library.before], library.before)
    known = known[known > NOISE].tolist()
    if Cluster.objects.filter(owner=library.owner_id, pk__in=known).count() < len(known):
        return None
    fresh = np.setdiff1d(labels[labels > NOISE], library.before).tolist()
    made = Cluster.objects.bulk_create(Cluster(owner_id=library.owner_id) for _ in fresh)
    return {number: number for number in known} | {
        number: cluster.pk for number, cluster in zip(fresh, made, strict=True)
    }


def _is_outdated(library: _Snapshot) -> bool:
    """Whether something was said meanwhile that groups must keep to, a group was hidden or shown, or faces got free.

    Holds the row: what is said from now on counts up afterwards, and the next run sees it. While the model changes,
    each photo that is embedded again counts up, too; the run that follows then sees to everything.
    """
    now = _wanted(Upkeep.objects.select_for_update().filter(owner=library.owner_id))
    if hidden_groups(library.owner_id) != library.hidden:
        return True
    return not library.is_changing and (now or 0) != (library.wanted or 0)
