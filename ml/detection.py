"""Finds faces and their five landmarks: MTCNN, a cascade of three small networks.

P-Net looks at every 12x12 window of an image pyramid, R-Net and O-Net look again at what is left, 24 and 48 pixels
wide. Thresholds, pyramid factor and the rounding of boxes are facenet-pytorch's, with whose results ours are compared
(`python -m ml.evaluation detection`).

Source: Zhang et al., Joint face detection and alignment using multitask cascaded convolutional networks, 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.arguments import checked_number, checked_numbers
from ml.compiled import compiled
from ml.engine import Engine, Pixels
from ml.geometry import squared
from ml.images import MIN_SIDE
from ml.mtcnn import Outputs
from ml.resampling import AreaSampler
from ml.suppression import suppress_neighbours, suppress_overlaps

Task = TypeVar("Task")
Result = TypeVar("Result")

WINDOW = 12  # side of P-Net's window, pixels
STRIDE = 2
PYRAMID_FACTOR = 0.709
CascadeThresholds = tuple[float, float, float]  # least score that P-Net, R-Net and O-Net each let pass
THRESHOLDS: CascadeThresholds = (0.6, 0.7, 0.7)  # facenet-pytorch's
# Of what that finds, these keep all faces and a third of the false ones: docs/decisions/0011.
MEASURED_THRESHOLDS: CascadeThresholds = (0.6, 0.7, 0.8)

# P-Net first looks at every other window in both directions (every fourth of all), then at the neighbours of those
# whose log-odds fall short of a face's (0.4) by less than this. Over the measuring photos one face of 284 then has
# another box than if all were looked at; with 3.4 none has, but there is more to look at. Small levels have the big
# faces and cost little: there the margin is one at which no window was missed (docs/decisions/0009).
UNSURE_MARGIN, UNSURE_MARGIN_IF_SMALL = 2.9, 5.4
SMALL_LEVEL = 100_000  # pixels
LATTICE = 2 * STRIDE  # pixels

# Side in pixels of the smallest face looked for, in photos whose longer side has `ml.images.MIN_SIDE` pixels or fewer.
# In a bigger photo it grows along: smaller faces are passers-by, and the lowest level of the pyramid costs half of all
# the time. Chosen by measurement, like the thresholds: docs/decisions/0011.
SMALLEST_FACE = 20.0
LEAST_SMALLEST_FACE = 8.0  # photos would have to keep 4,800 pixels for it, `working_side`

FAR = 2.0**31  # pixels
MOST_CANDIDATES = 4000  # boxes per photo after P-Net, above any real photo's; bounds time and memory on noise
CROPS_AT_ONCE = 64
# P-Net runs on strips of about so many pixels: in one piece a big photo takes 180 MB, and no less time.
STRIP_PIXELS = 130_000
WINDOWS_AT_ONCE = 4096


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
    threads: Executor | None = None,
) -> Detections:
    """Find the faces of one upright RGB image.

    Args:
        image: any size; images smaller than a face give no detections. Other modes than RGB are converted.
        engine: what runs the networks.
        smallest_face: side in pixels of the smallest face to look for, 8 or more; by default
            `smallest_face_of(image.size)`.
        thresholds: least score that P-Net, R-Net and O-Net each let pass, 0 to 1; by default facenet-pytorch's.
        threads: share the work out over these, which is of use when there are fewer images than lanes.

    Raises:
        ValueError: image is not a PIL image, smallest_face is below 8 or not finite, or a threshold is not between 0
            and 1.
    """
    sampler = AreaSampler(image)
    wanted = smallest_face if smallest_face is not None else smallest_face_of(image.size)
    _check_smallest(wanted)
    least = checked_numbers("thresholds", thresholds, 3)
    if not ((least > 0) & (least < 1)).all():
        raise ValueError(f"thresholds must be three numbers between 0 and 1, not {thresholds}")
    if min(image.size) < wanted:
        return NO_DETECTIONS
    boxes = _propose(sampler, engine, wanted, thresholds[0], threads)
    boxes = _refine(boxes, sampler, engine, thresholds[1], threads)
    return locate_landmarks(boxes, sampler, engine, threshold=thresholds[2], threads=threads)


def detect_in_all(
    images: Sequence[Image.Image], engine: Engine, *, smallest_face: float | None = None
) -> list[Detections]:
    """Find the faces of several images, on all lanes of the engine. Arguments and errors as for `detect_faces`."""
    with ThreadPoolExecutor(engine.lanes) as threads:
        if len(images) < engine.lanes:
            return [detect_faces(image, engine, smallest_face=smallest_face, threads=threads) for image in images]
        return list(threads.map(lambda image: detect_faces(image, engine, smallest_face=smallest_face), images))


def smallest_face_of(size: tuple[int, int], smallest_face: float = SMALLEST_FACE) -> float:
    """Side in pixels of the smallest face looked for in an image of (width, height).

    Args:
        size: of the image, pixels.
        smallest_face: the side in an image whose longer side has `ml.images.MIN_SIDE` pixels or fewer.

    Raises:
        ValueError: smallest_face is below 8 or not finite, or size is not two finite numbers.
    """
    _check_smallest(smallest_face)
    longest = checked_numbers("size", size, 2).max()
    return smallest_face * max(float(longest) / MIN_SIDE, 1.0)


def _check_smallest(smallest_face: float) -> None:
    checked_number("smallest_face", smallest_face, least=LEAST_SMALLEST_FACE)


def working_side(smallest_face: float = SMALLEST_FACE) -> int:
    """Long side in pixels that photos should keep (`min_side` of `ml.images.open_upright`) to look for such faces.

    A face of fewer than 20 pixels is hard to find and harder to recognise, so who looks for smaller ones needs more
    pixels in all: with 10, faces of 1/192 of a photo's longer side still have 20.

    Raises:
        ValueError: smallest_face is below 8 or not finite.
    """
    _check_smallest(smallest_face)
    return max(MIN_SIDE, round(MIN_SIDE * SMALLEST_FACE / smallest_face))


def _each(function: Callable[[Task], Result], tasks: Iterable[Task], threads: Executor | None) -> list[Result]:
    return list(threads.map(function, tasks) if threads is not None else map(function, tasks))


# Stage 1: P-Net


@dataclass(frozen=True)
class _Level:
    """One size of the image pyramid, in pixels; scale is its share of the image's own size."""

    scale: float
    width: int
    height: int

    def strips(self) -> Iterator[tuple[int, int]]:
        """First and last row (not included) of strips that overlap by a window; at least one."""
        step = max(STRIP_PIXELS // self.width // LATTICE * LATTICE, WINDOW * 2)
        for first in range(0, max(self.height - WINDOW, 1), step):
            yield first, min(first + step + WINDOW, self.height)

    def unsure_margin(self) -> float:
        return UNSURE_MARGIN_IF_SMALL if self.width * self.height < SMALL_LEVEL else UNSURE_MARGIN


def _pyramid(width: int, height: int, smallest_face: float) -> list[_Level]:
    levels = []
    scale = WINDOW / smallest_face
    while min(width, height) * scale >= WINDOW:
        levels.append(_Level(scale, int(width * scale + 1), int(height * scale + 1)))
        scale *= PYRAMID_FACTOR
    return levels


def _propose(
    sampler: AreaSampler, engine: Engine, smallest_face: float, threshold: float, threads: Executor | None = None
) -> NDArray[np.float32]:
    """Square candidate boxes, shape (n, 4), from P-Net on every level of the image pyramid.

    facenet-pytorch also suppresses overlaps above 0.7 between levels here. Windows of neighbouring levels differ by
    half in area and so never overlap by more than about 0.5: nothing to do.
    """
    levels = _pyramid(sampler.width, sampler.height, smallest_face)
    strips = [(level, first, last) for level in levels for first, last in level.strips()]
    log_odds = math.log(threshold / (1 - threshold))
    looked = _each(lambda strip: _look_at_strip(sampler, *strip, engine, log_odds), strips, threads)
    found = [np.zeros((0, 9), dtype=np.float32)]
    for level in levels:
        parts = [part for (owner, _, _), part in zip(strips, looked, strict=True) if owner is level]
        places, answers = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        found.append(_boxes_of(places, answers, level.scale))
    candidates = np.concatenate(found)
    # Best first: R-Net is so sure of many that their scores are equal, and then the earlier wins.
    candidates = candidates[np.argsort(-candidates[:, 4], kind="stable")[:MOST_CANDIDATES]]
    corners, offsets = candidates[:, :4], candidates[:, 5:9]
    sides = np.tile(corners[:, 2:4] - corners[:, :2], 2)
    return squared(corners + offsets * sides)


def _boxes_of(places: NDArray[np.int32], answers: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """P-Net's boxes at one scale, shape (n, 9): corners in image pixels, score, offsets as shares of the side."""
    scores = 1 / (1 + np.exp(-answers[:, :1]))
    # In single precision like the reference: these quotients are often whole numbers, and the last bit decides.
    cells = places[:, ::-1].astype(np.float32) * STRIDE
    first = np.floor((cells + 1) / np.float32(scale))
    last = np.floor((cells + WINDOW) / np.float32(scale))
    found = np.concatenate([first, last, scores, answers[:, 1:]], axis=1, dtype=np.float32)
    # Two cells apart suffices for an overlap of a half, after rounding to pixels.
    return found[suppress_neighbours(found[:, :4], found[:, 4], places, 0.5)]


def _look_at_strip(
    sampler: AreaSampler, level: _Level, first: int, last: int, engine: Engine, log_odds: float
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """P-Net on some rows of one level.

    Returns:
        Row and column, shape (n, 2), of the windows that reach log_odds, in order; and the log-odds and offsets of
        each, shape (n, 5).
    """
    pixels = sampler.resized(level.width, level.height, rows=(first, last))
    places, answers = _face_windows(pixels, engine, log_odds, log_odds - level.unsure_margin())
    # The last row of windows is there to know the row above; the next strip has it again.
    new = places[:, 0] < (last - first - WINDOW) // STRIDE if last < level.height else slice(None)
    return places[new] + np.array([first // STRIDE, 0], dtype=np.int32), answers[new]


def _face_windows(
    pixels: Pixels, engine: Engine, log_odds: float, unsure_log_odds: float
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What `_look_at_strip` gives, for pixels of shape (height, width, 3) and their own rows."""
    [features] = engine.run("pnet_features", pixels[None])
    [answers] = engine.run("pnet_coarse", features)
    rows, columns = features.shape[1] - 2, features.shape[2] - 2
    found, unsure = _surround(answers[0], rows, columns, np.float32(log_odds), np.float32(unsure_log_odds))
    parts = [(found, answers[0][found[:, 0] // 2, found[:, 1] // 2])]
    for start in range(0, len(unsure), WINDOWS_AT_ONCE):
        some = unsure[start : start + WINDOWS_AT_ONCE]
        [answer] = engine.run("pnet_window", _cut_windows(features[0], some))
        passed = np.flatnonzero(answer[:, 0] >= log_odds)
        parts.append((some[passed], answer[passed]))
    places, chosen = (np.concatenate(part) for part in zip(*parts, strict=True))
    in_order = np.lexsort((places[:, 1], places[:, 0]))
    return places[in_order], chosen[in_order]


@compiled("Tuple((int32[:,::1], int32[:,::1]))(float32[:,:,:], int64, int64, float32, float32)")
def _surround(lattice, rows, columns, face, near):  # type: ignore[no-untyped-def]
    """Sort windows by the log-odds of those on the lattice, shape (rows / 2, columns / 2, 5).

    Returns:
        Places, shape (n, 2), of the lattice's windows that are faces; and of the windows off the lattice next to one
        whose log-odds are above near.
    """
    is_unsure = np.zeros((rows, columns), dtype=np.bool_)
    faces = 0
    for row in range(lattice.shape[0]):
        for column in range(lattice.shape[1]):
            if lattice[row, column, 0] > near:
                faces += lattice[row, column, 0] >= face
                for other in range(max(2 * row - 1, 0), min(2 * row + 2, rows)):
                    for beside in range(max(2 * column - 1, 0), min(2 * column + 2, columns)):
                        is_unsure[other, beside] = True
    is_unsure[::2, ::2] = False
    found = np.empty((faces, 2), dtype=np.int32)
    count = 0
    for row in range(lattice.shape[0]):
        for column in range(lattice.shape[1]):
            if lattice[row, column, 0] >= face:
                found[count, 0], found[count, 1] = 2 * row, 2 * column
                count += 1
    unsure = np.empty((is_unsure.sum(), 2), dtype=np.int32)
    count = 0
    for row in range(rows):
        for column in range(columns):
            if is_unsure[row, column]:
                unsure[count, 0], unsure[count, 1] = row, column
                count += 1
    return found, unsure


@compiled("float32[:,:,:,::1](float32[:,:,::1], int32[:,::1])")
def _cut_windows(features, places):  # type: ignore[no-untyped-def]
    """The 3 x 3 features from each place on, shape (n, 3, 3, 16)."""
    windows = np.empty((len(places), 3, 3, features.shape[2]), dtype=np.float32)
    for number in range(len(places)):
        row, column = places[number]
        for down in range(3):
            for right in range(3):
                for channel in range(features.shape[2]):
                    windows[number, down, right, channel] = features[row + down, column + right, channel]
    return windows


# Stages 2 and 3: R-Net, O-Net


def _refine(
    boxes: NDArray[np.float32], sampler: AreaSampler, engine: Engine, threshold: float, threads: Executor | None
) -> NDArray[np.float32]:
    """Keep the boxes R-Net takes for faces, corrected and squared."""
    boxes, (offsets, probabilities) = _look_closer("rnet", boxes, 24, sampler, engine, threads)
    scores = probabilities[:, 1]
    passed = scores > threshold
    boxes, scores, offsets = boxes[passed], scores[passed], offsets[passed]
    kept = suppress_overlaps(boxes, scores, 0.7)
    return squared(_corrected(boxes[kept], offsets[kept]))


def locate_landmarks(
    boxes: NDArray[np.float32],
    sampler: AreaSampler,
    engine: Engine,
    *,
    threshold: float = THRESHOLDS[2],
    threads: Executor | None = None,
) -> Detections:
    """O-Net: final box, five landmarks and score of those boxes that it takes for faces.

    Args:
        boxes: shape (n, 4), square, pixels; those without a pixel inside the image are left out.
        sampler: of the image.
        threshold: least score, 0 to 1.

    Raises:
        ValueError: boxes has another shape or holds a NaN, or threshold is not from 0 to 1.
    """
    checked_number("threshold", threshold, least=0, most=1)
    boxes, (offsets, points, probabilities) = _look_closer("onet", boxes, 48, sampler, engine, threads)
    scores = probabilities[:, 1]
    passed = scores > threshold
    boxes, scores, offsets, points = boxes[passed], scores[passed], offsets[passed], points[passed]
    sides = boxes[:, None, 2:4] - boxes[:, None, :2] + 1
    fractions = np.stack([points[:, :5], points[:, 5:]], axis=2)
    landmarks = fractions * sides + boxes[:, None, :2] - 1
    boxes = _corrected(boxes, offsets)
    # Here the reference counts the last pixel as part of the box, and of equal scores the later wins.
    kept = (
        len(boxes) - 1 - suppress_overlaps(boxes[::-1] + np.array([0, 0, 1, 1]), scores[::-1], 0.7, over_smaller=True)
    )
    return Detections(
        boxes[kept].astype(np.float32), landmarks[kept].astype(np.float32), scores[kept].astype(np.float32)
    )


def _corrected(boxes: NDArray[np.float32], offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move each corner by the network's offsets. The + 1 counts pixels as the networks' training did."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    corrected: NDArray[np.float32] = boxes + offsets * sides
    return corrected


def _look_closer(
    network: str,
    boxes: NDArray[np.float32],
    side: int,
    sampler: AreaSampler,
    engine: Engine,
    threads: Executor | None,
) -> tuple[NDArray[np.float32], Outputs]:
    """Cut out the boxes at side x side pixels and run a network on them, a bounded number at a time.

    Returns:
        The boxes that have any pixel inside the image, and the network's outputs for them.
    """
    corners = _inside(boxes, sampler)
    visible = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    boxes, corners = boxes[visible], corners[visible]

    def look(start: int) -> Outputs:
        crops = sampler.crops(corners[start : start + CROPS_AT_ONCE], side)
        return engine.run(network, crops)

    parts = _each(look, range(0, max(len(boxes), 1), CROPS_AT_ONCE), threads)
    return boxes, [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


def _inside(boxes: NDArray[np.float32], sampler: AreaSampler) -> NDArray[np.intp]:
    """Whole pixels of each box inside the image, as facenet-pytorch counts: from trunc(left) - 1 to trunc(right)."""
    if boxes.ndim != 2 or boxes.shape[1] != 4 or np.isnan(boxes).any():
        raise ValueError(f"boxes must be numbers of shape (n, 4), not {boxes.shape}")
    # Far out of any image, but not so far that whole numbers run over.
    corners = np.trunc(np.clip(boxes, -FAR, FAR)).astype(np.intp)
    corners[:, :2] = np.maximum(corners[:, :2], 1) - 1
    corners[:, 2] = np.minimum(corners[:, 2], sampler.width)
    corners[:, 3] = np.minimum(corners[:, 3], sampler.height)
    return corners
