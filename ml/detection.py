"""Finds faces and their five landmarks: MTCNN, a cascade of three small networks.

P-Net looks at every 12x12 window of an image pyramid, R-Net and O-Net look again at what is left, 24 and 48 pixels
wide. Thresholds, pyramid factor and the rounding of boxes are facenet-pytorch's, with whose results ours are compared
(`python -m ml.evaluation detection`).

Source: Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.engine import Engine, Outputs, Pixels
from ml.geometry import paired_overlap, squared, suppress_overlaps, suppress_pairs
from ml.images import MIN_SIDE
from ml.resampling import AreaSampler

WINDOW = 12  # side of P-Net's window, pixels
STRIDE = 2
PYRAMID_FACTOR = 0.709
PNET_THRESHOLD, RNET_THRESHOLD, ONET_THRESHOLD = 0.6, 0.7, 0.7
CascadeThresholds = tuple[float, float, float]  # least score that P-Net, R-Net and O-Net each let pass
THRESHOLDS: CascadeThresholds = (PNET_THRESHOLD, RNET_THRESHOLD, ONET_THRESHOLD)

# Side in pixels of the smallest face looked for, in photos whose longer side has `ml.images.MIN_SIDE` pixels or fewer.
# In a bigger photo it grows along: smaller faces are passers-by, and the lowest level of the pyramid costs half of all
# the time. Chosen by measurement, like the thresholds: docs/decisions/0011.
SMALLEST_FACE = 20.0
LEAST_SMALLEST_FACE = 8.0  # P-Net's window is 12 pixels wide, and from less than two thirds of them it guesses

MOST_CANDIDATES = 4000  # boxes per photo after P-Net, above any real photo's; bounds time and memory on noise
CROPS_AT_ONCE = 64
# P-Net runs on strips of about so many pixels: in one piece a big photo takes 180 MB, and no less time.
STRIP_PIXELS = 130_000
# Batches are filled up to a multiple of this: OpenVINO prepares itself anew for each batch size it has not yet seen.
BATCH_STEP = 16


@dataclass(frozen=True)
class Detections:
    """The faces of one image, best first, in pixels of that image.

    boxes: shape (n, 4): left, top, right, bottom; may reach beyond the image. landmarks: shape (n, 5, 2): x, y.
    scores: shape (n,), from 0.7 to 1.
    """

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)


NO_DETECTIONS = Detections(
    np.zeros((0, 4), dtype=np.float32), np.zeros((0, 5, 2), dtype=np.float32), np.zeros(0, dtype=np.float32)
)


def detect_faces(
    image: Image.Image,
    engine: Engine,
    *,
    smallest_face: float | None = None,
    thresholds: CascadeThresholds = THRESHOLDS,
) -> Detections:
    """Find the faces of one upright RGB image.

    Args:
        image: any size; images smaller than a face give no detections.
        engine: what runs the networks.
        smallest_face: side in pixels of the smallest face to look for; by default `smallest_face_of(image.size)`.
        thresholds: least score that P-Net, R-Net and O-Net each let pass; the default was measured.
    """
    wanted = smallest_face if smallest_face is not None else smallest_face_of(image.size)
    if min(image.size) * WINDOW / wanted < WINDOW:
        return NO_DETECTIONS
    sampler = AreaSampler(image)
    boxes = _refine(_propose(sampler, engine, wanted, thresholds[0]), sampler, engine, thresholds[1])
    return locate_landmarks(boxes, sampler, engine, threshold=thresholds[2])


def smallest_face_of(size: tuple[int, int], smallest_face: float = SMALLEST_FACE) -> float:
    """Side in pixels of the smallest face looked for in an image of (width, height).

    Args:
        size: of the image, pixels.
        smallest_face: the side in an image whose longer side has `ml.images.MIN_SIDE` pixels or fewer.

    Raises:
        ValueError: smallest_face is below 8 or not finite.
    """
    if not LEAST_SMALLEST_FACE <= smallest_face < np.inf:
        raise ValueError(f"smallest_face must be {LEAST_SMALLEST_FACE:.0f} pixels or more, not {smallest_face}")
    return smallest_face * max(max(size) / MIN_SIDE, 1.0)


def working_side(smallest_face: float = SMALLEST_FACE) -> int:
    """Long side in pixels that photos should keep (`min_side` of `ml.images.open_upright`) to look for such faces.

    A face of fewer than 20 pixels is hard to find and harder to recognise, so who looks for smaller ones needs more
    pixels in all: with 10, faces of 1/192 of a photo's longer side still have 20.
    """
    return max(MIN_SIDE, round(MIN_SIDE * SMALLEST_FACE / smallest_face))


# Stage 1: P-Net


def _propose(sampler: AreaSampler, engine: Engine, smallest_face: float, threshold: float) -> NDArray[np.float32]:
    """Square candidate boxes, shape (n, 4), from P-Net on every level of the image pyramid.

    facenet-pytorch also suppresses overlaps above 0.7 between levels here. Windows of neighbouring levels differ by
    half in area and so never overlap by more than about 0.5: nothing to do.
    """
    scale = WINDOW / smallest_face
    found = [np.zeros((0, 9), dtype=np.float32)]
    while min(sampler.width, sampler.height) * scale >= WINDOW:
        level = sampler.resized(int(sampler.width * scale + 1), int(sampler.height * scale + 1))
        found.append(_propose_at(level, scale, engine, threshold))
        scale *= PYRAMID_FACTOR
    candidates = np.concatenate(found)
    if len(candidates) > MOST_CANDIDATES:
        candidates = candidates[np.argsort(-candidates[:, 4], kind="stable")[:MOST_CANDIDATES]]
    corners, offsets = candidates[:, :4], candidates[:, 5:9]
    sides = np.tile(corners[:, 2:4] - corners[:, :2], 2)
    return squared(corners + offsets * sides)


def _propose_at(level: Pixels, scale: float, engine: Engine, threshold: float) -> NDArray[np.float32]:
    """P-Net's boxes at one scale, shape (n, 9): corners in image pixels, score, offsets as shares of the side."""
    offsets, scores = _run_in_strips(level, engine)
    rows, columns = np.nonzero(scores >= threshold)
    # In single precision like the reference: these quotients are often whole numbers, and the last bit decides.
    cells = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
    first = np.floor((cells + 1) / np.float32(scale))
    last = np.floor((cells + WINDOW) / np.float32(scale))
    found = np.concatenate([first, last, scores[rows, columns, None], offsets[:, rows, columns].T], axis=1)
    return found[suppress_pairs(found[:, 4], *_overlapping_windows(found, rows, columns, scores.shape))]


