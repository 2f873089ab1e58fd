"""Groups the faces nobody has named: DBSCAN proposes, average linkage decides.

DBSCAN alone falls apart when its threshold is a little too wide, because chains of mediocre faces join two people;
average linkage looks at whole groups and does not (figures in docs/decisions/0001). What is known of pairs of faces is
part of it: two that are apart are infinitely far from each other, so no group ever holds both (docs/decisions/0008).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.arguments import checked_numbers
from ml.dbscan import NOISE
from ml.neighbours import Report
from ml.regrouping import regroup

PROPOSAL_THRESHOLD = 0.40
LINKAGE_THRESHOLD = 0.45


def group_faces(
    embeddings: NDArray[np.float32],
    *,
    proposal_threshold: float = PROPOSAL_THRESHOLD,
    linkage_threshold: float = LINKAGE_THRESHOLD,
    min_faces: int = 2,
    may_seed: NDArray[np.bool_] | None = None,
    apart: ArrayLike | None = None,
    together: ArrayLike | None = None,
    photos: NDArray[np.integer] | None = None,
    repeats: ArrayLike = (),
    report: Report = lambda share: None,
) -> NDArray[np.int64]:
    """Group faces by person: DBSCAN proposes components, average linkage divides each.

    Args:
        embeddings: shape (n, d), rows of unit length: the centred projections. n may be 0.
        proposal_threshold: cosine distance up to which DBSCAN joins two faces.
        linkage_threshold: mean cosine distance between two groups up to which they become one.
        min_faces: smaller groups are noise; poor faces do not count, unless they are said to be together.
        may_seed: shape (n,), False for poor faces. Those never found a group nor join two; each is added to the group
            it is nearest to on average, if that is within the linkage threshold and nothing is against it.
        apart, together, photos, repeats: what is known of pairs of faces, as for `ml.regrouping.regroup`.
        report: called with the share of the comparing that is done, from 0 to 1.

    Returns:
        Shape (n,): group numbers from 0 in the order of their first face, or NOISE. Deterministic.

    Raises:
        ValueError: an argument has another shape or kind or holds what is no finite number, a threshold is not above
            0, or min_faces is not a whole number of at least 1.
    """
    embeddings = checked_numbers("embeddings", embeddings, None, None)
    count = len(embeddings)
    return regroup(
        embeddings,
        np.full(count, NOISE, dtype=np.int64),
        np.ones(count, dtype=bool),
        proposal_threshold=proposal_threshold,
        linkage_threshold=linkage_threshold,
        min_faces=min_faces,
        may_seed=may_seed,
        apart=apart,
        together=together,
        photos=photos,
        repeats=repeats,
        report=report,
    )
