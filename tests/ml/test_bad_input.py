"""Bad input to every public function of `ml`: a ValueError that names the argument, or what is documented.

`CALLS` holds good arguments of every function that takes arrays, pictures or numbers. Each argument is spoiled in every
way that fits its kind. What takes none of these, or is tested elsewhere, is listed below with the reason, and a public
function that is listed nowhere fails the last test.
"""

import dataclasses
import importlib
import importlib.resources
import inspect
import math
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from facenet_pytorch import InceptionResnetV1
from PIL import Image
from safetensors.numpy import save_file

import ml
from ml import (
    alignment,
    arguments,
    calibration,
    clustering,
    coarse,
    constraints,
    dbscan,
    device,
    embedding,
    geometry,
    group_distances,
    group_ids,
    identification,
    images,
    kept_faces,
    kept_rows,
    linkage,
    map_layout,
    models,
    neighbours,
    placing,
    projection,
    quality,
    regrouping,
    scoring,
    separation,
    strictness,
    subgroups,
    suppression,
)
from ml.bench import contestants, inputs, racing, report
from ml.bench.racing import Measurement
from ml.checked_files import WeightsUnavailable
from ml.compression import compress
from ml.conversion import facenet_from_graph
from ml.evaluation import (
    answers,
    detection,
    folder,
    labelled_faces,
    machines,
    matching,
    naming,
    pairs,
    plots,
    verification,
)
from ml.evaluation import clustering as grouping_score
from ml.evaluation import identification as identification_score
from ml.evaluation import quality as quality_curve
from ml.evaluation.csv_rows import BadLabels, read_rows
from ml.evaluation.labels import LabelledPhoto
from ml.faces import KnownFace
from ml.geometry import BoundingBox
from ml.quantisation import quantise
from ml.studies import alignment as alignment_study
from ml.studies import arrivals, cuts, detection_settings, earlier_quality, line_plot, quality_model, spoiling
from ml.studies.probes import CLEAN, Probes
from tests.ml.synthetic import make_embeddings, make_labelled_faces

RANDOM = np.random.default_rng(4)
PHOTO = Image.fromarray(RANDOM.integers(0, 256, (90, 120, 3)).astype(np.uint8))
FACE = RANDOM.integers(0, 256, (160, 160, 3)).astype(np.uint8)
CORNERS = np.array([30, 20, 80, 80], np.float32)
LANDMARKS = np.array([(44, 43), (67, 43), (55, 55), (46, 66), (66, 66)], np.float32)
BOXES = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)
ROWS, PEOPLE = make_embeddings(RANDOM, [4] * 12)
LABELS = PEOPLE.astype(np.int64)
FACES = make_labelled_faces(ROWS, LABELS)
QUALITIES = np.linspace(0.1, 0.9, len(ROWS))
DISTANCES = np.linspace(0.1, 0.9, 20).astype(np.float32)
SAME = np.arange(20) % 2 == 0
MEASURES = RANDOM.normal(size=(len(ROWS), len(quality.FITTED.measures)))
PROBES = Probes(FACES.files, FACES.persons, np.full(len(ROWS), CLEAN), MEASURES, np.zeros(len(ROWS)), ROWS)
PAIRS = verification.PairedFaces(np.arange(20), np.arange(20, 40), SAME, np.arange(20) % 4)
RUN = Measurement((1.0, 2.0), (1.0, 2.0), 3, 4, "1")
CURVE = np.array([[0.5, 1.0], [1.0, 0.8]])
AXIS = plots.Axis(0, 1, [(0, "0")], "share")
CALIBRATION = calibration.CALIBRATION
KNOWN = scoring.Gallery(ROWS, LABELS)
KNOWN_PROBES = scoring.Probes(ROWS[:3], QUALITIES[:3])
RATED = {"face": FACE, "corners": CORNERS, "landmarks": LANDMARKS, "score": 0.9}
CUT = {"image": PHOTO, "corners": CORNERS, "landmarks": LANDMARKS}
SPOILED = {"image": PHOTO, "face": CORNERS}
PAIRED = {"distances": DISTANCES, "same": SAME}
GALLERY = {"probes": ROWS[:3], "gallery": ROWS, "persons": LABELS}
BOX = BoundingBox(0.1, 0.2, 0.3, 0.4)
PAIRS_KNOWN = {
    "apart": np.array([[0, 1]]), "together": np.array([[2, 3]]), "photos": np.arange(len(ROWS)),
    "repeats": np.array([1, 2]),
}  # fmt: skip

KEPT_ROWS = kept_rows.KeptRows(ROWS, threshold=0.4)
KEPT = {
    "keys": np.arange(len(ROWS)),
    "rows": ROWS,
    "before": LABELS,
    "photos": np.arange(len(ROWS)),
    "good": QUALITIES > 0.3,
}
KEPT_FACES = kept_faces.KeptFaces(**KEPT, threshold=0.4)
PLACES = np.arange(len(KEPT_FACES.is_there))
TO_GROUP = regrouping.faces_to_group(ROWS, LABELS, LABELS > 8)

