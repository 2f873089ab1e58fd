"""The triplet loss, and which triplets of a batch to learn from.

A triplet is an anchor, a positive (the same person) and a negative (another). All distances are squared Euclidean ones
of unit rows, from 0 to 4: twice the cosine distance.

Sources: Schroff et al., FaceNet: a unified embedding for face recognition and clustering, CVPR 2015 (the loss, and
semi-hard negatives); Hermans et al., In defense of the triplet loss for person re-identification, 2017 (batch-hard and
batch-all).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ml.arguments import checked_number

Mining = Literal["semi-hard", "batch-hard", "batch-all"]
FARTHEST = 4.0  # two unit rows that point in opposite directions


@dataclass(frozen=True, eq=False)
class Triplets:
    """Rows of a batch, each of shape (t,), int64."""

    anchors: Tensor
    positives: Tensor
    negatives: Tensor

    def __len__(self) -> int:
        return len(self.anchors)


@dataclass(frozen=True, eq=False)
class BatchLoss:
    """What one batch gives.

    loss: a scalar, the mean over its triplets of max(0, d(a, p) - d(a, n) + margin); 0, with a gradient of zeros, where
    there are none. of_all: the same mean over every triplet of the batch, whichever were mined: what can be compared
    while the mined ones change. triplets: how many were mined. active: how many of these lie inside the margin, and so
    teach. positive, negative: mean squared distance of all pairs of one person, and of two.
    """

    loss: Tensor
    of_all: float
    triplets: int
    active: int
    positive: float
    negative: float


def squared_distances(embeddings: Tensor) -> Tensor:
    """Squared Euclidean distance of every two rows.

    Safe where two rows are equal: no root is taken, so the gradient there is zero, and never not a number. Always in
    single precision, whatever the rows are in.

    Args:
        embeddings: shape (n, d), finite.

    Returns:
        Shape (n, n), float32, at least 0.

    Raises:
        ValueError: embeddings has not two dimensions.
    """
    if embeddings.ndim != 2:
        raise ValueError(f"embeddings must have the shape (n, d), not {tuple(embeddings.shape)}")
    with torch.autocast(embeddings.device.type, enabled=False):
        rows = embeddings.float()
        lengths = (rows * rows).sum(dim=1)
        # Rounding may take what should be 0 a little below it.
        return (lengths[:, None] + lengths[None, :] - 2 * rows @ rows.T).clamp(min=0)


def semi_hard(distances: Tensor, people: Tensor, margin: float) -> Triplets:
    """For each anchor and positive the nearest negative that is farther than the positive, yet inside the margin.

    Pairs without such a negative are left out: negatives nearer than the positive make early training collapse.

    Args:
        distances: shape (n, n), as by `squared_distances`.
        people: shape (n,): whose each row is, whole numbers.
        margin: in units of the distances, above 0.

    Raises:
        ValueError: distances is not square, or people has another length.
    """
    same, different = _pairs(distances, people)
    ascending, order = torch.where(different, distances, torch.inf).sort(dim=1, stable=True)
    # In each row the first negative that is farther than the pair; past the last negative stands infinity.
    places = torch.searchsorted(ascending, distances.contiguous(), right=True).clamp(max=len(people) - 1)
    nearest = ascending.gather(1, places)
    found = same & (nearest > distances) & (nearest < distances + margin)
    anchors, positives = found.nonzero(as_tuple=True)
    return Triplets(anchors, positives, order[anchors, places[anchors, positives]])


def batch_hard(distances: Tensor, people: Tensor, margin: float) -> Triplets:
    """For each anchor its farthest positive and its nearest negative; anchors that lack either are left out.

    Args, Raises: as for `semi_hard`; the margin does not matter here.
    """
    same, different = _pairs(distances, people)
    farthest = torch.where(same, distances, -torch.inf).argmax(dim=1)
    nearest = torch.where(different, distances, torch.inf).argmin(dim=1)
    anchors = (same.any(dim=1) & different.any(dim=1)).nonzero(as_tuple=True)[0]
    return Triplets(anchors, farthest[anchors], nearest[anchors])


def batch_all(distances: Tensor, people: Tensor, margin: float) -> Triplets:
    """Every triplet of the batch that is not outside the margin already.

    Takes memory for (pairs of one person) x n numbers.

    Args, Raises: as for `semi_hard`.
    """
    same, different = _pairs(distances, people)
    anchors, positives = same.nonzero(as_tuple=True)
    inside = distances[anchors] < distances[anchors, positives][:, None] + margin
    pairs, negatives = (different[anchors] & inside).nonzero(as_tuple=True)
    return Triplets(anchors[pairs], positives[pairs], negatives)


MININGS: dict[Mining, Callable[[Tensor, Tensor, float], Triplets]] = {
    "semi-hard": semi_hard,
    "batch-hard": batch_hard,
    "batch-all": batch_all,
}


def triplet_loss(embeddings: Tensor, people: Tensor, *, margin: float, mining: Mining) -> BatchLoss:
    """The loss of a batch, over the triplets that were mined in it.

    Args:
        embeddings: shape (n, d), rows of unit length.
        people: shape (n,): whose each is, whole numbers.
        margin: alpha: by how much a stranger's squared distance should be greater, above 0 and at most 4.
        mining: which triplets.

    Raises:
        ValueError: a shape or the margin is wrong, or there is no such mining.
    """
    checked_number("margin", margin, least=1e-6, most=FARTHEST)
    if mining not in MININGS:
        raise ValueError(f"mining must be one of {', '.join(MININGS)}, not {mining!r}")
    distances = squared_distances(embeddings)
    known = distances.detach()
    chosen = MININGS[mining](known, people, margin)
    same, different = _pairs(known, people)
    positive, negative = (float(known[pairs].mean()) if pairs.any() else 0.0 for pairs in (same, different))
    of_all = _loss_of_all(known, same, different, margin)
    if not len(chosen):
        return BatchLoss(embeddings.float().sum() * 0, of_all, 0, 0, positive, negative)
    apart = distances[chosen.anchors, chosen.positives] - distances[chosen.anchors, chosen.negatives]
    hinge = (apart + margin).clamp(min=0)
    return BatchLoss(hinge.mean(), of_all, len(chosen), int((hinge > 0).sum()), positive, negative)


def _loss_of_all(distances: Tensor, same: Tensor, different: Tensor, margin: float) -> float:
    anchors, positives = same.nonzero(as_tuple=True)
    hinge = (distances[anchors, positives][:, None] - distances[anchors] + margin).clamp(min=0)
    strangers = different[anchors]
    return float((hinge * strangers).sum() / strangers.sum().clamp(min=1))


def _pairs(distances: Tensor, people: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs of rows are of one person, no row with itself, and which of two: shape (n, n) each."""
    n = len(people)
    if people.shape != (n,) or distances.shape != (n, n):
        shapes = f"{tuple(distances.shape)} and {tuple(people.shape)}"
        raise ValueError(f"distances and people must have the shapes (n, n) and (n,), not {shapes}")
    equal = people[:, None] == people[None, :]
    return equal & ~torch.eye(n, dtype=torch.bool, device=people.device), ~equal
