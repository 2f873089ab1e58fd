"""Where faces belong, by a look at all of a library that wait for a name."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.dbscan import NOISE
from ml.projection import recentred
from ml.regrouping import regroup
from people import constraints, ledger
from people.grouping.library import Groups, Labels, Library, these
from people.hidden_groups import without_what_is_shown
from people.kept_library import OF_ANOTHER_MODEL, UNMARKED, Moment, keep, marks_of
from people.library_centre import Centre, centre_if_due
from people.vectors import FaceColumns, load_faces

logger = logging.getLogger(__name__)

Report = Callable[[float], object]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What is grouped. faces: all that wait for a name. marks: shape (n,), what grouped_by says of each. is_new: shape
    (n,), to be placed. to_mark: shape (n,), looked at by this run for the first time. read_at: all that was written
    before has been read."""

    library: Library
    read_at: Moment
    faces: FaceColumns
    marks: NDArray[np.int8]
    is_new: NDArray[np.bool_]
    to_mark: NDArray[np.bool_]

    @classmethod
    def of(cls, library: Library, *, all_anew: bool) -> "Snapshot":
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

    def grouped(self, report: Report) -> Groups:
        """The group each face belongs in, by the numbers there are or by new ones; and the centre if there is another.

        That of a library grows more exact with its groups, so then all faces are grouped again, as it is taken away.
        """
        labels, centre = self._labels(report)
        before = self.before
        return Groups(self.faces.pks, before, labels, self.to_mark, np.unique(before), None, centre)

    def keep(self) -> None:
        """Let the next run begin where this one did, with what was written since."""
        library = self.library
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
        rows = recentred(load_faces(these(self.faces.pks)).rows, centre.direction)
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
