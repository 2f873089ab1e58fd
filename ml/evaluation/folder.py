"""Everything that can be measured on one labelled folder, in one pass over its photos."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count
from ml.evaluation.clustering import ClusteringScore, best_dbscan, score_grouping
from ml.evaluation.detection import DetectionScore, score_detection
from ml.evaluation.identification import IdentificationScore, score_identification
from ml.evaluation.labelled_faces import Findings, LabelledFaces, find_labelled
from ml.evaluation.labels import LabelledFolder
from ml.evaluation.pairs import FaceName, PairList
from ml.evaluation.quality import QualityDecile, quality_deciles
from ml.evaluation.verification import (
    FEWEST_FACES,
    PairedFaces,
    VerificationScore,
    centred_distances,
    pair_distances,
    score_verification,
)
from ml.faces import FaceFinder
from ml.identification import thresholds_for
from ml.projection import unit_rows

# More faces than this are sampled, whole people at a time: time and memory of grouping grow with their square.
MOST_FACES = 10_000
FINEST_RATE = 1000  # pairs of two people that it takes to accept 0.1 % of them

# Ways to measure the distance of two faces; the first is the headline.
VARIANTS = {
    "published": "as the published figures: mirror image averaged in, mean of the other folds subtracted",
    "centred": "mean of the other folds subtracted",
    "mirrored": "mirror image averaged in",
    "raw": "the embedding as the network gives it",
    "product": "the projection that Kith works on",
}


@dataclass(frozen=True)
class Counts:
    """How much was measured. named_faces: labelled with a person; found: those the detector sees.

    pairs: of faces in photos that could be read; of these same_pairs are of one person, and unseen_pairs have a face
    that the detector does not see. pairs_left_out: those with a photo that is missing or cannot be read.
    sampled_faces: those that identification, clustering and quality are measured on.
    """

    photos: int
    unreadable: int
    named_faces: int
    found: int
    people: int
    pairs: int
    same_pairs: int
    unseen_pairs: int
    pairs_left_out: int
    sampled_faces: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured on one folder. A score that its labels do not allow is None, and `reasons` says why.

    notes: what limits the figures, in sentences. problems: labels and photos that could not be used, in sentences.
    """

    name: str
    model: str
    device: str
    seed: int
    counts: Counts
    pair_list: PairList
    pairs: PairedFaces
    verification: dict[str, VerificationScore]
    detection: DetectionScore
    identification: IdentificationScore | None
    grouping: ClusteringScore | None
    dbscan: ClusteringScore | None
    quality: list[QualityDecile]
    reasons: dict[str, str]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    seconds: float


def evaluate(
    folder: LabelledFolder,
    pairs: PairList,
    finder: FaceFinder,
    *,
    seed: int = 0,
    progress: Callable[[int], object] = lambda photos: None,
) -> Evaluation:
    """Measure a face finder on a labelled folder.

    Args:
        folder, pairs: as `ml.evaluation.pairs.read_pairs` returns them.
        finder: the product's own.
        seed: for the splits and samples; the same seed gives the same figures.
        progress: called with the number of photos done since the last call.

    Raises:
        ValueError: seed is not a whole number from 0.
    """
    checked_count("seed", seed, least=0)
    started = time.perf_counter()
    in_pairs = {face for pair in pairs.pairs for face in (pair.first, pair.second)}
    findings = find_labelled(folder, finder, mirror=in_pairs, progress=progress)
    measured = measure(folder, pairs, findings, model=finder.model_name, device=finder.device, seed=seed)
    return replace(measured, seconds=time.perf_counter() - started)


def measure(
    folder: LabelledFolder, pairs: PairList, findings: Findings, *, model: str, device: str, seed: int
) -> Evaluation:
    """What `evaluate` measures, on faces that were found before.

    Raises:
        ValueError: seed is not a whole number from 0.
    """
    started = time.perf_counter()
    paired = paired_rows(findings.faces, pairs)
    sample = sampled_people(findings.faces.only(findings.found), MOST_FACES, seed)
    measured = _measure_people(sample, model, seed)
    detection = score_detection(findings.photos)
    verification = _verification(findings, paired)
    return Evaluation(
        name=folder.root.resolve().name,
        model=model,
        device=device,
        seed=seed,
        counts=_counts(folder, findings, pairs, paired, sample),
        pair_list=pairs,
        pairs=paired,
        verification=verification,
        detection=detection,
        identification=measured.identification,
        grouping=measured.grouping,
        dbscan=measured.dbscan,
        quality=measured.quality,
        reasons=_reasons(verification["published"], detection, measured),
        notes=tuple(_notes(paired, findings, sample)),
        problems=(*folder.problems, *pairs.problems, *findings.problems),
        seconds=time.perf_counter() - started,
    )


def sampled_people(faces: LabelledFaces, most: int, seed: int) -> LabelledFaces:
    """At most so many faces, of people drawn at random, each with all of theirs; in the order given.

    Raises:
        ValueError: most or seed is not a whole number from 0.
    """
    checked_count("most", most, least=0)
    checked_count("seed", seed, least=0)
    people = faces.identities()
    counts = np.bincount(people)
    order = np.random.default_rng(seed).permutation(len(counts))
    fits = np.cumsum(counts[order]) <= most
    return faces.only(np.isin(people, order[fits])) if not fits.all() else faces


