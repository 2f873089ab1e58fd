"""Where new faces belong, among those that this process has kept in memory: without looking at all others."""

import numpy as np

from ml.constraints import PairsOfFaces
from ml.dbscan import NOISE
from ml.kept_faces import NO_GROUP, KeptFaces
from ml.placing import CannotPlace, Moved, place_among
from ml.regrouping import FEW, Cuts
from ml.units import Flags
from people import constraints, ledger
from people.grouping.library import Groups, Labels, Library
from people.hidden_groups import without_what_is_shown
from people.kept_library import OF_ANOTHER_MODEL, UNMARKED, KeptLibrary, kept_library
from people.library_centre import may_centre_be_due


def placed_among_kept(library: Library) -> Groups | None:
    """Place new faces among those this process has kept in memory; None where it takes a look at all."""
    kept = None if library.is_changing else kept_library(library.owner_id, library.model, library.centre)
    if kept is None:
        return None
    is_new = _new_among(kept)
    if np.count_nonzero(is_new) >= FEW * len(kept):
        return None
    said = constraints.Constraints.of(library.owner_id)
    spoken_of = [pk for pk in said.faces() if pk in kept.place_of]
    apart, together = kept.places(said.apart(spoken_of)), kept.places(said.together(spoken_of))
    try:
        moved = _moved(library, kept, is_new, apart, together)
    except CannotPlace:
        return None
    if may_centre_be_due(library.owner_id, library.model.name, _most_groups(kept.faces, moved)):
        return None
    labels = kept.faces.before.copy()
    labels[moved.places] = moved.labels
    if not library.hidden.isdisjoint(moved.labels.tolist()):
        labels = without_what_is_shown(labels, kept.faces.before, library.hidden, together)
    return _groups(kept, is_new, labels)


def _new_among(kept: KeptLibrary) -> Flags:
    # A face that is in a group but bears no mark came back into it by an undo, and stays.
    in_group = kept.faces.group != NO_GROUP
    is_new: Flags = ((kept.marks == UNMARKED) & ~in_group) | (kept.marks == OF_ANOTHER_MODEL)
    is_new &= kept.faces.is_there
    return is_new


def _moved(library: Library, kept: KeptLibrary, is_new: Flags, apart: PairsOfFaces, together: PairsOfFaces) -> Moved:
    limits = library.model.limits(recentred=library.centre is not None)
    return place_among(
        kept.faces,
        is_new,
        cuts=Cuts(limits.grouping, limits.linkage),
        held=kept.flags(ledger.held_faces(library.owner_id)),
        apart=apart,
        together=together,
        repeats=sorted(constraints.repeat_photos(library.owner_id)),
    )


def _groups(kept: KeptLibrary, is_new: Flags, labels: Labels) -> Groups:
    """Of the faces that move, and those that are looked at for the first time."""
    was = kept.faces.before
    to_mark = ((kept.marks == UNMARKED) & kept.faces.is_there) | is_new
    chosen = to_mark | (labels != was)
    before = was[chosen]
    is_empty = kept.faces.counts.sum(axis=0) == 0
    numbers, may_be_empty = kept.faces.numbers[~is_empty], np.union1d(kept.faces.numbers[is_empty], before)
    return Groups(kept.faces.keys[chosen], before, labels[chosen], to_mark[chosen], numbers, may_be_empty)


def _most_groups(faces: KeptFaces, moved: Moved) -> int:
    """How many groups there are at most after a move, a face without one counted as one."""
    is_loose = (faces.group == NO_GROUP) & faces.is_there
    was_loose, gets_loose = is_loose[moved.places], moved.labels == NOISE
    loose = np.count_nonzero(is_loose) + np.count_nonzero(gets_loose) - np.count_nonzero(was_loose)
    return int(loose + np.count_nonzero(faces.counts.sum(axis=0)) + len(np.unique(moved.labels)))