CALLS: dict[Callable[..., Any], dict[str, Any]] = {
    alignment.crop_for_embedding: CUT,
    alignment.cut_by_landmarks: {"image": PHOTO, "landmarks": LANDMARKS, "margin": 32},
    alignment.tilt: {"landmarks": LANDMARKS},
    alignment.cut_turned: {"image": PHOTO, "middle": 50 + 40j, "width": 40.0, "height": 50.0, "angle": 0.1},
    alignment.warp_to_layout: {
        "image": PHOTO, "landmarks": LANDMARKS, "layout": alignment.ARCFACE_LAYOUT, "side": 112,
    },
    alignment.fit_similarity: {"landmarks": LANDMARKS, "layout": alignment.ARCFACE_LAYOUT},
    alignment.crop_for_display: {"image": PHOTO, "corners": CORNERS},
    calibration.Calibration.stretched: {"self": CALIBRATION, "factor": 1.5},
    calibration.calibration_for: {"suggestion": 0.36},
    calibration.probabilities_of: {"odds": np.zeros(3), "probes": np.array([0, 0, 1])},
    calibration.fit_curve: {
        "matrix": np.linspace(0, 1, 60).reshape(20, 3), "is_right": np.arange(20) % 3 > 0, "weights": np.ones(20),
        "start": np.zeros(4), "strength": 0.5,
    },
    calibration.within_budget: {"probabilities": QUALITIES, "one_wrong_in": 50},
    calibration.calibration_error: {"probabilities": QUALITIES, "is_right": QUALITIES > 0.4, "bins": 10},
    scoring.Gallery: {"rows": ROWS, "persons": LABELS, "total": 100},
    scoring.Probes: {
        "rows": ROWS, "qualities": QUALITIES, "groups": LABELS, "own": LABELS, "impossible": np.array([[0, 1]]),
        "asked": np.array([[0, 1]]),
    },
    scoring.Company: {"groups": np.arange(3), "means": ROWS[:3], "sizes": np.array([2, 1, 4])},
    scoring.company_of: {"rows": ROWS, "labels": LABELS},
    scoring.weigh: {"probes": KNOWN_PROBES, "gallery": KNOWN, "candidates": 8},
    scoring.Evidence.is_among_nearest: {"self": scoring.weigh(KNOWN_PROBES, KNOWN), "count": 3},
    separation.separate: {"first": ROWS[:8], "second": ROWS[8:16]},
    separation.Separator.sides: {"self": separation.separate(ROWS[:8], ROWS[8:16]), "rows": ROWS},
    machines.machine_values: {
        "rows": KNOWN_PROBES.rows, "evidence": scoring.weigh(KNOWN_PROBES, KNOWN), "gallery": KNOWN, "fewest": 5,
    },
    naming.named_probes: {
        "faces": FACES, "people": np.arange(12), "limits": identification.thresholds_for(models.CASIA), "seed": 0,
    },
    dbscan.cluster_embeddings: {"embeddings": ROWS, "threshold": 0.4, "min_faces": 2},
    neighbours.pairs_within: {"rows": ROWS, "threshold": 0.4},
    neighbours.pairs_between: {"rows": ROWS, "others": ROWS, "threshold": 0.4},
    neighbours.in_order: {"look": lambda first, second: np.array([first]), "blocks": np.array([[0, 0], [0, 8]])},
    neighbours.bound_axes: {"rows": ROWS, "least": 0.5, "longest": 1.0, "full_pair": 4000.0},
    neighbours.within: {
        "places": np.array([[0, 1]]), "rows": ROWS, "others": ROWS, "first": 0, "second": 0, "least": 0.5, "doubt": 0.1,
    },
    coarse.frame_for: {"rows": ROWS, "axes": np.eye(ROWS.shape[1], 16), "least": 0.5, "longest": 1.0},
    kept_rows.KeptRows: {"rows": ROWS, "threshold": 0.4},
    kept_rows.KeptRows.put: {"self": kept_rows.KeptRows(ROWS, threshold=0.4), "places": np.arange(3), "rows": ROWS[:3]},
    kept_rows.KeptRows.remove: {"self": kept_rows.KeptRows(ROWS, threshold=0.4), "places": np.arange(3)},
    kept_rows.KeptRows.near: {"self": KEPT_ROWS, "probes": ROWS[:3]},
    kept_faces.KeptFaces: {**KEPT, "threshold": 0.4},
    kept_faces.KeptFaces.put: {
        "self": kept_faces.KeptFaces(**KEPT, threshold=0.4), "places": np.arange(len(ROWS)), **KEPT,
    },
    kept_faces.KeptFaces.remove: {"self": kept_faces.KeptFaces(**KEPT, threshold=0.4), "places": np.arange(3)},
    kept_faces.KeptFaces.before_of: {"self": KEPT_FACES, "places": np.arange(3)},
    placing.place_among: {
        "kept": KEPT_FACES, "is_new": PLACES == 3, "held": PLACES < 2, "apart": np.array([[0, 4]]),
        "together": np.array([[2, 3]]), "repeats": np.array([1, 2]), "cuts": regrouping.Cuts(0.4, 0.45),
    },
    clustering.group_faces: {
        "embeddings": ROWS, "proposal_threshold": 0.4, "linkage_threshold": 0.4, "min_faces": 2,
        "may_seed": np.ones(len(ROWS), bool), **PAIRS_KNOWN,
    },
    regrouping.regroup: {
        "rows": ROWS, "before": LABELS, "is_new": LABELS > 8, "proposal_threshold": 0.4, "linkage_threshold": 0.4,
        "min_faces": 2, "settled": 5, "may_seed": np.ones(len(ROWS), bool), "held": LABELS < 2, **PAIRS_KNOWN,
    },
    regrouping.faces_to_group: {
        "rows": ROWS, "before": LABELS, "is_new": LABELS > 8, "may_seed": np.ones(len(ROWS), bool), "held": LABELS < 2,
        "apart": np.array([[0, 4]]), "together": np.array([[2, 3]]), "of_photos": np.array([[5, 9]]),
        "sizes": LABELS + 1, "weights": LABELS + 1,
    },
    regrouping.linked_anew: {
        "faces": TO_GROUP, "units": TO_GROUP.units(), "base": 12, "cuts": regrouping.Cuts(0.4, 0.45),
        "report": lambda share: None, "edges": (np.array([0, 1]), np.array([4, 5])),
    },
    arrivals.faces_with_other_mates: {"before": LABELS, "after": LABELS},
    map_layout.lay_out: {"rows": ROWS, "radii": np.full(len(ROWS), 3.0), "width": 200.0, "height": 100.0},
    linkage.link: {
        "means": ROWS, "sizes": LABELS + 1, "apart": np.array([[0, 1]]), "threshold": 0.4,
    },
    subgroups.find_subgroups: {"rows": ROWS, "threshold": 0.4},
    constraints.pairs_of_one_photo: {"photos": LABELS, "repeats": np.array([1])},
    constraints.sets_of_one_person: {
        "faces": len(ROWS), "together": np.array([[0, 1]]), "apart": np.array([[1, 2]]), "kinds": LABELS,
    },
    group_ids.match_labels: {"old": ["a", None], "new": np.array([0, 1])},
    geometry.BoundingBox: {"left": 0.1, "top": 0.1, "width": 0.1, "height": 0.1},
    geometry.BoundingBox.from_pixels: {"corners": CORNERS, "size": (90, 120)},
    geometry.BoundingBox.to_pixels: {"self": BOX, "size": (90, 120)},
    geometry.pairwise_overlap: {"boxes": BOXES, "others": BOXES},
    geometry.squared: {"boxes": BOXES},
    group_distances.group_means: {"rows": ROWS, "groups": LABELS},
    group_distances.group_distances: {"means": ROWS[:3], "sizes": np.array([1, 2, 3]), "threshold": 0.4},
    group_distances.usual_width: {"threshold": 0.4},
    group_distances.widths_of: {"means": ROWS[:3], "sizes": np.array([1, 2, 3]), "usual": 0.3},
    group_distances.same_person: {"distances": DISTANCES, "threshold": 0.3},
    identification.closest_people: {**GALLERY, "threshold": 0.4},
    identification.assign_people: {"probabilities": np.full((2, 3), 0.3), "least": 0.5},
    images.decode_smaller: {"image": PHOTO, "min_side": 1920},
    models.make_plugged_in: {
        "name": "own", "description": "", "crop": "box", "side": 112, "dimensions": 512, "faces_at_once": 8,
    },
    projection.Projection: {"centre": np.zeros(4), "basis": np.eye(3, 4)},
    projection.Projection.apply: {
        "self": projection.Projection(np.zeros(64), np.eye(3, 64)), "embeddings": ROWS,
    },
    projection.plain_projection: {"dimensions": 128},
    projection.unit_rows: {"rows": ROWS},
    projection.library_centre: {"projections": ROWS, "labels": LABELS},
    projection.recentred: {"projections": ROWS, "centre": ROWS[0] / 2},
    quality.QualityModel.probability: {"self": quality.FITTED, "measured": MEASURES},
    quality.QualityModel.scaled: {"self": quality.FITTED, "measured": MEASURES},
    quality.face_quality: RATED,
    quality.measure_face: RATED,
    quality.check_rated: RATED,
    quality.breadth: {"corners": CORNERS},
    quality.length: {"landmarks": LANDMARKS},
    strictness.stranger_distances: {"projections": ROWS, "people": LABELS},
    strictness.match_strictness: {
        "distances": DISTANCES, "reference_distances": DISTANCES, "reference": models.MODELS[models.CASIA],
    },
    suppression.suppress_overlaps: {"boxes": BOXES, "scores": np.array([0.5, 0.6]), "threshold": 0.5},
    suppression.suppress_neighbours: {
        "boxes": BOXES, "scores": np.array([0.5, 0.6]), "places": np.array([[0, 0], [0, 1]]), "threshold": 0.5,
    },
    # evaluation
    answers.AnswerCurve: {"answers": LABELS, "right": LABELS, "wrong": LABELS, "faces": 5},
    answers.AnswerCurve.answers_per_face: {"self": answers.AnswerCurve(LABELS, LABELS, LABELS, 5), "share": 0.9},
    answers.AnswerCurve.wrong_names: {"self": answers.AnswerCurve(LABELS, LABELS, LABELS, 5), "share": 0.9},
    answers.one_answer_each: {"people": LABELS, "to_name": LABELS >= 0},
    answers.each_face_alone: {"people": LABELS, "to_name": LABELS >= 0},
    answers.name_groups: {"labels": LABELS, "people": LABELS, "to_name": LABELS >= 0},
    answers.nearest_neighbour_groups: {"rows": ROWS, "threshold": 0.4},
    answers.baselines: {"rows": ROWS, "people": LABELS, "to_name": LABELS >= 0, "share": 0.95},
    grouping_score.plain_average_linkage: {
        "projections": ROWS, "proposal_threshold": 0.4, "linkage_threshold": 0.45,
    },
    grouping_score.score_grouping: {
        "projections": ROWS, "qualities": QUALITIES, "people": LABELS,
        "thresholds": identification.thresholds_for(models.CASIA),
    },
    grouping_score.best_dbscan: {"projections": ROWS, "people": LABELS, "thresholds": (0.3, 0.4)},
    grouping_score.score_groups: {"labels": LABELS, "people": LABELS, "threshold": 0.3},
    grouping_score.bcubed: {"labels": LABELS, "people": LABELS},
    grouping_score.pairwise_score: {"labels": LABELS, "people": LABELS},
    detection.SearchedPhoto: {
        "photo": LabelledPhoto("a.jpg", (), "complete"), "boxes": BOXES, "scores": np.array([0.5, 0.6]),
    },
    detection.precision_recall_curve: {"scores": DISTANCES, "hits": SAME, "faces": 12},
    detection.average_precision: {"curve": CURVE},
    folder.sampled_people: {"faces": FACES, "most": 10, "seed": 0},
    identification_score.score_suggestions: {
        "faces": FACES, "threshold": 0.4, "confirmed": 3, "poor_quality": 0.3,
    },
    identification_score.score_identification: {
        "faces": FACES, "false_positive_rate": 0.01, "seed": 0, "confirmed": 3, "poor_quality": 0.3,
    },
    identification_score.true_identification_rate: {
        "distances": DISTANCES, "right": SAME, "known": SAME, "false_positive_rate": 0.01,
    },
    identification_score.distance_naming: {"strangers": DISTANCES, "share": 0.01},
    identification_score.nearest_people: GALLERY,
    labelled_faces.LabelledFaces: {field.name: getattr(FACES, field.name) for field in dataclasses.fields(FACES)},
    labelled_faces.Findings: {
        "faces": FACES, "found": np.ones(len(ROWS), bool), "mirrored": ROWS, "photos": (), "problems": (),
    },
    matching.corners_of: {"boxes": [(0, 0, 10, 10)]},
    matching.match_boxes: {"found": BOXES, "drawn": BOXES},
    matching.main_face: {"found": BOXES, "size": (30, 30), "free": np.array([True, False])},
    pairs.made_pairs: {"photos": (), "seed": 0},
    plots.Axis: {"low": 0.1, "high": 1.0, "ticks": (), "label": "share"},
    plots.Axis.shares: {"self": AXIS, "values": QUALITIES},
    plots.Series: {"name": "a", "style": "yes", "points": CURVE},
    plots.percent_axis: {"label": "share", "low": 0.0, "high": 1.0, "steps": 5},
    plots.bar_plot: {
        "title": "", "label": "", "names": ["a", "b"], "shares": np.array([0.1, 0.2]), "value_label": "",
    },
    quality_curve.nearest_is_wrong: {"projections": ROWS, "people": LABELS, "photos": np.arange(len(ROWS))},
    verification.PairedFaces: {
        "first": np.arange(20), "second": np.arange(20), "same": SAME, "folds": np.arange(20) % 4,
    },
    verification.score_verification: {"distances": DISTANCES, "pairs": PAIRS},
    verification.pair_distances: {"rows": ROWS, "pairs": PAIRS},
    verification.centred_distances: {"rows": ROWS, "pairs": PAIRS, "fewest_faces": 3},
    verification.fold_accuracies: {**PAIRED, "folds": np.arange(20) % 4},
    verification.best_threshold: PAIRED,
    verification.true_accept_rate: {**PAIRED, "false_accept_rate": 0.01},
    verification.roc_curve: PAIRED,
    verification.pair_accuracy: PAIRED,
    verification.fitted_projection: {"embeddings": ROWS, "dimensions": 4},
    verification.all_pairs: {"rows": ROWS, "people": LABELS},
    # bench
    contestants.stock_embedder: {"faces": FACE[None], "batch": 1, "models_dir": None, "model": ""},
    contestants.our_embedder: {"faces": FACE[None], "batch": 1, "models_dir": None, "model": ""},
    contestants.cosines_to_stock: {"faces": FACE[None], "models_dir": None, "model": ""},
    inputs.choose_photos: {"folder": importlib.resources.files(ml) / "nowhere", "most": 3},
    racing.race: {"contestants": (), "rounds": 1},
    report.compared: {"measured": {report.BASELINE: RUN, report.OURS: RUN}, "things": 3},
    # studies
    alignment_study.verify: {"embeddings": ROWS, "people": LABELS, "centred": True},
    alignment_study.gain_interval: {"before": SAME, "after": ~SAME},
    cuts.box: {"margin": 32},
    cuts.even_air: {"margin": 32},
    cuts.square: {"margin": 32},
    cuts.similarity: {"margin": 32},
    cuts.stretched_similarity: {"margin": 32},
    cuts.deskewed: {"margin": 32, "degrees": 10.0},
    **dict.fromkeys(cuts.CUTS.values(), CUT),
    **{spoil: {**SPOILED, "random": np.random.default_rng(1)} for spoil in spoiling.SPOILERS.values()},
    detection_settings.BoxedPhoto: {"image": PHOTO, "boxes": BOXES, "has_all": True},
    detection_settings.BoxedPhoto.shrunk: {
        "self": detection_settings.BoxedPhoto(PHOTO, BOXES, has_all=True), "factor": 2.0,
    },
    detection_settings.big_photo: {
        "photos": [detection_settings.BoxedPhoto(PHOTO, BOXES, has_all=True)], "face_side": 5.0,
    },
    detection_settings.match: {"drawn": BOXES, "found": BOXES},
    earlier_quality.earlier_quality: RATED,
    line_plot.Line: {"name": "a", "xs": [1.0, 2.0], "ys": [1.0, math.nan]},
    line_plot.line_plot: {
        "lines": [line_plot.Line("a", [1.0, 2.0], [0.1, 0.2])], "title": "", "across": "", "up": "", "lowest": 0.0,
        "highest": 1.0,
    },
    quality_model.recognise: {"probes": PROBES, "gallery": FACES, "threshold": 0.4},
    quality_model.fit: {"measures": MEASURES, "is_face": np.ones(len(ROWS), bool), "wanted": QUALITIES},
    quality_model.held_out: {"probes": PROBES, "wanted": QUALITIES},
    quality_model.area_under_curve: {"score": DISTANCES, "is_recognised": SAME},
    quality_model.by_probability: {"probability": QUALITIES, "happened": QUALITIES},
    quality_model.by_tenth: {"score": QUALITIES, "happened": QUALITIES},
}  # fmt: skip
# Takes weights and networks to call with success.
ONLY_REFUSED = (contestants.stock_embedder, contestants.our_embedder, contestants.cosines_to_stock)
# What is said of these arguments in docstrings, instead of an error.
DOCUMENTED = {
    (identification.assign_people, "probabilities", "NaN"),  # counts as improbable
    (images.decode_smaller, "image", "grey"), (images.decode_smaller, "image", "RGBA"),  # any mode
    (images.decode_smaller, "image", "float"), (images.decode_smaller, "image", "no pixels"),
    (images.decode_smaller, "image", "an array"),
    (grouping_score.score_groups, "threshold", "NaN"),  # goes into the result as it is
    # Any shape, and the others must have the same, or be one number.
    (quality.QualityModel.probability, "measured", "one dimension more"),
    (quality.QualityModel.scaled, "measured", "one dimension more"),
    (grouping_score.best_dbscan, "thresholds", "one more"),
    (group_distances.same_person, "distances", "one dimension more"),  # any shape
    (group_distances.same_person, "distances", "one number"),
    (line_plot.Line, "ys", "NaN"),  # is left out
    # Some fields are text, others numbers: the type checker's business.
    *((labelled_faces.LabelledFaces, name, "text") for name in ("embeddings", "projections", "qualities", "sides")),
    (labelled_faces.LabelledFaces, "embeddings", "one dimension more"),
}  # fmt: skip


