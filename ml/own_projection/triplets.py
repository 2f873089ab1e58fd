"""Semi-hard triplets of a whole library, and their loss over a linear projection with its slope.

`ml.training` mines inside a batch of a network that learns; here embeddings stay as they are and only a matrix is
learnt, so everybody's likely confusions are found once (`foreign_neighbours`), and mined anew among those.

Source: FaceNet, Schroff et al., CVPR 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.own_projection.answered import Answered
from ml.own_projection.progress import Report

MARGIN = 0.2  # of squared distances between unit rows
NEIGHBOURS = 48  # of other people, that a face is compared with
POSITIVES = 3  # faces of the same person, drawn for each anchor in each round
ANCHORS = 2000  # a round
BESIDE = 8  # faces of one photo that are paired, if it shows a crowd
NEAREST_TO_NO = 3  # faces of a person that a face was said not to be
BLOCK = 512  # rows compared with all others at a time

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Triplets:
    """Rows: shape (t,) each. pairs: how many anchors and positives were looked at to find them."""

    anchor: Numbers
    positive: Numbers
    negative: Numbers
    pairs: int


def foreign_neighbours(rows: Matrix, people: Numbers, report: Report) -> Numbers:
    """The nearest rows of other people who are known, shape (n, up to 48), nearest first.

    Args:
        rows: shape (n, d), unit rows. people: shape (n,), below 0 for who is not known.
    """
    named = people >= 0
    _, faces_each = np.unique(people[named], return_counts=True)
    count = min(NEIGHBOURS, int(named.sum() - faces_each.max()))
    found = np.empty((len(rows), count), dtype=np.int64)
    for start in range(0, len(rows), BLOCK):
        similar = rows[start : start + BLOCK] @ rows.T
        similar[(people[start : start + BLOCK, None] == people) | ~named] = -2
        near = np.argpartition(-similar, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(similar, near, axis=1), axis=1, kind="stable")
        found[start : start + BLOCK] = np.take_along_axis(near, order, axis=1)
        report(min(start + BLOCK, len(rows)) / len(rows))
    return found


@dataclass(frozen=True, eq=False)
class Miner:
    """Finds triplets among the rows that are learnt from.

    people: shape (n,). is_used: shape (n,). neighbours: as `foreign_neighbours` gives them. sure: shape (s, 2): rows
    of different people beyond doubt.
    """

    people: Numbers
    is_used: NDArray[np.bool_]
    neighbours: Numbers
    sure: Numbers

    def mine(self, rows: Matrix, random: np.random.Generator) -> Triplets:
        """Triplets of rows as they are projected now, shape (n, d), unit rows."""
        anchor, positive = self._pairs(random)
        negative, found = self._semi_hard(rows, anchor, positive)
        sure = self._sure(rows, random)
        every = [
            np.concatenate(parts) for parts in zip((anchor[found], positive[found], negative[found]), sure, strict=True)
        ]
        return Triplets(every[0], every[1], every[2], len(anchor) + len(sure[0]))

    def _pairs(self, random: np.random.Generator) -> tuple[Numbers, Numbers]:
        anchors = np.flatnonzero(self.is_used & (self.people >= 0))
        anchors = random.permutation(anchors)[:ANCHORS]
        anchor = np.repeat(np.sort(anchors), POSITIVES)
        positive = self._faces_of(self.people[anchor], random)
        other = positive != anchor
        return anchor[other], positive[other]

    def _faces_of(self, people: Numbers, random: np.random.Generator) -> Numbers:
        """A row that is used of each of the people, at random."""
        used = np.flatnonzero(self.is_used)
        order = used[np.argsort(self.people[used], kind="stable")]
        first = np.searchsorted(self.people[order], people)
        last = np.searchsorted(self.people[order], people, side="right")
        chosen: Numbers = order[first + random.integers(0, last - first)]
        return chosen

    def _semi_hard(self, rows: Matrix, anchor: Numbers, positive: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """The nearest row of somebody else that is farther than the positive, and whether it is inside the margin."""
        near = self.neighbours[anchor]
        far = 2 - 2 * np.einsum("ij,ikj->ik", rows[anchor], rows[near])
        own = 2 - 2 * np.einsum("ij,ij->i", rows[anchor], rows[positive])
        far[~self.is_used[near] | (far <= own[:, None])] = np.inf
        nearest = far.argmin(axis=1)
        lines = np.arange(len(anchor))
        return near[lines, nearest], far[lines, nearest] < own + MARGIN

    def _sure(self, rows: Matrix, random: np.random.Generator) -> tuple[Numbers, Numbers, Numbers]:
        """Of pairs beyond doubt those inside the margin, also where they are nearer than the positive: there it is not
        a wrong label that is learnt."""
        anchor, negative = self.sure[self.is_used[self.sure].all(axis=1)].T
        positive = self._faces_of(self.people[anchor], random)
        own = 2 - 2 * np.einsum("ij,ij->i", rows[anchor], rows[positive])
        far = 2 - 2 * np.einsum("ij,ij->i", rows[anchor], rows[negative])
        inside = (positive != anchor) & (far < own + MARGIN)
        return anchor[inside], positive[inside], negative[inside]


def sure_pairs(answered: Answered) -> Numbers:
    """Rows of two different people in one photo, both ways; and, of a face and a person it is not, the faces of that
    person that are most like it, and it.

    Returns:
        Shape (s, 2).
    """
    named = np.flatnonzero(answered.is_named)
    by_person = named[np.argsort(answered.people[named], kind="stable")]
    several, starts = np.unique(answered.people[by_person], return_index=True)
    faces_of = dict(zip(several.tolist(), np.split(by_person, starts[1:]), strict=True))
    order = named[np.argsort(answered.photos[named], kind="stable")]
    pairs = []
    for step in range(1, BESIDE):
        one, other = order[:-step], order[step:]
        beside = (answered.photos[one] == answered.photos[other]) & (answered.people[one] != answered.people[other])
        pairs += [np.column_stack([one, other])[beside], np.column_stack([other, one])[beside]]
    for row, person in answered.noes.tolist():
        theirs = faces_of.get(person, order[:0])
        similar = answered.embeddings[theirs] @ answered.embeddings[row]
        nearest = theirs[np.argsort(-similar, kind="stable")[:NEAREST_TO_NO]]
        pairs.append(np.column_stack([nearest, np.full(len(nearest), row)]))
    return np.concatenate(pairs).astype(np.int64).reshape(-1, 2)


def loss_and_slope(matrix: Matrix, inputs: Matrix, triplets: Triplets) -> tuple[float, Matrix]:
    """Mean of max(0, margin + squared distance to the positive - to the negative), over all pairs looked at.

    Args:
        matrix: shape (d, m). inputs: shape (n, m). Distances are between unit rows of inputs @ matrix.T.

    Returns:
        The loss, and its derivative by the matrix, shape (d, m).
    """
    from scipy.sparse import coo_matrix

    used, places = np.unique(
        np.concatenate([triplets.anchor, triplets.positive, triplets.negative]), return_inverse=True
    )
    anchor, positive, negative = places.reshape(3, -1)
    moved = inputs[used] @ matrix.T
    lengths = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    rows = moved / lengths
    difference = rows[negative] - rows[positive]
    wrong = MARGIN + 2 * np.einsum("ij,ij->i", rows[anchor], difference)
    active = wrong > 0
    a, p, n = anchor[active], positive[active], negative[active]
    twos = np.full(len(a), 2 / max(triplets.pairs, 1), dtype=np.float32)
    pull = coo_matrix(
        (np.concatenate([twos, twos, -twos, -twos]), (np.concatenate([a, n, a, p]), np.concatenate([n, a, p, a]))),
        shape=(len(used), len(used)),
    ).tocsr()
    slope = pull @ rows
    slope -= np.einsum("ij,ij->i", slope, rows)[:, None] * rows
    by_matrix: Matrix = ((slope / lengths).T @ inputs[used]).astype(np.float32)
    return float(wrong[active].sum() / max(triplets.pairs, 1)), by_matrix
