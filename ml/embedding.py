"""Turns cut-out faces into embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count
from ml.engine import Engine
from ml.projection import EMBEDDING_SIZE, unit_rows

FACES_AT_ONCE = 8  # more are no faster, and 16 take 60 MB inside the network


def embed_faces(
    faces: Sequence[NDArray[np.uint8]], engine: Engine, threads: Executor, *, at_once: int = FACES_AT_ONCE
) -> NDArray[np.float32]:
    """Embed faces.

    Args:
        faces: each of shape (side, side, 3), RGB, cut as the model wants it: FaceNet (160, 160, 3) as by
            `ml.alignment.crop_for_embedding`.
        engine: what runs the network.
        threads: as many as the engine has lanes.
        at_once: how many faces the network takes at most.

    Returns:
        Shape (n, 512), rows of unit length; the output of a network of fewer dimensions is padded with zeros.

    Raises:
        ValueError: a face has another shape than the first or is not whole numbers from 0 to 255 (uint8), or at_once is
            not at least 1.

    Source: Schroff et al., FaceNet: a unified embedding for face recognition and clustering, CVPR 2015.
    """
    checked_count("at_once", at_once)
    if not len(faces):
        return np.zeros((0, EMBEDDING_SIZE), dtype=np.float32)
    _check_faces(faces)
    # Few faces are shared out evenly, so that no lane stands idle.
    at_once = min(at_once, -(-len(faces) // engine.lanes))
    batches = [faces[start : start + at_once] for start in range(0, len(faces), at_once)]

    def embed(batch: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return engine.run("facenet", np.stack(batch).astype(np.float32))[0].reshape(len(batch), -1)

    outputs = np.concatenate(list(threads.map(embed, batches)))
    return unit_rows(np.pad(outputs, ((0, 0), (0, EMBEDDING_SIZE - outputs.shape[1]))))


def _check_faces(faces: Sequence[NDArray[np.uint8]]) -> None:
    side = len(faces[0])
    for face in faces:
        if face.dtype != np.uint8:
            raise ValueError(f"faces must hold whole numbers from 0 to 255 (uint8), not {face.dtype}")
        if not side or face.shape != (side, side, 3):
            raise ValueError(f"faces must all have the shape (side, side, 3), not {face.shape}")
