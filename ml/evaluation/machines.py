"""A support vector machine per person, measured beside the curve of `ml.calibration`; see docs/decisions/0018."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_numbers
from ml.projection import unit_rows
from ml.scoring import Evidence, Gallery

RIVALS = 10  # people whose mean faces are nearest: all their faces are negatives
OTHERS = 200  # faces of the rest that are negatives, at random
Values = NDArray[np.float64]


def machine_values(rows: NDArray[np.float32], evidence: Evidence, gallery: Gallery, *, fewest: int) -> Values:
    """How far each face of evidence lies on the person's side of a linear SVM, shape (pairs,).

    It is fitted to the person's confirmed faces against those of the nearest people and some of the others. 0 where
    the person has fewer than `fewest`, or there is nobody else.

    Args:
        rows: shape (n, d), unit rows: what evidence was weighed of.

    Raises:
        ValueError: rows are of other dimensions than the gallery, or fewest is not a whole number of at least 2.
    """
    from sklearn.svm import LinearSVC

    checked_numbers("rows", rows, None, gallery.rows.shape[1])
    checked_count("fewest", fewest, least=2)
    values = np.zeros(len(evidence.probe))
    if len(gallery.people) < 2:
        return values
    columns = gallery.columns_of(evidence.person)
    centroids = unit_rows(gallery.sums)
    for column in np.unique(columns[gallery.counts[columns] >= fewest]).tolist():
        negatives = _negatives(gallery, centroids, column)
        mine = gallery.faces_of(column)
        is_mine = np.repeat([True, False], [len(mine), len(negatives)])
        machine = LinearSVC(class_weight="balanced", random_state=0)
        machine.fit(gallery.rows[np.concatenate([mine, negatives])], is_mine)
        pairs = columns == column
        values[pairs] = machine.decision_function(rows[evidence.probe[pairs]])
    return values


def _negatives(gallery: Gallery, centroids: NDArray[np.float32], column: int) -> NDArray[np.intp]:
    """Gallery faces of the nearest people, and some of everybody else."""
    nearest = np.argsort(-(centroids @ centroids[column]), kind="stable")
    nearest = nearest[nearest != column][:RIVALS]
    near = np.concatenate([gallery.faces_of(rival) for rival in nearest.tolist()])
    own = gallery.faces_of(column)
    rest = np.setdiff1d(np.arange(len(gallery.rows)), np.concatenate([near, own]))
    return np.concatenate([near, np.random.default_rng(column).permutation(rest)[:OTHERS]])