def spoiled(value: Any) -> Iterator[tuple[str, Any]]:
    """Every way in which a good argument of its kind can be bad."""
    if isinstance(value, Image.Image):
        yield "grey", value.convert("L")
        yield "RGBA", value.convert("RGBA")
        yield "float", value.convert("F")
        yield "no pixels", Image.new("RGB", (0, 0))
        yield "an array", np.asarray(value)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        yield "NaN", np.full(value.shape, np.nan)
        yield "one dimension more", value[None]
        yield "one number", value.ravel()[0]
        yield "text", np.full(value.shape, "a")
    elif isinstance(value, list | tuple) and value and isinstance(value[0], int | float):
        yield "NaN", [math.nan] * len(value)
        yield "one more", [*value, value[0]]
    elif isinstance(value, float):
        yield "NaN", math.nan
    elif isinstance(value, complex):
        yield "NaN", complex(math.nan, 0)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield "NaN", math.nan
        yield "below 0", -1


def cases() -> Iterator[Any]:
    for function, good in CALLS.items():
        for name, value in good.items():
            for way, bad in spoiled(value):
                if (function, name, way) not in DOCUMENTED:
                    yield pytest.param(function, name, bad, id=f"{key_of(function)}({name}: {way})")


def key_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


@pytest.mark.parametrize(("function", "name", "bad"), list(cases()))
def test_a_bad_argument_is_a_value_error_that_names_it(function, name, bad):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        call(function, CALLS[function] | {name: bad})


