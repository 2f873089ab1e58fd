"""Measures what the model cards tell: how good each model is, and for which faces it is worse.

    python -m ml.studies.model_cards DATA --models MODELS --kept FOLDER

DATA is a folder of labelled photos (docs/evaluation.md). Labels of age, sex or skin there are none, so the groups are
those that there are: part of the data set, size of the face, faces in the photo, quality, photos of the person. What
was found and embedded stays in FOLDER, also that of `manage.py evaluate DATA --study quality`, and is taken from there
the next time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.calibration import CALIBRATION, calibration_error
from ml.cards.measured import MEASURED
from ml.checked_files import replacing
from ml.evaluation.detection import score_detection
from ml.evaluation.folder import paired_rows
from ml.evaluation.groups import bands, drawn_faces, identification_errors, share_of
from ml.evaluation.labelled_faces import LabelledFaces, embed_labelled, find_labelled
from ml.evaluation.labels import LabelledFolder, read_folder
from ml.evaluation.naming import best_names, named_probes
from ml.evaluation.pairs import read_pairs
from ml.evaluation.verification import pair_distances, score_verification
from ml.faces import load_face_finder
from ml.identification import thresholds_for
from ml.models import CASIA
from ml.studies.probes import LARGE_PART, Probes, collect_probes
from ml.studies.quality import load_or_make
from ml.studies.quality_model import area_under_curve, held_out, recognise

SIDES = (80, 120)  # pixels of the shorter side of a face
DRAWN_SIDES = (60, 120)
QUALITIES = (0.5, 0.9)
PHOTOS_OF_PERSON = (2, 3, 5, 10)
FACES_IN_PHOTO = (2, 5)
PROBABILITIES = (0.3, 0.7, 0.9, 0.99)
CONFIRMED = (1, 3, 10)  # faces of each known person
SEED = 0

Flags = NDArray[np.bool_]


def measure(data: Path, models_dir: Path, kept: Path) -> dict[str, Any]:
    """All figures, ready for JSON."""
    kept.mkdir(parents=True, exist_ok=True)
    folder = read_folder(data)
    faces = load_or_make(kept / "faces.npz", LabelledFaces, lambda: embed_labelled(data, models_dir))
    probes = load_or_make(kept / "probes.npz", Probes, lambda: collect_probes(data, models_dir))
    verification = _verification(folder, faces)
    return {
        "data": {"photos": len(folder.photos), "faces": len(faces), "people": int(faces.identities().max() + 1)},
        "mtcnn": _detection(folder, faces, models_dir),
        CASIA: {"verification": verification["raw"], "identification": _identification(faces)},
        "projection": verification,
        "quality": _quality(probes, faces),
        "calibration": _calibration(faces),
    }


def part_of(file: str) -> str:
    """The part of the data set that a photo is in: "people", "album/groups"."""
    folders = PurePosixPath(file).parts[:-1]
    return "/".join(folders[:2]) if folders[:1] == ("album",) else "".join(folders[:1])


def _parts(files: NDArray[np.str_]) -> dict[str, Flags]:
    parts = np.array([part_of(file) for file in files.tolist()])
    return {part: parts == part for part in np.unique(parts).tolist()}


def _everything(count: int) -> dict[str, Flags]:
    return {"all": np.ones(count, dtype=bool)}


# One model after the other


def _detection(folder: LabelledFolder, faces: LabelledFaces, models_dir: Path) -> dict[str, Any]:
    boxed = tuple(photo for photo in folder.photos if photo.status in ("complete", "partial", "no_faces"))
    searched = find_labelled(replace(folder, photos=boxed), load_face_finder(models_dir)).photos
    score, drawn = score_detection(searched), drawn_faces(searched)
    groups = {
        "all": _everything(len(drawn.sides)),
        "side": bands(drawn.sides, DRAWN_SIDES),
        "in_photo": bands(drawn.in_photo, FACES_IN_PHOTO),
    }
    labelled = [part_of(photo.file) for photo in folder.photos for face in photo.faces if face.person]
    found = {part: int(members.sum()) for part, members in _parts(faces.files).items()}
    return {
        "recall": {
            by: {name: asdict(share_of(drawn.is_found[some], drawn.photos[some])) for name, some in groups[by].items()}
            for by in groups
        },
        "named": {
            part: {"hits": found.get(part, 0), "trials": labelled.count(part), "clusters": labelled.count(part)}
            for part in sorted(set(labelled))
        },
        "precision": score.precision,
        "false_positives_per_photo": score.false_positives_per_photo,
        "known_photos": score.known_photos,
    }


def _identification(faces: LabelledFaces) -> dict[str, Any]:
    people = faces.identities()
    groups = {
        "all": _everything(len(faces)),
        "part": _parts(faces.files),
        "side": bands(faces.sides, SIDES),
        "quality": bands(faces.qualities, QUALITIES),
        "photos": bands(np.bincount(people)[people], PHOTOS_OF_PERSON),
    }
    every = {(by, name): members for by, some in groups.items() for name, members in some.items()}
    errors = identification_errors(
        faces,
        {" ".join(key): members for key, members in every.items()},
        seed=SEED,
        poor_quality=thresholds_for(CASIA).poor_quality,
    )
    return {by: {name: asdict(errors[f"{by} {name}"]) for name in some} for by, some in groups.items()}


def _verification(folder: LabelledFolder, faces: LabelledFaces) -> dict[str, Any]:
    """Of the network's own numbers and of the projection, on pairs made of the labels."""
    _folder, pairs = read_pairs(folder, SEED, None, from_labels=True)
    rows = paired_rows(faces, pairs)
    measured = {}
    for name, numbers in (("raw", faces.embeddings), ("projected", faces.projections)):
        score = score_verification(pair_distances(numbers, rows), rows)
        measured[name] = {
            "pairs": len(rows.same),
            "accuracy": score.accuracy,
            "tar_at_far_0.01": score.tar_at_far_1_percent,
            "tar_at_far_0.001": score.tar_at_far_01_percent,
        }
    return measured


