"""Turns cut-out faces into embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from ml.engine import Engine
from ml.projection import unit_rows

EMBEDDING_SIZE = 512
FACES_AT_ONCE = 8  # more are no faster, and 16 take 60 MB inside the network


def embed_faces(faces: Sequence[NDArray[np.uint8]], engine: Engine, threads: Executor) -> NDArray[np.float32]:
    """Embed faces.

    Args:
        faces: each of shape (160, 160, 3), RGB, as `ml.alignment.crop_for_embedding` cuts them.
        engine: what runs the network.
        threads: as many as the engine has lanes.

    Returns:
        Shape (n, 512), rows of unit length.

    Source: Schroff et al., FaceNet: a unified embedding for face recognition and clustering, CVPR 2015.
    """
    if not faces:
        return np.zeros((0, EMBEDDING_SIZE), dtype=np.float32)
    # Few faces are shared out evenly, so that no lane stands idle.
    at_once = min(FACES_AT_ONCE, -(-len(faces) // engine.lanes))
    batches = [faces[start : start + at_once] for start in range(0, len(faces), at_once)]

    def embed(batch: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return engine.run("facenet", np.stack(batch).astype(np.float32))[0]

    return unit_rows(np.concatenate(list(threads.map(embed, batches))))