@pytest.mark.parametrize("function", [one for one in CALLS if one not in ONLY_REFUSED], ids=key_of)
def test_the_same_call_with_good_arguments_succeeds(function):
    call(function, CALLS[function])


def call(function: Callable[..., Any], values: dict[str, Any]) -> Any:
    values = dict(values)
    own = [values.pop("self")] if "self" in values else []
    return function(*own, **values)


SHORT = [
    (neighbours.bound_axes, "longest", -1.0),
    (neighbours.in_order, "blocks", np.array([[0, -1]])),
    (neighbours.within, "places", np.array([[0, len(ROWS)]])),
    (neighbours.within, "places", np.array([[-1, 0]])),
    (neighbours.within, "first", len(ROWS)),
    (neighbours.within, "others", ROWS[:, 1:]),
    (coarse.frame_for, "axes", np.eye(ROWS.shape[1] + 1, 16)),
    (kept_rows.KeptRows, "threshold", 1.0),
    (kept_rows.KeptRows.put, "places", np.arange(2)),
    (kept_rows.KeptRows.put, "places", np.array([0, 1, -1])),
    (kept_rows.KeptRows.put, "rows", ROWS[:3] * 2),
    (kept_rows.KeptRows.put, "rows", ROWS[:3, 1:]),
    (kept_rows.KeptRows.remove, "places", np.array([-1])),
    (kept_rows.KeptRows.near, "probes", ROWS[:3, 1:]),
    (kept_faces.KeptFaces, "keys", np.arange(3)),
    (kept_faces.KeptFaces, "good", np.ones(3, bool)),
    (kept_faces.KeptFaces.put, "photos", np.arange(3)),
    (kept_faces.KeptFaces.put, "places", np.arange(len(ROWS)) - 1),
    (kept_faces.KeptFaces.before_of, "places", np.array([PLACES[-1] + 1])),
    (placing.place_among, "is_new", np.ones(3, bool)),
    (placing.place_among, "apart", np.array([[0, PLACES[-1] + 1]])),
    (placing.place_among, "together", np.array([[-1, 0]])),
    (regrouping.faces_to_group, "sizes", np.arange(3)),
    (regrouping.faces_to_group, "of_photos", np.array([[0, 1000]])),
    (regrouping.linked_anew, "units", PLACES[: len(ROWS)] + 1),
    (regrouping.linked_anew, "edges", (np.array([0]), np.array([1000]))),
    (calibration.calibration_error, "is_right", QUALITIES[1:] > 0.4),
    (calibration.calibration_error, "probabilities", QUALITIES * 2),
    (calibration.calibration_error, "probabilities", np.zeros(0)),
    (naming.named_probes, "people", np.array([0])),
    (naming.named_probes, "people", np.array([3, 99])),
    (clustering.group_faces, "may_seed", np.ones(3, bool)),
    (clustering.group_faces, "linkage_threshold", 0.0),
    (clustering.group_faces, "apart", np.array([[0, 1000]])),
    (clustering.group_faces, "together", np.array([[-1, 0]])),
    (clustering.group_faces, "photos", np.arange(3)),
    (regrouping.regroup, "before", np.arange(3)),
    (regrouping.regroup, "is_new", np.ones(3, bool)),
    (regrouping.regroup, "held", np.ones(3, bool)),
    (map_layout.lay_out, "radii", np.full(len(ROWS), -1.0)),
    (map_layout.lay_out, "before", np.zeros((2, 2))),
    (linkage.link, "sizes", np.zeros(len(ROWS), np.int64)),
    (linkage.link, "apart", np.array([[0, 1000]])),
    (subgroups.find_subgroups, "min_faces", 1),
    (constraints.sets_of_one_person, "together", np.array([[0, 1000]])),
    (dbscan.cluster_embeddings, "min_faces", 0),
    (group_distances.group_means, "groups", LABELS[1:]),
    (group_distances.group_distances, "sizes", np.array([1, 2])),
    (group_distances.group_distances, "sizes", np.array([1, 0, 2])),
    (group_distances.widths_of, "sizes", np.array([1, 2])),
    (group_ids.match_labels, "new", np.zeros(3, np.int64)),
    (geometry.BoundingBox, "width", -0.1),
    (geometry.BoundingBox.from_pixels, "size", (0, 10)),
    (geometry.BoundingBox.to_pixels, "size", (10, -1)),
    (geometry.pairwise_overlap, "others", BOXES[:, :3]),
    (identification.closest_people, "persons", LABELS[1:]),
    (identification.closest_people, "gallery", ROWS[:, 1:]),
    (images.decode_smaller, "min_side", 0),
    (models.make_plugged_in, "crop", "circle"),
    (models.make_plugged_in, "dimensions", 513),
    (projection.Projection, "basis", np.eye(3)),
    (projection.Projection.apply, "embeddings", ROWS[:, 1:]),
    (projection.library_centre, "labels", LABELS[1:]),
    (projection.recentred, "centre", ROWS[0, 1:]),
    (quality.QualityModel.scaled, "measured", MEASURES[:, 1:]),
    (strictness.match_strictness, "distances", DISTANCES[::-1]),
    (strictness.match_strictness, "reference_distances", DISTANCES[1:]),
    (suppression.suppress_overlaps, "scores", DISTANCES),
    (suppression.suppress_neighbours, "places", np.array([[0, -1], [0, 1]])),
    (suppression.suppress_neighbours, "places", np.array([[2**31, 0], [100, 0]])),
    (suppression.suppress_neighbours, "places", np.array([[2_000_000, 0], [0, 2_000_000]])),
    (suppression.suppress_neighbours, "boxes", np.full((2, 4), 1e300)),
    (grouping_score.score_grouping, "qualities", QUALITIES[1:]),
    (grouping_score.best_dbscan, "thresholds", ()),
    (grouping_score.bcubed, "people", LABELS[1:]),
    (detection.SearchedPhoto, "scores", DISTANCES),
    (detection.precision_recall_curve, "hits", SAME[1:]),
    (detection.average_precision, "curve", CURVE[::-1]),
    (identification_score.nearest_people, "persons", LABELS[1:]),
    (labelled_faces.Findings, "found", np.ones(3, bool)),
    (matching.main_face, "free", np.ones(3, bool)),
    (plots.Axis, "high", 0.1),
    (quality_curve.nearest_is_wrong, "photos", np.arange(3)),
    (verification.pair_distances, "pairs", dataclasses.replace(PAIRS, first=np.arange(1000, 1020))),
    (verification.pair_accuracy, "distances", DISTANCES[:1]),
    (verification.best_threshold, "same", SAME[1:]),
    (verification.true_accept_rate, "same", np.ones(20, bool)),
    (verification.fitted_projection, "dimensions", 1000),
    (contestants.our_embedder, "faces", FACE[None, 1:]),
    (contestants.our_embedder, "faces", FACE[None][:0]),
    (racing.race, "rounds", 0),
    (report.compared, "measured", {report.OURS: RUN}),
    (report.compared, "things", 0),
    (alignment_study.verify, "people", np.zeros(len(ROWS), np.int64)),
    (alignment_study.gain_interval, "after", SAME[1:]),
    (cuts.box, "margin", 160),
    (detection_settings.big_photo, "photos", []),
    (quality_model.recognise, "gallery", FACES.only(np.zeros(len(ROWS), bool))),
    (quality_model.held_out, "left_out", (8,)),
    (quality_model.by_tenth, "score", QUALITIES[:9]),
    (line_plot.Line, "xs", [1.0]),
]


