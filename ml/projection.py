"""The centred projection of an embedding, on which search and clustering work: 128-d for FaceNet.

FaceNet's 512-d embeddings lie in a subspace of about 100 dimensions, which its last layer gives away: keeping only
that loses nothing and costs a quarter of the arithmetic. So nothing is fitted to anybody's photos. Photos of one kind
also share a direction that has nothing to do with who is in them; that one only shows in a library itself, see
`library_centre`. Figures in docs/decisions/0002.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_numbers, checked_whole
from ml.checked_files import WeightsUnavailable, replacing

EMBEDDING_SIZE = 512
DIMENSIONS = 128
FEWEST_GROUPS = 100
# Of InceptionResnetV1, by torch's names; its running mean does not matter here.
LAST_LAYER = ("last_bn.bias", "last_bn.weight", "last_bn.running_var", "last_linear.weight")


@dataclass(frozen=True)
class Projection:
    """centre: shape (512,), subtracted first. basis: shape (k, 512), orthonormal rows; k is 128 for FaceNet.

    Raises:
        ValueError: centre or basis has another shape, or holds what is no finite number.
    """

    centre: NDArray[np.float32]
    basis: NDArray[np.float32]

    def __post_init__(self) -> None:
        checked_numbers("basis", self.basis, None, len(checked_numbers("centre", self.centre, None)))

    def apply(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Centre, project and renormalise: shape (n, 512) unit rows -> (n, k) unit rows.

        Raises:
            ValueError: embeddings has another shape, or holds what is no finite number.
        """
        embeddings = checked_numbers("embeddings", embeddings, None, len(self.centre))
        centred: NDArray[np.float32] = embeddings - self.centre
        return unit_rows(centred @ self.basis.T)


def load_projection(path: Path) -> Projection:
    """Read the file that `save_projection` wrote.

    Raises:
        WeightsUnavailable: there is no such file, or it holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
        return Projection(centre=tensors["centre"], basis=tensors["basis"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsUnavailable(f"{path} cannot be used as a projection ({error}).") from error


def save_projection(path: Path, projection: Projection) -> None:
    """Write a projection as safetensors; the file appears whole or not at all."""
    from safetensors.numpy import save_file

    with replacing(path) as temporary:
        save_file({"centre": projection.centre, "basis": projection.basis}, temporary)


def plain_projection(dimensions: int) -> Projection:
    """The projection for a network of which we know nothing but the dimensions of its output.

    It leaves out only what is zero: there is no telling which directions such a network could do without, and guessing
    costs accuracy (docs/decisions/0014).

    Args:
        dimensions: of the output, 1 to 512; embeddings are padded with zeros to 512.

    Returns:
        One whose basis keeps that many dimensions, at least 128.

    Raises:
        ValueError: dimensions is not a whole number from 1 to 512.
    """
    if checked_count("dimensions", dimensions) > EMBEDDING_SIZE:
        raise ValueError(f"dimensions must be 1 to {EMBEDDING_SIZE}, not {dimensions}")
    kept = max(dimensions, DIMENSIONS)
    return Projection(
        centre=np.zeros(EMBEDDING_SIZE, dtype=np.float32), basis=np.eye(kept, EMBEDDING_SIZE, dtype=np.float32)
    )


def unit_rows(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale each row to length 1; a row of zeros stays zero.

    Raises:
        ValueError: rows has not two dimensions, or holds what is no finite number.
    """
    rows = checked_numbers("rows", rows, None, None)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def projection_from_weights(weights: Mapping[str, NDArray[np.float32]]) -> Projection:
    """Derive the projection from the last layer of InceptionResnetV1.

    The last layer is y = B x followed by a batch norm, and the embedding is y / |y|. The batch norm makes y's mean
    over the training set equal to its bias b, and y's variance equal to its squared weight g, so the mean embedding
    is about b / sqrt(|b|^2 + |g|^2). Of the 512 directions of y only those with large singular values of (scaled) B
    carry anything.

    Args:
        weights: state dict of facenet-pytorch's InceptionResnetV1.

    Raises:
        ValueError: weights lacks one of its last layer.
    """
    for name in LAST_LAYER:
        if name not in weights:
            raise ValueError(f"weights must be InceptionResnetV1's, and lack {name}")
    bias = weights["last_bn.bias"].astype(np.float64)
    gain = weights["last_bn.weight"].astype(np.float64)
    scale = gain / np.sqrt(weights["last_bn.running_var"].astype(np.float64) + 1e-3)
    bottleneck = scale[:, None] * weights["last_linear.weight"].astype(np.float64)
    directions = np.linalg.svd(bottleneck, full_matrices=False)[0][:, :DIMENSIONS].T
    # The sign of a singular vector is arbitrary: fix it, or two machines would disagree.
    signs = np.sign(directions[np.arange(DIMENSIONS), np.abs(directions).argmax(axis=1)])
    return Projection(
        centre=(bias / np.sqrt(bias @ bias + gain @ gain)).astype(np.float32),
        basis=np.ascontiguousarray(directions * signs[:, None], dtype=np.float32),
    )


def library_centre(projections: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """The direction that all faces of a library share, to be taken away before comparing them.

    Every group counts once, or a child photographed a thousand times would be the centre.

    Args:
        projections: shape (n, d), unit rows.
        labels: shape (n,): group of each face, -1 for faces without one, each of which counts as a group.

    Returns:
        Shape (d,); zeros in a library of fewer than 100 groups, whose mean would mostly be chance.

    Raises:
        ValueError: projections or labels has another shape, or holds what is no finite or no whole number.
    """
    projections = checked_numbers("projections", projections, None, None)
    labels = checked_whole("labels", labels, len(projections)).astype(np.int64)
    alone = labels < 0
    groups = labels.copy()
    groups[alone] = labels.max(initial=-1) + 1 + np.arange(alone.sum())
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    if len(sizes) < FEWEST_GROUPS:
        return np.zeros(projections.shape[1], dtype=np.float32)
    # The sum of the means of all groups: each face weighs one over the size of its group.
    centre: NDArray[np.float32] = ((1 / sizes[members]) @ projections / len(sizes)).astype(np.float32)
    return centre


def recentred(projections: NDArray[np.float32], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the library's centre, shape (d,), away from unit rows, shape (n, d), and make them unit rows again.

    Raises:
        ValueError: projections or centre has another shape, or holds what is no finite number.
    """
    projections = checked_numbers("projections", projections, None, None)
    centre = checked_numbers("centre", centre, projections.shape[1])
    moved: NDArray[np.float32] = projections - centre
    return unit_rows(moved)
