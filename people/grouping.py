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
from ml.kept_faces import NO_GROUP, KeptFaces
from ml.models import FaceModel
from ml.placing import CannotPlace, Moved, place_among
from ml.projection import recentred
from ml.regrouping import FEW, Cuts, regroup
from people import constraints, ledger
from people.hidden_groups import hidden_groups, without_what_is_shown
from people.kept_library import (
    OF_ANOTHER_MODEL,
    UNMARKED,
    Moment,
    keep,
    kept_library,
    marks_of,
    waiting_faces,
)
from people.library_centre import Centre, centre_if_due, may_centre_be_due
from people.locks import Job, one_at_a_time, wait_for_lock
from people.model_change import is_changing
from people.models import Cluster, Decision, Face, FaceWrite, Upkeep
from people.models.face import FaceQuerySet
from people.models.upkeep import UpkeepQuerySet
from people.vectors import FaceColumns, centre_in_use, load_faces
from photos.face_model import current_face_model
from photos.faults import fault
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
            fault("groups-begun")
            try:
                _group(owner_id, all_anew=False, report=report or _logging(owner_id))
            except CannotGroup:
                Upkeep.objects.interrupt_grouping(owner_id)
                raise
            except Exception:
                Upkeep.objects.fail_grouping(owner_id)
                raise
            fault("groups-committed")
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
        library = _Library.of(owner_id)
        groups = None if all_anew else _placed_among_kept(library)
        groups = groups or _grouped_by_looking_at_all(library, all_anew, report)
        with transaction.atomic():
            decision, is_done = _write(library, groups)
            fault("groups-written")
            if is_done:
                break
            transaction.set_rollback(True)
    else:
        raise CannotGroup("answers came faster than groups could be made")
    if groups.read is not None:
        groups.read.keep(library)
    FaceWrite.objects.forget_old()
    return decision