@pytest.mark.parametrize(("function", "name", "bad"), SHORT, ids=lambda one: key_of(one) if callable(one) else "")
def test_arguments_that_do_not_fit_one_another_are_refused_by_name(function, name, bad):
    with pytest.raises(ValueError, match=rf"\b{name}\b"):
        call(function, CALLS[function] | {name: bad})


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_pictures_of_a_pixel_are_cut(size):
    image = Image.new("RGB", size, "red")

    assert alignment.crop_for_embedding(image, CORNERS).shape == (160, 160, 3)
    assert alignment.crop_for_embedding(image, CORNERS, LANDMARKS).shape == (160, 160, 3)
    assert alignment.warp_to_layout(image, LANDMARKS, alignment.ARCFACE_LAYOUT, 112).shape == (112, 112, 3)
    assert min(alignment.crop_for_display(image, CORNERS).size) == 1


def test_a_box_far_beside_the_picture_shows_its_nearest_pixels():
    far = np.array([1e18, 1e18, 2e18, 2e18], np.float32)

    assert alignment.crop_for_embedding(PHOTO, far).shape == (160, 160, 3)
    assert alignment.crop_for_embedding(PHOTO, -far[::-1]).shape == (160, 160, 3)


def test_corners_the_wrong_way_round_make_a_box_without_a_side():
    assert BoundingBox.from_pixels(CORNERS[[2, 1, 0, 3]], PHOTO.size).width == 0