def _run_in_strips(level: Pixels, engine: Engine) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P-Net's offsets, shape (4, rows, columns), and face probabilities, (rows, columns), of one level.

    Strips of an even height overlap by the window less a step, and give the same numbers as the level in one piece.
    """
    overlap = WINDOW - STRIDE
    height, width = level.shape[:2]
    step = max(STRIP_PIXELS // width // STRIDE * STRIDE, WINDOW * 2)
    starts = range(0, max(height - overlap, 1), step)
    parts = [engine.run("pnet", level[None, start : start + step + overlap]) for start in starts]
    offsets = np.concatenate([part[0][0] for part in parts], axis=1)
    scores = np.concatenate([part[1][0, 1] for part in parts], axis=0)
    return offsets, scores


def _overlapping_windows(
    found: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of windows of one level whose overlap is above 0.5: only cells next to each other can be."""
    number_at = np.full((shape[0] + 2, shape[1] + 4), -1, dtype=np.intp)
    number_at[rows, columns + 2] = np.arange(len(rows))
    # Half of the neighbours, as each pair is to be seen once. Two cells apart suffices after rounding to pixels.
    steps = [(0, 1), (0, 2), (1, -2), (1, -1), (1, 0), (1, 1), (1, 2), (2, -2), (2, -1), (2, 0), (2, 1), (2, 2)]
    firsts, seconds = [], []
    for down, right in steps:
        neighbours = number_at[rows + down, columns + 2 + right]
        firsts.append(np.flatnonzero(neighbours >= 0))
        seconds.append(neighbours[neighbours >= 0])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    near = paired_overlap(found[first, :4], found[second, :4]) > 0.5
    return first[near], second[near]