@dataclass(frozen=True, eq=False)
class _Library:
    """What is known before faces are looked at. wanted: of Upkeep. photos: that wait for groups. is_changing: whether
    some faces are still to be embedded by the model. centre: taken away from all faces."""

    owner_id: int
    wanted: int | None
    photos: list[int]
    model: FaceModel
    is_changing: bool
    centre: NDArray[np.float32] | None
    hidden: frozenset[int]

    @classmethod
    def of(cls, owner_id: int) -> "_Library":
        wanted = _wanted(Upkeep.objects.filter(owner=owner_id))
        photos = _photos_waiting(owner_id)
        model = current_face_model()
        changing = is_changing(owner_id, model.name)
        centre = centre_in_use(owner_id, model.name)
        return cls(owner_id, wanted, photos, model, changing, centre, hidden_groups(owner_id))

    @property
    def waiting(self) -> FaceQuerySet:
        return waiting_faces(self.owner_id, self.model)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Where faces belong, all that wait or those that move and that are looked at for the first time.

    pks: shape (n,). before, labels: the group each is in and belongs in, or NOISE. to_mark: looked at by this run for
    the first time. numbers: of the groups there are; other labels are new groups. may_be_empty: of groups that perhaps
    have no face any more; all of them if it is None. centre: if there is another. read: all faces as they were read, if
    they were.
    """

    pks: NDArray[np.int64]
    before: Labels
    labels: Labels
    to_mark: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    may_be_empty: NDArray[np.int64] | None = None
    centre: Centre | None = None
    read: "_Snapshot | None" = None


def _placed_among_kept(library: _Library) -> _Groups | None:
    """Place new faces among those this process has kept in memory; None where it takes a look at all."""
    if library.is_changing:
        return None
    owner_id, model = library.owner_id, library.model
    kept = kept_library(owner_id, model, library.centre)
    if kept is None:
        return None
    limits = model.limits(recentred=library.centre is not None)
    # A face that is in a group but bears no mark came back into it by an undo, and stays.
    in_group = kept.faces.group != NO_GROUP
    is_new = ((kept.marks == UNMARKED) & ~in_group) | (kept.marks == OF_ANOTHER_MODEL)
    is_new &= kept.faces.is_there
    if np.count_nonzero(is_new) >= FEW * len(kept):
        return None
    said = constraints.Constraints.of(owner_id)
    spoken_of = [pk for pk in said.faces() if pk in kept.place_of]
    together = kept.places(said.together(spoken_of))
    try:
        moved = place_among(
            kept.faces,
            is_new,
            cuts=Cuts(limits.grouping, limits.linkage),
            held=kept.flags(ledger.held_faces(owner_id)),
            apart=kept.places(said.apart(spoken_of)),
            together=together,
            repeats=sorted(constraints.repeat_photos(owner_id)),
        )
    except CannotPlace:
        return None
    if may_centre_be_due(owner_id, model.name, _most_groups(kept.faces, moved)):
        return None
    was = kept.faces.before
    labels = was.copy()
    labels[moved.places] = moved.labels
    if not library.hidden.isdisjoint(moved.labels.tolist()):
        labels = without_what_is_shown(labels, was, library.hidden, together)
    to_mark = ((kept.marks == UNMARKED) & kept.faces.is_there) | is_new
    chosen = to_mark | (labels != was)
    before = was[chosen]
    is_empty = kept.faces.counts.sum(axis=0) == 0
    numbers, may_be_empty = kept.faces.numbers[~is_empty], np.union1d(kept.faces.numbers[is_empty], before)
    return _Groups(kept.faces.keys[chosen], before, labels[chosen], to_mark[chosen], numbers, may_be_empty)


def _most_groups(faces: KeptFaces, moved: Moved) -> int:
    """How many groups there are at most after a move, a face without one counted as one."""
    is_loose = (faces.group == NO_GROUP) & faces.is_there
    was_loose, gets_loose = is_loose[moved.places], moved.labels == NOISE
    loose = np.count_nonzero(is_loose) + np.count_nonzero(gets_loose) - np.count_nonzero(was_loose)
    return int(loose + np.count_nonzero(faces.counts.sum(axis=0)) + len(np.unique(moved.labels)))


def _grouped_by_looking_at_all(library: _Library, all_anew: bool, report: Report) -> _Groups:
    return _Snapshot.of(library, all_anew=all_anew).grouped(report)


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """What is grouped. faces: all that wait for a name. marks: shape (n,), what grouped_by says of each. is_new: shape
    (n,), to be placed. to_mark: shape (n,), looked at by this run for the first time. read_at: all that was written
    before has been read."""

    library: _Library
    read_at: Moment
    faces: FaceColumns
    marks: NDArray[np.int8]
    is_new: NDArray[np.bool_]
    to_mark: NDArray[np.bool_]

    @classmethod
    def of(cls, library: _Library, *, all_anew: bool) -> "_Snapshot":
        read_at = Moment.now()
        faces = load_faces(library.waiting, centre=library.centre)
        marks = marks_of(library.waiting, faces, library.model)
        is_unmarked = marks == UNMARKED
        # A face that is in a group but bears no mark came back into it by an undo, and stays.
        is_new = (is_unmarked & (faces.clusters == 0)) | (marks == OF_ANOTHER_MODEL)
        to_mark = is_unmarked | is_new
        if library.is_changing:  # groups wait until all of their faces can be compared, and are to be looked at then
            to_mark &= faces.clusters == 0
        return cls(library, read_at, faces, marks, is_new | all_anew, to_mark)

    @property
    def before(self) -> Labels:
        return np.where(self.faces.clusters > 0, self.faces.clusters, NOISE)

    def grouped(self, report: Report) -> _Groups:
        """The group each face belongs in, by the numbers there are or by new ones; and the centre if there is another.

        That of a library grows more exact with its groups, so then all faces are grouped again, as it is taken away.
        """
        labels, centre = self._labels(report)
        before = self.before
        return _Groups(self.faces.pks, before, labels, self.to_mark, np.unique(before), None, centre, self)

    def keep(self, library: _Library) -> None:
        """Let the next run begin where this one did, with what was written since."""
        if not library.is_changing:
            keep(library.owner_id, library.model, library.centre, self.faces, self.marks, self.read_at)

    def _labels(self, report: Report) -> tuple[Labels, Centre | None]:
        owner_id, model = self.library.owner_id, self.library.model
        is_recentred = self.library.centre is not None
        labels = self._regrouped(self.faces.rows, self.before, self.is_new, report, is_recentred=is_recentred)
        if self.library.is_changing:
            return labels, None
        centre = centre_if_due(owner_id, model.name, self.faces, labels)
        if centre is None:
            return labels, None
        logger.info("All faces of owner %d are grouped again: the library has grown a lot", owner_id)
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
        owner_id = self.library.owner_id
        limits = self.library.model.limits(recentred=is_recentred)
        said = constraints.Constraints.of(owner_id)
        pks = self.faces.pks
        held = np.isin(pks, np.array(sorted(ledger.held_faces(owner_id)), dtype=np.int64))
        if self.library.is_changing:
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
            repeats=sorted(constraints.repeat_photos(owner_id)),
            report=report,
        )
        return without_what_is_shown(labels, before, self.library.hidden, together)


def _these(pks: NDArray[np.int64]) -> FaceQuerySet:
    return Face.objects.filter(pk__in=pks.tolist())


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


def _write(library: _Library, groups: _Groups) -> tuple[Decision | None, bool]:
    """Store groups in as many queries for a thousand faces as for one; not done if what they go by was out of date."""
    owner_id, model = library.owner_id, library.model
    # Photos before faces, as everywhere that locks both, and in order of primary key, as the trash does.
    waiting = Photo.objects.filter(pk__in=library.photos, stage=Photo.Stage.GROUPING)
    list(waiting.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))
    waiting.update(stage=Photo.Stage.DONE, attempts=0, lease_until=None)
    wait_for_lock(Job.CLUSTERS, owner_id)
    is_moved = groups.labels != groups.before
    # In order of primary key, as the ledger does: an answer given meanwhile waits, or we do, but never both.
    there = _these(groups.pks[is_moved | groups.to_mark]).order_by("pk").select_for_update(of=("self",))
    list(there.values_list("pk", flat=True))
    moves = groups.labels[is_moved]
    targets = _clusters(library, moves, groups.numbers)
    if targets is None or _is_outdated(library):
        return None, False
    moved = zip(groups.pks[is_moved].tolist(), moves.tolist(), strict=True)
    decision = ledger.regroup(owner_id, {pk: targets.get(label) for pk, label in moved})
    _these(groups.pks[groups.to_mark]).untagged().embedded_by(model.name).update(grouped_by=model.name)
    if groups.centre is not None:
        groups.centre.store(owner_id, model.name)
    _drop_empty(owner_id, groups.may_be_empty)
    Upkeep.objects.want(owner_id, groups=False)
    if not library.is_changing:
        Upkeep.objects.filter(owner=owner_id).update(groups_made=library.wanted or 0)
    return decision, True


def _drop_empty(owner_id: int, some: NDArray[np.int64] | None) -> None:
    # That a group was hidden must outlive its faces: an undo may bring them back, and so may the trash.
    faces = Face.everywhere.filter(cluster=OuterRef("pk"))
    clusters = Cluster.objects.filter(owner=owner_id, is_hidden=False)
    clusters = clusters if some is None else clusters.filter(pk__in=some.tolist())
    clusters.filter(~Exists(faces)).delete()


def _clusters(library: _Library, moves: Labels, numbers: NDArray[np.int64]) -> dict[int, int] | None:
    """Primary keys of groups by number, made where the number is new; None if one is gone that was there."""
    wanted = np.unique(moves[moves > NOISE])
    known = wanted[np.isin(wanted, numbers)].tolist()
    if Cluster.objects.filter(owner=library.owner_id, pk__in=known).count() < len(known):
        return None
    fresh = wanted[~np.isin(wanted, numbers)].tolist()
    made = Cluster.objects.bulk_create(Cluster(owner_id=library.owner_id) for _ in fresh)
    return {number: number for number in known} | {
        number: cluster.pk for number, cluster in zip(fresh, made, strict=True)
    }


def _is_outdated(library: _Library) -> bool:
    """Whether something was said meanwhile that groups must keep to, a group was hidden or shown, or faces got free.

    Holds the row: what is said from now on counts up afterwards, and the next run sees it. While the model changes,
    each photo that is embedded again counts up, too; the run that follows then sees to everything.
    """
    now = _wanted(Upkeep.objects.select_for_update().filter(owner=library.owner_id))
    if hidden_groups(library.owner_id) != library.hidden:
        return True
    return not library.is_changing and (now or 0) != (library.wanted or 0)
