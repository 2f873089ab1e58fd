"""Errors by group: of what photos, faces or people do the errors come?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_flags, checked_numbers
from ml.evaluation.detection import SearchedPhoto
from ml.evaluation.identification import distance_naming, identification_trials
from ml.evaluation.labelled_faces import LabelledFaces
from ml.evaluation.matching import NONE, corners_of, match_boxes
from ml.evaluation.share import Share

BOXED = ("complete", "partial")  # photos whose boxes can be looked for one by one


def share_of(hits: NDArray[np.bool_], clusters: NDArray[np.int64] | NDArray[np.str_]) -> Share:
    """Count the hits; clusters: shape (n,), whose or of what photo each is.

    Raises:
        ValueError: hits or clusters has another shape.
    """
    checked_flags("hits", hits, len(clusters))
    return Share(int(hits.sum()), len(hits), len(np.unique(clusters)))


# Detection


@dataclass(frozen=True, eq=False)
class DrawnFaces:
    """The faces drawn by hand, n of them: whether each is found, its shorter side in pixels, its photo, and how many
    are drawn in that photo."""

    is_found: NDArray[np.bool_]
    sides: NDArray[np.float64]
    photos: NDArray[np.str_]
    in_photo: NDArray[np.int64]


def drawn_faces(photos: Sequence[SearchedPhoto]) -> DrawnFaces:
    """The boxes of photos in which each box is that of a face."""
    found: list[bool] = []
    sides: list[float] = []
    files: list[str] = []
    counts: list[int] = []
    for searched in photos:
        drawn = [face.box for face in searched.photo.faces if face.box is not None]
        if searched.photo.status not in BOXED or not drawn:
            continue
        matches = match_boxes(searched.boxes, corners_of(drawn))
        found.extend((matches != NONE).tolist())
        sides.extend(min(width, height) for _left, _top, width, height in drawn)
        files.extend([searched.photo.file] * len(drawn))
        counts.extend([len(drawn)] * len(drawn))
    return DrawnFaces(
        np.array(found, dtype=bool), np.array(sides, dtype=np.float64), np.array(files, dtype=np.str_),
        np.array(counts, dtype=np.int64),
    )  # fmt: skip


# Identification


@dataclass(frozen=True)
class IdentificationErrors:
    """Of one group of faces, where one distance is right for all: it names the wanted share of all strangers' faces.

    named: known people's faces that get the right name. misnamed: that get a wrong one; the others get none.
    strangers: strangers' faces that get a name.
    """

    named: Share
    misnamed: Share
    strangers: Share


def identification_errors(
    faces: LabelledFaces,
    groups: Mapping[str, NDArray[np.bool_]],
    *,
    false_positive_rate: float = 0.01,
    seed: int = 0,
    poor_quality: float,
) -> dict[str, IdentificationErrors]:
    """Errors of each group over the splits of `ml.evaluation.identification.score_identification`.

    Args:
        groups: by name, shape (n,): which faces are in it. They may overlap.

    Raises:
        ValueError: a group has not a flag for each face; or as for `score_identification`.
    """
    for name, members in groups.items():
        checked_flags(name, members, len(faces))
    trials = list(identification_trials(faces, seed=seed, poor_quality=poor_quality))
    limits = [distance_naming(trial.distances[~trial.is_known], false_positive_rate) for trial in trials]
    row = np.concatenate([np.zeros(0, np.intp), *(trial.probes for trial in trials)])
    is_known = _joined([trial.is_known for trial in trials])
    is_right = _joined([trial.is_right for trial in trials])
    is_named = _joined([trial.distances < limit for trial, limit in zip(trials, limits, strict=True)])
    people = faces.identities()[row]

    def share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> Share:
        return share_of(hits[of], people[of])

    errors = {}
    for name, members in groups.items():
        ours, theirs = members[row] & is_known, members[row] & ~is_known
        errors[name] = IdentificationErrors(
            share(is_named & is_right, ours), share(is_named & ~is_right, ours), share(is_named, theirs)
        )
    return errors


def _joined(parts: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.concatenate([np.zeros(0, dtype=bool), *parts])


def bands(values: NDArray[np.floating] | NDArray[np.int64], edges: Sequence[float]) -> dict[str, NDArray[np.bool_]]:
    """Groups by size: "under 40", "40 to 80" (80 not among them), "80 and more".

    Raises:
        ValueError: values are no finite numbers of shape (n,), or there are no edges.
    """
    values = checked_numbers("values", values, None)
    if not len(edges):
        raise ValueError("edges must not be empty")
    found = {f"under {edges[0]:g}": values < edges[0]}
    for low, high in pairwise(edges):
        found[f"{low:g} to {high:g}"] = (values >= low) & (values < high)
    found[f"{edges[-1]:g} and more"] = values >= edges[-1]
    return found
