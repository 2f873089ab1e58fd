"""Places people on a map, so that those who look alike lie next to each other and no two circles overlap.

t-SNE of their mean faces decides who is whose neighbour (van der Maaten and Hinton, Visualizing data using t-SNE,
JMLR 2008; scikit-learn's); circles that overlap are then pushed apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_number, checked_numbers
from ml.projection import unit_rows

FEWEST = 4  # fewer have no neighbourhoods to speak of
PERPLEXITY = 12.0  # about so many neighbours count
EXAGGERATION = 12.0  # of likeness at first, when t-SNE starts from nothing
# How wide t-SNE's start is: from nothing it finds its way best from next to one point.
STARTS_FROM, GOES_ON_FROM = 1e-4, 10.0
PUSHES = 300
GAP = 6.0

Places = NDArray[np.float64]


def lay_out(
    rows: NDArray[np.float32], radii: NDArray[np.float64], *, width: float, height: float, before: Places | None = None
) -> Places:
    """Place circles by the likeness of what they stand for; the same arguments give the same places.

    Args:
        rows: shape (n, d), mean faces.
        radii: shape (n,), of the circles, in the units of width and height.
        width, height: of the map.
        before: shape (n, 2), where they lay on an earlier map, NaN for those that are new: they stay roughly there.

    Returns:
        Shape (n, 2), centres; each circle lies within the map, and none overlaps another if there is room.

    Raises:
        ValueError: an argument has another shape, or holds what is no finite number or no size.
    """
    rows = unit_rows(rows)
    radii = checked_numbers("radii", radii, len(rows)).astype(np.float64)
    width, height = checked_number("width", width, least=1), checked_number("height", height, least=1)
    if (radii < 0).any():
        raise ValueError("radii must not be negative")
    if before is not None and np.shape(before) != (len(rows), 2):
        raise ValueError(f"before must have the shape ({len(rows)}, 2), not {np.shape(before)}")
    if not len(rows):
        return np.zeros((0, 2))
    return _pushed_apart(_fitted(_neighbourhoods(rows, before), radii, width, height), radii, width, height)


def _neighbourhoods(rows: NDArray[np.float32], before: Places | None) -> Places:
    if len(rows) < FEWEST:
        return np.column_stack([np.arange(len(rows), dtype=np.float64), np.zeros(len(rows))])
    from sklearn.manifold import TSNE

    known = np.zeros(0, np.int64) if before is None else np.flatnonzero(np.isfinite(before).all(axis=1))
    if before is None or len(known) < FEWEST:
        start, exaggeration = _spread(_principal(rows.astype(np.float64)), STARTS_FROM), EXAGGERATION
    else:
        # Whom the map did not show starts at whom they look most like; nobody is thrown together with others first.
        start, exaggeration = _spread(before[known[(rows @ rows[known].T).argmax(axis=1)]], GOES_ON_FROM), 1.0
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    model = TSNE(metric="cosine", init=start, early_exaggeration=exaggeration, perplexity=perplexity, random_state=0)
    places: Places = np.asarray(model.fit_transform(rows), dtype=np.float64)
    return _principal(places) if before is None or len(known) < FEWEST else _turned_to(places, before, known)


def _spread(places: Places, spread: float) -> NDArray[np.float32]:
    """Around zero and as wide as that. No two at one place: what pulls and pushes them would have no direction."""
    shaken = places + np.random.default_rng(0).normal(scale=1e-3 * max(float(places.std()), 1e-9), size=places.shape)
    start: NDArray[np.float32] = ((shaken - shaken.mean(axis=0)) / shaken.std() * spread).astype(np.float32)
    return start


def _turned_to(places: Places, before: Places, known: NDArray[np.int64]) -> Places:
    """Turned, and mirrored if need be, so that those who were there before lie most as they did (Procrustes)."""
    now, then = places[known] - places[known].mean(axis=0), before[known] - before[known].mean(axis=0)
    left, _, right = np.linalg.svd(now.T @ then)
    turned: Places = places @ (left @ right)
    return turned


def _principal(rows: Places) -> Places:
    """The first two principal components of rows, shape (n, 2); missing ones are zero."""
    centred = rows - rows.mean(axis=0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:2]
    signs = np.sign(components[np.arange(len(components)), np.abs(components).argmax(axis=1)])
    found = np.zeros((len(rows), 2))
    found[:, : len(components)] = centred @ (components * signs[:, None]).T
    return found


def _fitted(places: Places, radii: Places, width: float, height: float) -> Places:
    """Stretched to fill the map."""
    room = np.array([width, height])
    least, most = places.min(axis=0), places.max(axis=0)
    extent = most - least
    shares = np.where(extent > 0, (places - least) / np.where(extent > 0, extent, 1), 0.5)
    edge = radii.max() + GAP
    fitted: Places = edge + shares * np.maximum(room - 2 * edge, 0)
    return fitted


def _pushed_apart(places: Places, radii: Places, width: float, height: float) -> Places:
    """Move circles that overlap away from each other, again and again until none does or there is no room."""
    least = np.minimum(radii, [[width / 2], [height / 2]]).T
    most = np.maximum(np.array([width, height]) - radii[:, None], least)
    needed = radii[:, None] + radii[None, :] + GAP
    np.fill_diagonal(needed, 0)
    for _ in range(PUSHES):
        apart = places[:, None, :] - places[None, :, :]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        overlap = np.maximum(needed - distance, 0)
        if not overlap.any():
            break
        # Of two at exactly one place the later goes to the right.
        same = (distance == 0) & (needed > 0)
        apart[same, 0] = np.where(np.subtract.outer(np.arange(len(radii)), np.arange(len(radii)))[same] > 0, 1.0, -1.0)
        distance[same] = 1
        np.fill_diagonal(distance, 1)
        moves = (apart / distance[..., None] * (overlap / 2)[..., None]).sum(axis=1)
        places = np.clip(places + moves, least, most)
    return np.clip(places, least, most)