# Stages 2 and 3: R-Net, O-Net


def _refine(boxes: NDArray[np.float32], sampler: AreaSampler, engine: Engine, threshold: float) -> NDArray[np.float32]:
    """Keep the boxes R-Net takes for faces, corrected and squared."""
    boxes, (offsets, probabilities) = _look_closer("rnet", boxes, 24, sampler, engine)
    scores = probabilities[:, 1]
    passed = scores > threshold
    boxes, scores, offsets = boxes[passed], scores[passed], offsets[passed]
    kept = suppress_overlaps(boxes, scores, 0.7)
    return squared(_corrected(boxes[kept], offsets[kept]))


def locate_landmarks(
    boxes: NDArray[np.float32], sampler: AreaSampler, engine: Engine, *, threshold: float = ONET_THRESHOLD
) -> Detections:
    """O-Net: final box, five landmarks and score of those square boxes, shape (n, 4), that it takes for faces."""
    boxes, (offsets, points, probabilities) = _look_closer("onet", boxes, 48, sampler, engine)
    scores = probabilities[:, 1]
    passed = scores > threshold
    boxes, scores, offsets, points = boxes[passed], scores[passed], offsets[passed], points[passed]
    sides = boxes[:, None, 2:4] - boxes[:, None, :2] + 1
    fractions = np.stack([points[:, :5], points[:, 5:]], axis=2)
    landmarks = fractions * sides + boxes[:, None, :2] - 1
    boxes = _corrected(boxes, offsets)
    kept = suppress_overlaps(boxes, scores, 0.7, over_smaller=True)
    return Detections(
        boxes[kept].astype(np.float32), landmarks[kept].astype(np.float32), scores[kept].astype(np.float32)
    )


def _corrected(boxes: NDArray[np.float32], offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move each corner by the network's offsets. The + 1 counts pixels as the networks' training did."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    corrected: NDArray[np.float32] = boxes + offsets * sides
    return corrected


def _look_closer(
    network: str, boxes: NDArray[np.float32], side: int, sampler: AreaSampler, engine: Engine
) -> tuple[NDArray[np.float32], Outputs]:
    """Cut out the boxes at side x side pixels and run a network on them, a bounded number at a time.

    Returns:
        The boxes that have any pixel inside the image, and the network's outputs for them.
    """
    corners = _inside(boxes, sampler)
    visible = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    boxes, corners = boxes[visible], corners[visible]
    parts = []
    for start in range(0, max(len(boxes), 1), CROPS_AT_ONCE):
        crops = sampler.crops(corners[start : start + CROPS_AT_ONCE], side)
        filled = np.zeros((-(-max(len(crops), 1) // BATCH_STEP) * BATCH_STEP, side, side, 3), dtype=np.float32)
        filled[: len(crops)] = crops
        parts.append([output[: len(crops)] for output in engine.run(network, filled)])
    return boxes, [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _inside(boxes: NDArray[np.float32], sampler: AreaSampler) -> NDArray[np.intp]:
    """Whole pixels of each box inside the image, as facenet-pytorch counts: from trunc(left) - 1 to trunc(right)."""
    corners = np.trunc(boxes).astype(np.intp)
    corners[:, :2] = np.maximum(corners[:, :2], 1) - 1
    corners[:, 2] = np.minimum(corners[:, 2], sampler.width)
    corners[:, 3] = np.minimum(corners[:, 3], sampler.height)
    return corners
