"""Fits a projection to triplets, beginning with the base projection and held near it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.own_projection.answered import Answered
from ml.own_projection.progress import Report, part
from ml.own_projection.triplets import Miner, Triplets, loss_and_slope
from ml.projection import DIMENSIONS, Projection, unit_rows

ROUNDS = 6  # of mining
STEPS = 8  # of a round, at most
HOLD = 0.05  # half of it, times the squared distance of the matrix from the base's, is added to the loss

Matrix = NDArray[np.float32]


def beginning(embeddings: Matrix, base: Projection, centre: Matrix | None) -> Projection:
    """The base projection as a projection of at most 128 dimensions that needs no centre of the library any more.

    Where the base has more dimensions, as for models that are plugged in, those are kept in which these faces differ
    most.

    Args:
        embeddings: shape (n, 512). centre: shape (k,), taken away from the base's rows (`ml.projection.recentred`).
    """
    origin = base.centre
    if centre is not None:
        # recentred() moves rows of unit length: here the same before they are brought to it, at their mean length.
        length = np.linalg.norm((embeddings - base.centre) @ base.basis.T, axis=1).mean()
        origin = base.centre + length * (base.basis.T @ centre)
    basis = base.basis
    if len(basis) > DIMENSIONS:
        moved = (embeddings - origin) @ basis.T
        basis = np.linalg.eigh(moved.T @ moved)[1][:, : -DIMENSIONS - 1 : -1].T @ basis
    return Projection(origin.astype(np.float32), np.ascontiguousarray(basis, dtype=np.float32))


def fit_projection(
    answered: Answered,
    start: Projection,
    miner: Miner,
    random: np.random.Generator,
    report: Report,
    *,
    hold: float = HOLD,
) -> Projection:
    """Learn from the rows the miner uses.

    Args:
        start: as `beginning` gives it. hold: how firmly it is held there.
    """
    inputs = ((answered.embeddings - start.centre) @ start.basis.T).astype(np.float32)
    inputs /= np.linalg.norm(inputs, axis=1).mean()
    matrix = np.eye(inputs.shape[1], dtype=np.float32)
    for number in range(ROUNDS):
        triplets = miner.mine(unit_rows(inputs @ matrix.T), random)
        if not len(triplets.anchor):
            break
        matrix = _improved(matrix, inputs, triplets, hold, part(report, number / ROUNDS, (number + 1) / ROUNDS))
    report(1.0)
    return Projection(start.centre, np.ascontiguousarray(matrix @ start.basis, dtype=np.float32))


def _improved(matrix: Matrix, inputs: Matrix, triplets: Triplets, hold: float, report: Report) -> Matrix:
    from scipy.optimize import minimize

    shape, base = matrix.shape, np.eye(*matrix.shape)
    steps = 0

    def cost(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal steps
        steps += 1
        report(min(steps / (2 * STEPS), 1))
        now = flat.reshape(shape)
        loss, slope = loss_and_slope(now.astype(np.float32), inputs, triplets)
        away = now - base
        return loss + hold / 2 * float((away**2).sum()), (slope + hold * away).ravel()

    found = minimize(cost, matrix.astype(np.float64).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    improved: Matrix = found.x.reshape(shape).astype(np.float32)
    return improved