def _quality(probes: Probes, faces: LabelledFaces) -> dict[str, Any]:
    """How well quality tells which faces are recognised, always by a model that has not seen the person."""
    recognised = recognise(probes, faces, thresholds_for(CASIA).suggestion).suggested
    quality = held_out(probes, recognised)
    of_lfw = np.char.startswith(probes.files, LARGE_PART)
    groups = {
        "part": {"people": probes.is_face & of_lfw, "album": probes.is_face & ~of_lfw, "no face": ~probes.is_face},
        "kind": {kind: probes.kinds == kind for kind in np.unique(probes.kinds).tolist() if " and " not in kind},
        "all": _everything(len(probes)),
    }
    return {
        by: {name: _quality_of(recognised[members], quality[members]) for name, members in some.items()}
        for by, some in groups.items()
    }


def _quality_of(recognised: NDArray[np.float64], quality: NDArray[np.float64]) -> dict[str, float | None]:
    area = area_under_curve(quality, recognised >= 0.5)
    return {
        "faces": len(quality),
        "recognised": float(recognised.mean()),
        "mean": float(quality.mean()),
        "auc": None if np.isnan(area) else area,
        "calibration_error": calibration_error(quality, recognised),
    }


def _calibration(faces: LabelledFaces) -> dict[str, Any]:
    """The curve as shipped, on the half of the people it was not fitted to (docs/decisions/0018)."""
    people = np.random.default_rng(0).permutation(faces.identities().max() + 1)
    others = people[len(people) // 2 :]
    limits = thresholds_for(CASIA)
    measured: dict[str, Any] = {"confirmed": {}}
    for name, confirmed in (("all", CONFIRMED), *((str(count), (count,)) for count in CONFIRMED)):
        probes = named_probes(faces, others, limits=limits, seed=2, confirmed=confirmed)
        best = best_names(probes, CALIBRATION.odds(probes.evidence.features))
        figures = {
            "faces": len(best.score),
            "calibration_error": calibration_error(best.score, best.is_right),
            "tpir": best.at_false_rate(),
        }
        if name != "all":
            measured["confirmed"][name] = figures
            continue
        measured["all"] = figures
        measured["probability"] = {
            band: {
                "faces": int(some.sum()),
                "mean": float(best.score[some].mean()),
                "right": float(best.is_right[some].mean()),
            }
            for band, some in bands(best.score, PROBABILITIES).items()
            if some.any()
        }
    return measured


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m ml.studies.model_cards",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--kept", type=Path, default=Path("study"), help="where what was found is kept")
    parser.add_argument("--write", type=Path, default=MEASURED, help="the figures; those of the cards by default")
    options = parser.parse_args(arguments)
    figures = measure(options.data, options.models, options.kept)
    with replacing(options.write) as temporary:
        temporary.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