def test_nothing_comes_of_nothing():
    nobody, no_labels = np.zeros((0, 64), np.float32), np.zeros(0, np.int64)

    assert dbscan.cluster_embeddings(nobody, threshold=0.4).shape == (0,)
    assert clustering.group_faces(nobody).shape == (0,)
    assert identification.closest_people(nobody, ROWS, LABELS, threshold=0.4) == []
    assert identification.closest_people(ROWS, nobody, no_labels, threshold=0.4) == []
    assert identification.closest_people(ROWS, np.zeros((0, 0)), no_labels, threshold=0.4) == []
    assert identification.closest_people(np.zeros((0, 0)), ROWS, LABELS, threshold=0.4) == []
    assert identification.assign_people(np.zeros((0, 0)), least=0.5) == []
    assert linkage.link(nobody, no_labels, np.zeros((0, 2), np.int64), threshold=0.4).shape == (0,)
    assert constraints.pairs_of_one_photo(no_labels).shape == (0, 2)
    assert projection.unit_rows(nobody).shape == (0, 64)
    assert not projection.library_centre(nobody, no_labels).any()
    assert strictness.stranger_distances(nobody, no_labels).shape == (0,)
    assert matching.match_boxes(np.zeros((0, 4)), BOXES).tolist() == [-1, -1]
    assert matching.corners_of([]).shape == (0, 4)
    assert detection.average_precision(np.zeros((0, 2))) == 0
    assert suppression.suppress_overlaps(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []


def test_a_grey_of_floats_that_are_no_numbers_is_black():
    greys = np.array([[np.nan, np.inf, 1.0, 0.5]], np.float32)

    shown = np.asarray(images.upright_rgb(Image.fromarray(greys), Image.new("F", (1, 1))))

    assert shown[0, :, 0].tolist() == [0, 0, 255, 127]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("is_right", np.ones(4, bool)),
        ("is_right", np.zeros(3, bool)),
        ("weights", np.ones(3)),
        ("weights", np.full(4, np.nan)),
    ],
)
def test_pairs_that_cannot_be_fitted_are_refused(name, bad):
    features = scoring.Features(*[np.linspace(0, 1, 4)] * len(dataclasses.fields(scoring.Features)))
    good = {"is_right": np.array([True, False, True, False]), "weights": np.ones(4)}

    with pytest.raises(ValueError, match=name):
        calibration.fit_calibration(features, **good | {name: bad})


@pytest.mark.parametrize("faces", [[FACE / 255], [FACE[1:]], [FACE, FACE[:112, :112]], [FACE[..., 0]], [FACE[:0, :0]]])
def test_faces_that_the_network_cannot_take_are_refused(faces):
    with pytest.raises(ValueError, match="faces must"):
        embedding.embed_faces(faces, None, None)


