"""Measures recognition on labelled photos.

    python -m ml.evaluation WHAT --data DATA --models MODELS [--faces FACES.npz] [--recentred]

    embed          embed the labelled faces, once, into FACES.npz
    verification   same person or not, on LFW's pairs
    suggestions    nearest confirmed face: precision and recall by threshold
    groups         BCubed of group_faces and of DBSCAN alone by threshold
    quality        do poor faces go wrong more often
    detection      same boxes as facenet-pytorch, and recall on hand-made ones

DATA is a folder with `labels.csv` (file, person, x, y, w, h in pixels of the upright image), `photos.csv` and
`lfw_pairs.csv` (file1, file2, same).
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.clustering import NOISE, cluster_embeddings, group_faces
from ml.detection import detect_faces
from ml.engine import open_engine
from ml.faces import FoundFace, load_face_finder, open_upright
from ml.geometry import pairwise_overlap
from ml.identification import closest_people, thresholds_for
from ml.projection import Projection, library_centre, recentred, unit_rows

PHOTOS_AT_ONCE = 32
SURE_THRESHOLD = 0.28  # cosine distance at which DBSCAN hardly errs, to see how many people there are
SPLITS = 10  # random divisions of people into known and strangers


@dataclass(frozen=True, eq=False)
class LabelledFaces:
    """Faces of known people, one row each.

    files, persons: shape (n,), text. embeddings: (n, 512). projections: (n, 128). qualities, sides: (n,); sides are
    the shorter side of the box in pixels.
    """

    files: NDArray[np.str_]
    persons: NDArray[np.str_]
    embeddings: NDArray[np.float32]
    projections: NDArray[np.float32]
    qualities: NDArray[np.float32]
    sides: NDArray[np.float32]

    @classmethod
    def load(cls, path: Path) -> LabelledFaces:
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def save(self, path: Path) -> None:
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    def identities(self) -> NDArray[np.int64]:
        """Persons as numbers."""
        return np.unique(self.persons, return_inverse=True)[1].astype(np.int64)


# Embedding a labelled set


def embed_labelled(data: Path, models_dir: Path) -> LabelledFaces:
    """Find every labelled, named face in its photo and embed it; a face not found is left out."""
    finder = load_face_finder(models_dir)
    labels = list(_named_labels(data / "labels.csv").items())
    rows: list[tuple[str, str, FoundFace, float]] = []
    for start in range(0, len(labels), PHOTOS_AT_ONCE):
        some = labels[start : start + PHOTOS_AT_ONCE]
        images = [open_upright(data / file) for file, _ in some]
        for (file, named), image, faces in zip(some, images, finder.find_faces(images), strict=True):
            for person, box in named:
                face = _labelled_face(faces, box, image.size)
                if face is not None:
                    side = min(face.box.width * image.width, face.box.height * image.height)
                    rows.append((file, person, face, side))
    return LabelledFaces(
        files=np.array([file for file, _, _, _ in rows]),
        persons=np.array([person for _, person, _, _ in rows]),
        embeddings=np.stack([face.embedding for _, _, face, _ in rows]),
        projections=np.stack([face.projection for _, _, face, _ in rows]),
        qualities=np.array([face.quality for _, _, face, _ in rows], dtype=np.float32),
        sides=np.array([side for _, _, _, side in rows], dtype=np.float32),
    )


Pixels = tuple[float, float, float, float]


def _named_labels(path: Path) -> dict[str, list[tuple[str, Pixels | None]]]:
    """File -> (person, left top width height in pixels or None) for every named face."""
    labels: dict[str, list[tuple[str, Pixels | None]]] = defaultdict(list)
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["person"] != "_unknown":
                box = (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"])) if row["x"] else None
                labels[row["file"]].append((row["person"], box))
    return labels


def _labelled_face(faces: Sequence[FoundFace], box: Pixels | None, size: tuple[int, int]) -> FoundFace | None:
    """The face whose centre lies nearest to the middle of the box and inside it; without a box the largest."""
    if not faces:
        return None
    if box is None:
        return max(faces, key=lambda face: face.box.width * face.box.height)
    left, top, width, height = box
    best, best_distance = None, np.inf
    for face in faces:
        x = (face.box.left + face.box.width / 2) * size[0]
        y = (face.box.top + face.box.height / 2) * size[1]
        distance = float(np.hypot(x - left - width / 2, y - top - height / 2))
        if left <= x <= left + width and top <= y <= top + height and distance < best_distance:
            best, best_distance = face, distance
    return best


# Verification: are two faces the same person?


def true_accept_rate(distances: NDArray[np.float32], same: NDArray[np.bool_], false_accept_rate: float) -> float:
    """Share of same-person pairs accepted at the cosine distance that lets this share of strangers through."""
    limit = np.quantile(distances[~same], false_accept_rate, method="lower")
    return float((distances[same] < limit).mean())


def pair_accuracy(distances: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """Share of pairs judged right at the best single cosine distance, which is chosen on the other nine tenths."""
    fold = np.arange(len(distances)) % 10
    right = 0
    for number in range(10):
        train = fold != number
        limits = np.quantile(distances[train], np.linspace(0, 1, 400))
        accuracies = [((distances[train] <= limit) == same[train]).mean() for limit in limits]
        limit = limits[int(np.argmax(accuracies))]
        right += int(((distances[~train] <= limit) == same[~train]).sum())
    return right / len(distances)


def fitted_projection(embeddings: NDArray[np.float32], dimensions: int) -> Projection:
    """Mean and principal components of a set of faces: what the data-free projection is compared with."""
    centre = embeddings.mean(axis=0)
    directions = np.linalg.svd(embeddings - centre, full_matrices=False)[2][:dimensions]
    return Projection(centre=centre, basis=directions.astype(np.float32))


def print_verification(data: Path, faces: LabelledFaces) -> None:
    """Compare raw, data-free and fitted embeddings on LFW's pairs, and on all pairs of people held out from fitting."""
    place = {file: number for number, file in enumerate(faces.files.tolist())}
    with (data / "lfw_pairs.csv").open(newline="") as lines:
        pairs = [(row["file1"], row["file2"], row["same"] == "1") for row in csv.DictReader(lines)]
    pairs = [pair for pair in pairs if pair[0] in place and pair[1] in place]
    first = np.array([place[pair[0]] for pair in pairs])
    second = np.array([place[pair[1]] for pair in pairs])
    same = np.array([pair[2] for pair in pairs])
    people = faces.identities()
    held_out = np.isin(people, np.random.default_rng(0).permutation(people.max() + 1)[: (people.max() + 1) // 2])
    fitted = fitted_projection(faces.embeddings[~held_out], 128)
    neutral = np.zeros(512, dtype=np.float32)
    variants = {
        "raw 512-d": faces.embeddings,
        "data-free centre and subspace": faces.projections,
        "fitted centre only, 512-d": unit_rows(faces.embeddings - fitted.centre),
        "fitted subspace only": Projection(neutral, fitted.basis).apply(faces.embeddings),
        "fitted centre and subspace": fitted.apply(faces.embeddings),
    }
    print(f"{len(pairs)} LFW pairs; all pairs of {len(np.unique(people[held_out]))} people held out from fitting")
    print(f"{'':32}accuracy  TAR@1%  TAR@0.1%  | held out TAR@0.1%  TAR@0.01%")
    for name, rows in variants.items():
        distances = 1 - (rows[first] * rows[second]).sum(axis=1)
        all_distances, all_same = _all_pairs(rows[held_out], people[held_out])
        print(
            f"{name:32}{pair_accuracy(distances, same):8.4f} {true_accept_rate(distances, same, 0.01):7.3f}"
            f" {true_accept_rate(distances, same, 0.001):9.3f}  |"
            f" {true_accept_rate(all_distances, all_same, 0.001):17.3f}"
            f" {true_accept_rate(all_distances, all_same, 0.0001):10.3f}"
        )


def _all_pairs(rows: NDArray[np.float32], people: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    first, second = np.triu_indices(len(rows), k=1)
    return (1 - rows @ rows.T)[first, second], people[first] == people[second]


# Identification: who is this, among the people named so far?


@dataclass(frozen=True)
class SuggestionScore:
    """precision: share of suggestions that are right. recall: share of known people's faces suggested rightly.
    stranger_rate: share of strangers' faces that get any suggestion."""

    precision: float
    recall: float
    stranger_rate: float


def score_suggestions(
    faces: LabelledFaces, threshold: float, *, confirmed: int, poor_quality: float
) -> SuggestionScore:
    """Suggest names by the nearest confirmed face for people half of whom nobody has named.

    In each of ten random splits half of the people with two faces or more are known, by at most `confirmed` good faces
    each; all their other faces, and all faces of the other people, are probes.
    """
    people = faces.identities()
    counts = np.bincount(people)
    suggested = right = known_probes = strangers = stranger_suggestions = 0
    for split in range(SPLITS):
        random = np.random.default_rng(split)
        known = random.permutation(np.flatnonzero(counts >= 2))[: int((counts >= 2).sum()) // 2]
        gallery = _gallery(people, faces.qualities, known, confirmed, poor_quality, random)
        probes = np.setdiff1d(np.arange(len(people)), gallery)
        candidates = closest_people(
            faces.projections[probes], faces.projections[gallery], people[gallery], threshold=threshold
        )
        nearest = {candidate.probe: candidate.person for candidate in reversed(candidates)}
        for index, probe in enumerate(probes):
            is_known = people[probe] in people[gallery]
            known_probes += is_known
            strangers += not is_known
            if index in nearest:
                suggested += 1
                right += nearest[index] == people[probe]
                stranger_suggestions += not is_known
    return SuggestionScore(
        right / max(suggested, 1), right / max(known_probes, 1), stranger_suggestions / max(strangers, 1)
    )


def _gallery(
    people: NDArray[np.int64],
    qualities: NDArray[np.float32],
    known: NDArray[np.int64],
    confirmed: int,
    poor_quality: float,
    random: np.random.Generator,
) -> NDArray[np.intp]:
    """Indices of the confirmed faces: of each known person some good ones, leaving at least one face to recognise."""
    chosen: list[int] = []
    for person in known:
        members = np.flatnonzero(people == person)
        good = random.permutation(members[qualities[members] >= poor_quality])
        chosen.extend(good[: min(confirmed, len(members) - 1)])
    return np.array(sorted(chosen), dtype=np.intp)


def print_suggestions(faces: LabelledFaces, poor_quality: float) -> None:
    for confirmed in (1, 3, 10):
        print(f"\nat most {confirmed} confirmed faces a person\nthreshold  precision  recall  strangers")
        for threshold in np.arange(0.24, 0.53, 0.02):
            score = score_suggestions(faces, float(threshold), confirmed=confirmed, poor_quality=poor_quality)
            print(f"{threshold:9.2f} {score.precision:10.4f} {score.recall:7.4f} {score.stranger_rate:10.4f}")


# Grouping


@dataclass(frozen=True)
class BCubed:
    """Mean over faces: precision is the share of its group that is the same person, recall the share of that person's
    faces in its group. A face without a group is a group of its own."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def bcubed(labels: NDArray[np.int64], people: NDArray[np.int64]) -> BCubed:
    """Score group labels (NOISE allowed) against the truth.

    Source: Amigo et al., A comparison of extrinsic clustering evaluation metrics, 2009.
    """
    alone = labels == NOISE
    groups = labels.copy()
    groups[alone] = labels.max(initial=NOISE) + 1 + np.arange(alone.sum())
    _, pair = np.unique(np.stack([groups, people]), axis=1, return_inverse=True)
    together = np.bincount(pair.ravel())[pair.ravel()]
    return BCubed(
        precision=float((together / np.bincount(groups)[groups]).mean()),
        recall=float((together / np.bincount(people)[people]).mean()),
    )


def print_groups(faces: LabelledFaces, poor_quality: float) -> None:
    people = faces.identities()
    good = faces.qualities >= poor_quality
    print(f"{len(people)} faces, {people.max() + 1} people, {(~good).sum()} poor\nDBSCAN alone")
    for threshold in (0.26, 0.28, 0.30, 0.32, 0.34, 0.36, 0.40):
        _print_bcubed(f"{threshold:.2f}", bcubed(cluster_embeddings(faces.projections, threshold=threshold), people))
    for name, may_seed in (("all faces alike", None), ("poor faces only join", good)):
        print(f"proposal, linkage: {name}")
        for proposal in (0.34, 0.37, 0.40, 0.43):
            for link in (0.42, 0.45, 0.48, 0.51, 0.54):
                labels = group_faces(
                    faces.projections, proposal_threshold=proposal, linkage_threshold=link, may_seed=may_seed
                )
                _print_bcubed(f"{proposal:.2f} {link:.2f}", bcubed(labels, people))


def _print_bcubed(name: str, score: BCubed) -> None:
    print(f"{name:12} P {score.precision:.4f}  R {score.recall:.4f}  F {score.f:.4f}")


# Quality and detection


def print_quality(faces: LabelledFaces) -> None:
    """How often the nearest other face is of the same person, by quality."""
    people = faces.identities()
    similarities = faces.projections @ faces.projections.T
    np.fill_diagonal(similarities, -1)
    several = np.bincount(people)[people] >= 2
    right = people[similarities.argmax(axis=1)] == people
    print("quality      faces  nearest is the same person")
    edges = [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01]
    for low, high in pairwise(edges):
        chosen = several & (faces.qualities >= low) & (faces.qualities < high)
        if chosen.any():
            print(f"{low:.1f} to {high:.1f} {chosen.sum():8} {right[chosen].mean():.3f}")


def print_detection(data: Path, models_dir: Path) -> None:
    """Compare with facenet-pytorch's boxes at the same smallest face, and count hand-made boxes that are found."""
    from facenet_pytorch import MTCNN

    reference = MTCNN(keep_all=True)
    engine = open_engine(models_dir, "facenet-casia", "cpu")
    photos = sorted([*(data / "album" / "groups").iterdir(), *(data / "detection").iterdir()])
    agreement: list[float] = []
    ours = theirs = 0
    for photo in photos:
        image = open_upright(photo, min_side=10**6)
        boxes = reference.detect(image)[0]
        found = detect_faces(image, engine, smallest_face=20)
        expected = np.zeros((0, 4), np.float32) if boxes is None else boxes.astype(np.float32)
        ours, theirs = ours + len(found), theirs + len(expected)
        agreement.extend(pairwise_overlap(expected, found.boxes).max(axis=1, initial=0))
    overlaps = np.array(agreement)
    print(f"{len(photos)} photos: {theirs} faces found by facenet-pytorch, {ours} by us")
    for least in (0.5, 0.9, 0.95, 0.99):
        print(f"boxes that agree with IoU > {least}: {(overlaps > least).mean():.3f}")
    _print_recall(data, models_dir)


def _print_recall(data: Path, models_dir: Path) -> None:
    """Recall on hand-made boxes and detections in photos without a face, at the default smallest face."""
    finder = load_face_finder(models_dir, device="cpu")
    with (data / "labels.csv").open(newline="") as lines:
        boxes = [row for row in csv.DictReader(lines) if row["x"] and not row["file"].startswith("people/")]
    found = 0
    for file in sorted({row["file"] for row in boxes}):
        image = open_upright(data / file)
        faces = finder.find_faces([image])[0]
        for row in boxes:
            if row["file"] == file:
                box = (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
                found += _labelled_face(faces, box, image.size) is not None
    with (data / "photos.csv").open(newline="") as lines:
        empty = [row["file"] for row in csv.DictReader(lines) if row["box_status"] == "no_faces"]
    false = sum(len(finder.find_faces([open_upright(data / file)])[0]) for file in empty)
    print(f"hand-made boxes found: {found} of {len(boxes)}; false faces in {len(empty)} photos without any: {false}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ml.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["embed", "verification", "suggestions", "groups", "quality", "detection"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--faces", type=Path, default=Path("faces.npz"))
    parser.add_argument("--poor-quality", type=float, default=thresholds_for("facenet-casia").poor_quality)
    parser.add_argument("--recentred", action="store_true", help="take away the library's own centre first")
    options = parser.parse_args(arguments)
    if options.what == "detection":
        print_detection(options.data, options.models)
        return
    if options.what == "embed":
        embed_labelled(options.data, options.models).save(options.faces)
        return
    faces = LabelledFaces.load(options.faces)
    if options.recentred:
        faces = _recentred(faces)
    if options.what == "verification":
        print_verification(options.data, faces)
    elif options.what == "suggestions":
        print_suggestions(faces, options.poor_quality)
    elif options.what == "groups":
        print_groups(faces, options.poor_quality)
    else:
        print_quality(faces)


def _recentred(faces: LabelledFaces) -> LabelledFaces:
    groups = cluster_embeddings(faces.projections, threshold=SURE_THRESHOLD)
    centre = library_centre(faces.projections, groups)
    return replace(faces, projections=recentred(faces.projections, centre))


if __name__ == "__main__":
    main()