# Verification


def paired_rows(faces: LabelledFaces, pairs: PairList) -> PairedFaces:
    """The pairs whose photos could be read, as numbers of rows."""
    names = zip(faces.files.tolist(), faces.persons.tolist(), strict=True)
    row = {FaceName(file, person): number for number, (file, person) in reversed(list(enumerate(names)))}
    there = [pair for pair in pairs.pairs if pair.first in row and pair.second in row]
    return PairedFaces(
        first=np.array([row[pair.first] for pair in there], dtype=np.intp),
        second=np.array([row[pair.second] for pair in there], dtype=np.intp),
        same=np.array([pair.same for pair in there], dtype=bool),
        folds=np.array([pair.fold for pair in there], dtype=np.int64),
    )


def _verification(findings: Findings, pairs: PairedFaces) -> dict[str, VerificationScore]:
    """Scores by variant."""
    faces = findings.faces
    averaged = unit_rows(faces.embeddings + findings.mirrored)
    distances: dict[str, NDArray[np.float32]] = {
        "published": centred_distances(averaged, pairs),
        "centred": centred_distances(faces.embeddings, pairs),
        "mirrored": pair_distances(averaged, pairs),
        "raw": pair_distances(faces.embeddings, pairs),
        "product": pair_distances(faces.projections, pairs),
    }
    return {name: score_verification(distances[name], pairs) for name in VARIANTS}


# People: identification, clustering, quality


@dataclass
class _MeasuredPeople:
    """What is measured on the faces found."""

    identification: IdentificationScore | None = None
    grouping: ClusteringScore | None = None
    dbscan: ClusteringScore | None = None
    quality: list[QualityDecile] = field(default_factory=list)


def _measure_people(faces: LabelledFaces, model: str, seed: int) -> _MeasuredPeople:
    measured = _MeasuredPeople()
    people = faces.identities()
    if not len(people) or np.bincount(people).max() < 2:
        return measured
    thresholds = thresholds_for(model)
    measured.identification = score_identification(faces, seed=seed, poor_quality=thresholds.poor_quality)
    measured.grouping = score_grouping(faces.projections, faces.qualities, people, thresholds)
    measured.dbscan = best_dbscan(faces.projections, people)
    measured.quality = quality_deciles(faces)
    return measured


# What was measured, and what could not be


def _counts(
    folder: LabelledFolder, findings: Findings, pairs: PairList, paired: PairedFaces, sample: LabelledFaces
) -> Counts:
    found = findings.found
    return Counts(
        photos=len(findings.photos),
        unreadable=len(folder.photos) - len(findings.photos),
        named_faces=len(found),
        found=int(found.sum()),
        people=len(np.unique(findings.faces.persons)),
        pairs=len(paired.same),
        same_pairs=int(paired.same.sum()),
        unseen_pairs=int((~(found[paired.first] & found[paired.second])).sum()),
        pairs_left_out=pairs.left_out + len(pairs.pairs) - len(paired.same),
        sampled_faces=len(sample.files),
    )


def _reasons(verification: VerificationScore, detection: DetectionScore, people: _MeasuredPeople) -> dict[str, str]:
    """Why each missing figure is missing, by its name in the JSON."""
    reasons = {}
    if verification.accuracy is None:
        reasons["verification.accuracy"] = "It takes pairs of one person and of two, in two folds."
    if verification.tar_at_far_01_percent is None:
        for rate in ("0.01", "0.001"):
            reasons[f"verification.tar_at_far_{rate}"] = "It takes pairs of one person and of two."
    if detection.recall is None:
        reasons["detection.recall"] = "No boxes are drawn around faces."
    for name in ("precision", "false_positives_per_photo", "average_precision"):
        if getattr(detection, name) is None:
            reasons[f"detection.{name}"] = "There is no photo in which every face has a box."
    if detection.known_photos and detection.precision is None:
        reasons["detection.precision"] = "No face was found in photos whose faces are all known."
    if people.identification is None:
        reasons["identification.tpir_at_fpir_0.01"] = "It takes a person with two faces that are found, and a stranger."
    if people.grouping is None:
        reasons["clustering.bcubed_f"] = "Nobody has two faces that are found."
    if not people.quality:
        reasons["quality.deciles"] = "Nobody is in two photos."
    return reasons


def _notes(pairs: PairedFaces, findings: Findings, sample: LabelledFaces) -> Iterator[str]:
    """What one should know before one trusts the figures."""
    same = int(pairs.same.sum())
    different = len(pairs.same) - same
    if 0 < different < FINEST_RATE:
        yield (
            f"There are {different} pairs of two people, and FAR 0.1 % takes {FINEST_RATE:,}: its TAR is taken where "
            "none of them is accepted."
        )
    if min(same, different) and max(same, different) > 2 * min(same, different):
        yield f"{same} pairs of one person and {different} of two are out of balance, which flatters accuracy."
    if 0 < len(np.unique([pairs.first, pairs.second])) <= FEWEST_FACES:
        yield f"With {FEWEST_FACES} faces in pairs or fewer no mean is subtracted."
    unseen = int((~findings.found).sum())
    if unseen:
        yield f"Named faces that are not found: {unseen}. Only verification counts them."
    if len(sample.files) < int(findings.found.sum()):
        yield f"Identification, clustering and quality are measured on {len(sample.files):,} faces drawn at random."