@pytest.mark.parametrize("plane", [np.zeros((2, 9)), np.zeros((9, 9, 3)), np.zeros(9)])
@pytest.mark.parametrize("measure", [quality.detail, quality.grain])
def test_a_plane_too_small_to_measure_is_refused(measure, plane):
    with pytest.raises(ValueError, match="grey must"):
        measure(plane)


@pytest.mark.parametrize("shape", [(3, 4), (0, 0), (4, 4, 3)])
def test_what_cannot_be_halved_is_refused(shape):
    with pytest.raises(ValueError, match="grey must"):
        quality.halved(np.zeros(shape))


@pytest.mark.parametrize("mode", ["L", "RGBA", "F", "CMYK"])
def test_the_finder_refuses_pictures_that_are_not_rgb(finder, mode):
    image = PHOTO.convert("RGB").convert(mode) if mode != "F" else PHOTO.convert("F")

    with pytest.raises(ValueError, match=r"images\[1\] must be RGB"):
        finder.find_faces([PHOTO, image])
    with pytest.raises(ValueError, match="image must be RGB"):
        finder.embed_box(image, BOX)
    with pytest.raises(ValueError, match="image must be RGB"):
        finder.embed_drawn(image, BOX)
    with pytest.raises(ValueError, match=r"images\[0\] must be RGB"):
        finder.embed_again([image], [[]])


def test_the_finder_refuses_landmarks_that_are_none(finder):
    with pytest.raises(ValueError, match="landmarks"):
        finder.embed_again([PHOTO], [[KnownFace(BOX, np.full((5, 2), np.nan))]])


def test_the_finder_takes_nothing_and_a_pixel(finder):
    assert finder.find_faces([]) == []
    assert finder.find_faces([Image.new("RGB", (1, 1))]) == [[]]
    assert finder.embed_again([], []) == []


# Files, folders and names


@pytest.mark.parametrize("content", [None, b"", b"no tensors"])
def test_what_is_no_projection_is_said_to_be_unavailable(tmp_path, content):
    path = tmp_path / "own.projection.safetensors"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(WeightsUnavailable, match="own"):
        projection.load_projection(path)


def test_a_projection_that_lacks_a_part_is_said_to_be_unavailable(tmp_path):
    save_file({"centre": np.zeros(4, np.float32)}, tmp_path / "own.safetensors")

    with pytest.raises(WeightsUnavailable, match="basis"):
        projection.load_projection(tmp_path / "own.safetensors")


def test_weights_of_another_network_make_no_projection():
    with pytest.raises(ValueError, match="weights must be InceptionResnetV1's"):
        projection.projection_from_weights({"last_bn.bias": np.zeros(512, np.float32)})


def test_constants_of_another_network_are_refused():
    with pytest.raises(ValueError, match="constants are not those"):
        facenet_from_graph({})


@pytest.mark.parametrize("min_side", [0, -5, math.nan, 2.5])
def test_a_picture_cannot_keep_no_side(tmp_path, min_side):
    PHOTO.save(tmp_path / "photo.png")

    with pytest.raises(ValueError, match="min_side must"):
        images.open_upright(tmp_path / "photo.png", min_side=min_side)


@pytest.mark.parametrize("file", ["missing.jpg", "", None])
def test_a_picture_that_is_not_there_is_unreadable(tmp_path, file):
    with pytest.raises(images.UnreadableImage):
        images.open_upright(tmp_path / file if file is not None else None)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadLabels, match=r"labels\.csv cannot be read"):
        list(read_rows(tmp_path / "labels.csv", ("file",)))


