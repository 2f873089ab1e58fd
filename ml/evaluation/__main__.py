"""Tries thresholds and settings on labelled photos; `manage.py evaluate` measures the product as it is.

    python -m ml.evaluation WHAT --data DATA --models MODELS [--faces FACES.npz] [--recentred]

    embed          embed the labelled faces, once, into FACES.npz
    verification   same person or not, on LFW's pairs
    suggestions    nearest confirmed face: precision and recall by threshold
    identify       names by machine: fit the calibration, and measure it on other people
    splits         the same on five random splits that nothing was chosen on, without and with an SVM per person
    groups         BCubed of group_faces and of DBSCAN alone by threshold
    quality        do poor faces go wrong more often
    detection      same faces as facenet-pytorch

DATA is a folder with `labels.csv` (file, person, x, y, w, h in pixels of the upright image), `photos.csv` and
`lfw_pairs.csv` (file1, file2, same).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ml.calibration import CALIBRATION, RECENTRED_CALIBRATION
from ml.clustering import group_faces
from ml.dbscan import cluster_embeddings
from ml.evaluation.clustering import GroupScore, bcubed, plain_average_linkage
from ml.evaluation.identification import score_suggestions
from ml.evaluation.labelled_faces import LabelledFaces, embed_labelled
from ml.evaluation.naming import print_names
from ml.evaluation.splits import print_splits
from ml.evaluation.stock import compare_with_stock
from ml.evaluation.verification import all_pairs, fitted_projection, pair_accuracy, true_accept_rate
from ml.identification import thresholds_for
from ml.projection import Projection, library_centre, recentred, unit_rows

WHAT = ("embed", "verification", "suggestions", "identify", "splits", "groups", "quality", "detection")
EVERY_PORTRAIT = 13
SURE_THRESHOLD = 0.28  # cosine distance at which DBSCAN hardly errs, to see how many people there are


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
        all_distances, all_same = all_pairs(rows[held_out], people[held_out])
        print(
            f"{name:32}{pair_accuracy(distances, same):8.4f} {true_accept_rate(distances, same, 0.01):7.3f}"
            f" {true_accept_rate(distances, same, 0.001):9.3f}  |"
            f" {true_accept_rate(all_distances, all_same, 0.001):17.3f}"
            f" {true_accept_rate(all_distances, all_same, 0.0001):10.3f}"
        )


def print_suggestions(faces: LabelledFaces, poor_quality: float) -> None:
    for confirmed in (1, 3, 10):
        print(f"\nat most {confirmed} confirmed faces a person\nthreshold  precision  recall  strangers")
        for threshold in np.arange(0.24, 0.53, 0.02):
            score = score_suggestions(faces, float(threshold), confirmed=confirmed, poor_quality=poor_quality)
            print(f"{threshold:9.2f} {score.precision:10.4f} {score.recall:7.4f} {score.stranger_rate:10.4f}")


def print_groups(faces: LabelledFaces, poor_quality: float) -> None:
    people = faces.identities()
    good = faces.qualities >= poor_quality
    print(f"{len(people)} faces, {people.max() + 1} people, {(~good).sum()} poor\nDBSCAN alone")
    for threshold in (0.26, 0.28, 0.30, 0.32, 0.34, 0.36, 0.40):
        _print_bcubed(f"{threshold:.2f}", bcubed(cluster_embeddings(faces.projections, threshold=threshold), people))
    print("proposal, plain average linkage (SciPy)")
    for proposal in (0.40, 0.43):
        for link in (0.42, 0.45, 0.48, 0.51, 0.54):
            labels = plain_average_linkage(faces.projections, proposal_threshold=proposal, linkage_threshold=link)
            _print_bcubed(f"{proposal:.2f} {link:.2f}", bcubed(labels, people))
    for name, may_seed in (("all faces alike", None), ("poor faces only join", good)):
        print(f"proposal, linkage: {name}")
        for proposal in (0.34, 0.37, 0.40, 0.43):
            for link in (0.42, 0.45, 0.48, 0.51, 0.54):
                labels = group_faces(
                    faces.projections, proposal_threshold=proposal, linkage_threshold=link, may_seed=may_seed
                )
                _print_bcubed(f"{proposal:.2f} {link:.2f}", bcubed(labels, people))


def _print_bcubed(name: str, score: GroupScore) -> None:
    print(f"{name:12} P {score.precision:.4f}  R {score.recall:.4f}  F {score.f:.4f}")


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
    """Compare with facenet-pytorch's faces, also at 1920 x 1080, and list those that differ."""
    groups = sorted([*(data / "album" / "groups").iterdir(), *(data / "detection").iterdir()])
    portraits = sorted((data / "people").rglob("*.jpg"))[::EVERY_PORTRAIT]
    for name, photos, shape in (
        ("groups and detection", groups, lambda image: image),
        ("the same at 1920 x 1080", groups, lambda image: image.resize((1920, 1080))),
        (f"every {EVERY_PORTRAIT}th of people", portraits, lambda image: image),
    ):
        compared = compare_with_stock(photos, models_dir, shape)
        agree = f"{compared.agree} of {compared.faces} faces agree, {compared.additions} more ours"
        print(f"{name}, {compared.photos} photos: {agree}")
        for difference in compared.differences:
            print(f"    {difference}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ml.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=WHAT)
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
    elif options.what == "identify":
        measured = RECENTRED_CALIBRATION if options.recentred else CALIBRATION
        print_names(faces, thresholds_for("facenet-casia", recentred=options.recentred), measured)
    elif options.what == "splits":
        print_splits(faces, thresholds_for("facenet-casia", recentred=options.recentred))
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
