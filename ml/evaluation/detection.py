"""Detection: which faces are found, and what is found that is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_flags, checked_numbers
from ml.evaluation.labels import LabelledPhoto
from ml.evaluation.matching import NONE, corners_of, match_boxes

# Photos in which every visible face is known, so that whatever else is found is false.
FULLY_KNOWN = ("complete", "no_faces")


@dataclass(frozen=True, eq=False)
class SearchedPhoto:
    """A labelled photo and the faces found in it.

    boxes: shape (n, 4): left, top, right, bottom in pixels of the upright photo. scores: shape (n,).

    Raises:
        ValueError: boxes or scores has another shape, or holds what is no finite number.
    """

    photo: LabelledPhoto
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        checked_numbers("scores", self.scores, len(checked_numbers("boxes", self.boxes, None, 4)))


@dataclass(frozen=True, eq=False)
class DetectionScore:
    """recall: share of the boxes drawn that are found, in photos whose boxes are complete or partial.

    precision, false_positives_per_photo, average_precision: over photos in which every face is known, which are the
    complete ones and those without faces. None where there are no such photos or faces. known_recall: recall in those
    photos alone, which average_precision cannot exceed; it can exceed recall.
    curve: shape (n, 2): recall and precision in those photos as the score falls.
    photos, known_photos, boxes, found, false_positives: how many.
    """

    recall: float | None
    precision: float | None
    false_positives_per_photo: float | None
    average_precision: float | None
    known_recall: float | None
    curve: NDArray[np.float64]
    photos: int
    known_photos: int
    boxes: int
    found: int
    false_positives: int


def score_detection(photos: Sequence[SearchedPhoto]) -> DetectionScore:
    """Compare faces found with boxes drawn by hand, as far as a photo's `status` says that these can be trusted."""
    boxes = found = known_photos = known_boxes = searched = 0
    scores, hits = [np.zeros(0, dtype=np.float32)], [np.zeros(0, dtype=bool)]
    for searched_photo in photos:
        status = searched_photo.photo.status
        if status != "partial" and status not in FULLY_KNOWN:
            continue
        drawn = corners_of([face.box for face in searched_photo.photo.faces if face.box is not None])
        matches = match_boxes(searched_photo.boxes, drawn)
        searched += 1
        boxes += len(drawn)
        found += int((matches != NONE).sum())
        if status in FULLY_KNOWN:
            known_photos += 1
            known_boxes += len(drawn)
            scores.append(searched_photo.scores)
            hits.append(np.isin(np.arange(len(searched_photo.boxes)), matches))
    hit = np.concatenate(hits)
    curve = precision_recall_curve(np.concatenate(scores), hit, known_boxes)
    false = int((~hit).sum())
    return DetectionScore(
        recall=found / boxes if boxes else None,
        precision=float(hit.mean()) if len(hit) else None,
        false_positives_per_photo=false / known_photos if known_photos else None,
        average_precision=average_precision(curve) if known_boxes else None,
        known_recall=int(hit.sum()) / known_boxes if known_boxes else None,
        curve=curve,
        photos=searched,
        known_photos=known_photos,
        boxes=boxes,
        found=found,
        false_positives=false,
    )


def precision_recall_curve(scores: NDArray[np.float32], hits: NDArray[np.bool_], faces: int) -> NDArray[np.float64]:
    """Recall and precision as ever less certain detections are taken.

    Args:
        scores: shape (n,): the detector's certainty. Equal ones are taken together.
        hits: shape (n,): whether a detection is a face.
        faces: how many there are to find; with 0 the curve is empty.

    Returns:
        Shape (steps, 2): recall, precision.

    Raises:
        ValueError: scores and hits differ in length, scores hold what is no finite number, or faces is below 0.
    """
    scores = checked_numbers("scores", scores, None)
    hits = checked_flags("hits", hits, len(scores))
    checked_count("faces", faces, least=0)
    if not faces or not len(scores):
        return np.zeros((0, 2))
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    curve = np.stack([right / faces, right / np.arange(1, len(scores) + 1)], axis=1)
    return np.asarray(curve[last_of_equals], dtype=np.float64)


def average_precision(curve: NDArray[np.float64]) -> float:
    """Area under the precision-recall curve, in which precision never rises with recall.

    Recall that is never reached counts as precision 0, so a detector that only reports sure faces cannot exceed its
    recall.

    Args:
        curve: shape (n, 2): recall, rising, and precision. n may be 0, for an average precision of 0.

    Raises:
        ValueError: curve has another shape, holds what is no finite number, or recall falls.

    Source: Everingham et al., The PASCAL visual object classes challenge, all-point form of 2010.
    """
    curve = checked_numbers("curve", curve, None, 2)
    if (np.diff(curve[:, 0]) < 0).any():
        raise ValueError("curve must hold recall that does not fall")
    if not len(curve):
        return 0.0
    highest_from_here = np.maximum.accumulate(curve[::-1, 1])[::-1]
    steps = np.diff(curve[:, 0], prepend=0.0)
    return float((steps * highest_from_here).sum())