def test_portraits_need_a_folder_and_finders(tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        strictness.portraits_of(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="finders must"):
        strictness.embed_portraits([], [], report=lambda photos: None)


def test_no_portraits_have_no_projections(finder):
    [rows], people = strictness.embed_portraits([], [finder], report=lambda photos: None)

    assert rows.shape == (0, 0)
    assert people.shape == (0,)


@pytest.mark.parametrize("ask", [device.is_available, device.describe_device])
def test_a_device_nobody_knows_is_unavailable(ask):
    with pytest.raises(device.DeviceUnavailable, match="no face device called tpu"):
        ask("tpu")


def test_a_network_in_training_is_not_compressed():
    with pytest.raises(ValueError, match="network must be in evaluation mode"):
        compress(InceptionResnetV1().train())


@pytest.mark.parametrize("pictures", [np.zeros((1, 9, 9)), np.full((1, 9, 9, 3), np.nan), np.zeros((0, 9, 9, 3))])
def test_pictures_to_quantise_by_must_be_some(pictures):
    with pytest.raises(ValueError, match="pictures must"):
        quantise(None, pictures)


def test_runs_of_different_rounds_have_no_ratio():
    with pytest.raises(ValueError, match="baseline and ours"):
        racing.ratio(RUN, dataclasses.replace(RUN, seconds=(1.0,)))


def test_a_study_of_no_photos_is_refused():
    with pytest.raises(ValueError, match="photos must"):
        detection_settings.look([], None)


# Nothing is forgotten

# Modules whose bad input is tested beside their other tests.
TESTED_ELSEWHERE = {
    "ml.compiled", "ml.compression", "ml.convolution", "ml.detection", "ml.device", "ml.engine", "ml.export",
    "ml.growing_clusters", "ml.mtcnn", "ml.networks", "ml.onnx_files", "ml.plugging", "ml.precision",
    "ml.quantisation", "ml.quiet_openvino", "ml.resampling", "ml.weights",
}  # fmt: skip
# Packages with tests of their own beside them, which give them what is no good: tests/ml/training, and so on. Cards are
# made of our own texts and figures.
PACKAGES_TESTED_ELSEWHERE = ("ml.training.", "ml.own_projection.", "ml.cards.")
# Take nothing that comes from outside: one writes machine code, the others get what ml.regrouping has checked.
OF_CODE = {"ml.vectors", "ml.proposals", "ml.units"}
# Take files, folders and names, and say in their docstrings what becomes of those that are missing or broken.
OF_FILES = {
    "ml.checked_files", "ml.downloads", "ml.graphdef", "ml.conversion", "ml.typical_faces", "ml.memory",
    "ml.bench.machine", "ml.evaluation.__main__", "ml.evaluation.csv_rows", "ml.evaluation.face_rows",
    "ml.evaluation.labels", "ml.studies.faceless", "ml.studies.model_cards", "ml.studies.own_projection",
    "ml.studies.probes", "ml.studies.quality", "ml.studies.tables",
}  # fmt: skip
# The same, one by one, in modules that also take arrays; the first of each are tested here, or beside their others.
LISTED = {
    # Of rows that ml.neighbours has checked
    "ml.coarse": {"coarse_rows", "reaching", "Coarse.lines", "Coarse.panels", "Coarse.share_reaching", "Frame.coarse"},
    "ml.kept_faces": {"KeptFaces.before"},  # takes nothing
    # Of arrays that the other function there made
    "ml.dbscan": {"count_neighbours", "join", "labels_of", "roots_of"},
    "ml.calibration": {"Calibration.weights", "Calibration.odds", "Calibration.as_json", "Calibration.from_json",
                       "fit_calibration", "refit_calibration"},
    "ml.scoring": {"Gallery.counts", "Gallery.faces_of", "Gallery.columns_of", "Features.only", "Features.joined",
                   "Features.matrix", "Evidence.only", "Company.only", "Company.joined"},
    "ml.evaluation.naming": {"Best.at_false_rate", "Best.suggested", "Best.best_f", "Best.wrong_within", "best_names",
                             "classic", "fit_only", "named_by_curve", "only", "wider", "score_alike", "print_names",
                             "print_refit"},
    "ml.evaluation.splits": {"measure_split", "print_splits"},
    "ml.constraints": {"checked_pairs"},
    "ml.embedding": {"embed_faces"},
    "ml.faces": {"FaceFinder", "FoundFace.known", "open_face_finder", "load_face_finder"},
    "ml.geometry": {"BoundingBox.intersection_over_union", "checked_boxes"},
    "ml.identification": {"thresholds_for"},
    "ml.images": {"open_upright", "readable_formats", "reduced", "reduced_upright", "upright_rgb"},
    "ml.models": {"FaceModel.limits", "find_model", "describe", "plugged_in_names", "with_thresholds",
                  "write_thresholds", "description_path", "projection_path", "thresholds_path"},
    "ml.projection": {"load_projection", "save_projection", "projection_from_weights"},
    "ml.quality": {"detail", "grain", "halved"},
    "ml.strictness": {"Matched.is_rough", "embed_portraits", "portraits_of"},
    "ml.bench.contestants": {"stock_detector", "our_detector", "plain_loop", "has_face_recognition",
                             "face_recognition_loop"},
    "ml.bench.inputs": {"write_full_hd", "write_enlarged", "cut_faces"},
    "ml.bench.racing": {"Measurement.median_seconds", "Measurement.median_processor_seconds", "in_own_process",
                        "ratio"},
    "ml.bench.report": {"show"},
    # Of what the other functions there made
    "ml.evaluation.answers": {"best_cut"},
    "ml.evaluation.clustering": {"GroupScore.f"},
    "ml.evaluation.detection": {"score_detection"},
    "ml.evaluation.stock": {"compare_with_stock", "StockComparison.agree"},
    "ml.evaluation.folder": {"evaluate", "measure", "paired_rows"},
    "ml.evaluation.groups": {"bands", "drawn_faces", "identification_errors", "share_of"},
    "ml.evaluation.identification": {"identification_trials"},
    "ml.evaluation.share": {"Share.interval", "Share.value", "wilson_interval"},
    "ml.evaluation.labelled_faces": {"LabelledFaces.only", "LabelledFaces.identities", "embed_labelled",
                                     "find_labelled"},
    "ml.evaluation.pairs": {"read_pairs"},
    "ml.evaluation.plots": {"line_plot", "histogram"},
    "ml.evaluation.quality": {"quality_deciles"},
    "ml.evaluation.report": {"report_page"},
    "ml.evaluation.results": {"as_json"},
    "ml.evaluation.tables": {"print_evaluation", "percent", "number"},
    "ml.studies.alignment": {"run", "two_each", "photos_of_pairs"},
    "ml.studies.detection_settings": {"Found.recall", "Found.false_per_photo", "run", "read_boxed_photos", "look",
                                      "smallest_face_table", "threshold_table", "working_side_table"},
    "ml.studies.arrivals": {"Arrived.groups", "Arrived.is_good", "arrive", "all_again", "main"},
    "ml.studies.spoiling": {"checked"},
}  # fmt: skip


def public_names(module: Any) -> Iterator[str]:
    """Functions, and classes with what they can be asked for; records and exceptions are only held."""
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(inspect.unwrap(member)):  # also where a cache is around it
            yield name
        elif inspect.isclass(member) and not issubclass(member, BaseException):
            own = vars(member)
            if "__post_init__" in own or ("__init__" in own and not dataclasses.is_dataclass(member)):
                yield name
            for method, what in own.items():
                if not method.startswith("_") and isinstance(what, property | classmethod) | inspect.isfunction(what):
                    yield f"{name}.{method}"


def test_no_public_function_is_forgotten():
    called = {key_of(function) for function in CALLS} | {"ml.faces.FaceFinder." + name for name in (
        "model_name", "find_faces", "embed_box", "embed_drawn", "embed_again")}  # fmt: skip
    listed = called | {f"{module}.{name}" for module, names in LISTED.items() for name in names}
    skipped = TESTED_ELSEWHERE | OF_FILES | OF_CODE | {arguments.__name__}
    modules = list(pkgutil.walk_packages(ml.__path__, "ml."))
    assert skipped - {found.name for found in modules} == set(), "these are no more"
    public = {
        f"{found.name}.{name}"
        for found in modules
        if found.name not in skipped and not found.name.startswith(PACKAGES_TESTED_ELSEWHERE)
        for name in public_names(importlib.import_module(found.name))
    }

    assert public - listed == set(), "new: add it to CALLS, or say in LISTED that it takes nothing of the kind"
    gone = {name for name in listed - public if "<locals>" not in name}
    assert gone == {"ml.evaluation.labelled_faces.LabelledFaces"}  # checks in its base class
