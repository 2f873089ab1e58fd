"""Which faces will be recognised: fits `ml.quality` on faces that were spoiled in many ways, and measures it.

A face counts as recognised if its right name would be suggested once three other photos of everybody are named.
Quality is always judged by a model that has not seen the person. What was found and embedded is kept in the output
folder and taken from there the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from ml.calibration import calibration_error
from ml.clustering import group_faces
from ml.dbscan import NOISE
from ml.evaluation.clustering import bcubed
from ml.evaluation.identification import score_suggestions
from ml.evaluation.labelled_faces import LabelledFaces, embed_labelled
from ml.evaluation.labels import LabelledPhoto, read_labelled_photos
from ml.evaluation.matching import NONE, corners_of, main_face, match_boxes
from ml.faces import FoundFace, load_face_finder, open_upright
from ml.identification import Thresholds, thresholds_for
from ml.quality import FITTED, QualityModel
from ml.studies.line_plot import Line, line_plot
from ml.studies.probes import CLEAN, LARGE_PART, MODEL, Probes, collect_probes
from ml.studies.quality_model import (
    BINS,
    CONFIRMED,
    Recognition,
    area_under_curve,
    by_probability,
    by_tenth,
    fit,
    held_out,
    recognise,
)
from ml.studies.tables import write_table

LIMITS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
SEED = 0
OF_LARGE_PART, OF_ALBUM = "faces of LFW", "faces of the album"
# What the detector finds beside the faces that have a label, by what is known about the photo.
WHAT_ELSE = {
    "complete": "no face or one hardly visible",
    "no_faces": "no face",
    "partial": "unlabelled, beside labelled faces",
    "name_only": "unlabelled, beside the one meant",
}

Chosen = NDArray[np.bool_]
Rows = TypeVar("Rows", LabelledFaces, Probes)


def run(data: Path, models_dir: Path, output: Path) -> None:
    """Measure, and write tables (quality-*.csv), plots (quality-*.svg) and the model's lines into the output folder."""
    output.mkdir(parents=True, exist_ok=True)
    gallery = load_or_make(output / "faces.npz", LabelledFaces, lambda: embed_labelled(data, models_dir))
    probes = load_or_make(output / "probes.npz", Probes, lambda: collect_probes(data, models_dir))
    limits = thresholds_for(MODEL)
    became = recognise(probes, gallery, limits.suggestion)
    quality = held_out(probes, became.suggested)
    _tell_how_well(probes, became, quality, output)
    _tell_by_kind(probes, became, quality, output)
    _tell_measures(probes, became, output)
    _plot(probes, became, quality, output)
    _tell_limits(probes, became, quality, limits, output)
    _tell_found(data, models_dir, output)
    _tell_model(fit(probes.measures, probes.is_face, became.suggested))


def load_or_make(path: Path, kind: type[Rows], make: Callable[[], Rows]) -> Rows:
    """The rows of a file, made first if there is none."""
    if not path.exists():
        make().save(path)
    return kind.load(path)


def _tell_how_well(probes: Probes, became: Recognition, quality: NDArray[np.float64], output: Path) -> None:
    parts = _parts(probes)
    judged = [(name, chosen, quality) for name, chosen in parts.items()]
    # Other people, other cameras, other cuts: how far does the model carry?
    seen = parts[OF_LARGE_PART] | ~probes.is_face
    carried = fit(probes.measures[seen], probes.is_face[seen], became.suggested[seen]).probability(probes.measures)
    judged.append((f"{OF_ALBUM}, by a model of LFW alone", parts[OF_ALBUM], carried))
    rows: list[list[object]] = []
    for name, chosen, fitted in judged:
        if not chosen.any():
            continue
        rows.append([name, int(chosen.sum()), float(became.suggested[chosen].mean())])
        for score in (probes.earlier, fitted):
            rows[-1] += [
                area_under_curve(score[chosen], became.suggested[chosen] >= 0.5),
                area_under_curve(score[chosen], became.nearest[chosen] >= 0.5),
                calibration_error(score[chosen], became.suggested[chosen]),
            ]
    header = ["faces", "how many", "recognised"]
    header += [f"{score}: {what}" for score in ("earlier", "fitted") for what in ("AUC", "AUC of nearest", "ECE")]
    write_table("Does quality tell which faces are recognised?", header, rows, output / "quality-summary.csv")


def _parts(probes: Probes) -> dict[str, Chosen]:
    """The sets to judge apart."""
    is_face = probes.is_face
    of_large_part = np.char.startswith(probes.files, LARGE_PART)
    return {
        "all": np.ones(len(probes), dtype=bool),
        "faces": is_face,
        OF_LARGE_PART: is_face & of_large_part,
        OF_ALBUM: is_face & ~of_large_part,
        "as photographed": probes.kinds == CLEAN,
    }


def _tell_by_kind(probes: Probes, became: Recognition, quality: NDArray[np.float64], output: Path) -> None:
    kinds = np.where(np.char.find(probes.kinds, " and ") >= 0, "two at once", probes.kinds)
    rows = []
    for kind in np.unique(kinds).tolist():
        chosen = kinds == kind
        score = [area_under_curve(one[chosen], became.suggested[chosen] >= 0.5) for one in (probes.earlier, quality)]
        means = [float(one[chosen].mean()) for one in (became.suggested, quality, probes.earlier)]
        rows.append([kind, int(chosen.sum()), *means, *score])
    header = ["kind", "how many", "recognised", "mean quality", "earlier", "AUC earlier", "AUC fitted"]
    write_table("By what was done to them", header, rows, output / "quality-kinds.csv")


def _tell_measures(probes: Probes, became: Recognition, output: Path) -> None:
    """What each measure is worth: without it, and it alone."""
    rows: list[list[object]] = []
    places = range(len(FITTED.measures))
    sets: list[tuple[str, tuple[int, ...]]] = [("all measures", ())]
    sets += [(f"without {FITTED.measures[place].name}", (place,)) for place in places]
    sets += [(f"{FITTED.measures[place].name} alone", tuple(set(places) - {place})) for place in places]
    for name, left_out in sets:
        quality = held_out(probes, became.suggested, left_out)
        is_recognised, is_face = became.suggested >= 0.5, probes.is_face
        rows.append(
            [
                name,
                area_under_curve(quality, is_recognised),
                area_under_curve(quality[is_face], is_recognised[is_face]),
                calibration_error(quality, became.suggested),
            ]
        )
    write_table(
        "What each measure is worth", ["model", "AUC", "AUC of faces", "ECE"], rows, output / "quality-terms.csv"
    )


def _plot(probes: Probes, became: Recognition, quality: NDArray[np.float64], output: Path) -> None:
    is_face = probes.is_face
    happened = became.suggested[is_face]
    tenths = list(range(1, BINS + 1))
    fitted, earlier = by_tenth(quality[is_face], happened), by_tenth(probes.earlier[is_face], happened)
    rows = [[tenth, *new, *old] for tenth, new, old in zip(tenths, fitted, earlier, strict=True)]
    header = ["tenth", "quality", "not recognised", "earlier", "not recognised by the earlier"]
    write_table("Error rate by tenth of the faces", header, rows, output / "quality-tenths.csv")
    errors = [Line(name, tenths, [e for _, e in tenth]) for name, tenth in (("fitted", fitted), ("earlier", earlier))]
    drawn = line_plot(errors, title="Faces not recognised", across="tenth of the faces by quality", up="error rate")
    (output / "quality-tenths.svg").write_text(drawn)
    middles = [(number + 0.5) / BINS for number in range(BINS)]
    curves = [
        Line("ideal", middles, middles),
        Line("fitted", middles, by_probability(quality[is_face], happened)),
        Line("earlier", middles, by_probability(probes.earlier[is_face], happened)),
    ]
    drawn = line_plot(curves, title="What quality promises, and what happens", across="quality", up="recognised")
    (output / "quality-calibration.svg").write_text(drawn)


def _tell_limits(
    probes: Probes, became: Recognition, quality: NDArray[np.float64], limits: Thresholds, output: Path
) -> None:
    """What a limit below which faces are poor keeps out of groups and gallery, and what it costs."""
    library = _library(probes)
    poor: list[list[object]] = []
    groups: list[list[object]] = []
    names: list[list[object]] = []
    for name, score in (("earlier", probes.earlier), ("fitted", quality)):
        for limit in LIMITS:
            poor.append([name, limit, *_shares_below(probes, became, score, limit)])
            groups.append([name, limit, *_groups(probes, score, library, limits, limit)])
            names.append([name, limit, *_suggestions(probes, score, library & probes.is_face, limits, limit)])
    header = ["score", "limit", "as photographed", "spoiled, recognised", "spoiled, not recognised", "no face"]
    write_table("How many are poor below a limit", header, poor, output / "quality-poor.csv")
    header = ["score", "limit", "groups of no face", "no face in groups", "BCubed precision", "recall", "F"]
    write_table("Groups that only good faces found", header, groups, output / "quality-groups.csv")
    header = ["score", "limit", "precision", "recall", "strangers"]
    write_table("Names suggested by good faces only", header, names, output / "quality-names.csv")


def _shares_below(probes: Probes, became: Recognition, score: NDArray[np.float64], limit: float) -> list[float]:
    spoiled = probes.is_face & (probes.kinds != CLEAN)
    sets = (
        probes.kinds == CLEAN,
        spoiled & (became.suggested >= 0.5),
        spoiled & (became.nearest < 0.5),
        ~probes.is_face,
    )
    return [float((score[chosen] < limit).mean()) if chosen.any() else float("nan") for chosen in sets]


def _library(probes: Probes) -> Chosen:
    """A library as it may be: one version of each face, half of them as photographed, and all that is no face."""
    random = np.random.default_rng(SEED)
    chosen = ~probes.is_face
    face = np.char.add(np.char.add(probes.files, " "), probes.persons)
    for one in np.unique(face[probes.is_face]).tolist():
        versions = np.flatnonzero((face == one) & probes.is_face)
        is_spoiled = len(versions) > 1 and random.random() < 0.5
        chosen[random.choice(versions[1:]) if is_spoiled else versions[0]] = True
    return chosen


def _groups(
    probes: Probes, score: NDArray[np.float64], library: Chosen, limits: Thresholds, limit: float
) -> list[object]:
    labels = group_faces(
        probes.projections[library],
        proposal_threshold=limits.grouping,
        linkage_threshold=limits.linkage,
        may_seed=score[library] >= limit,
    )
    is_face = probes.is_face[library]
    people = np.unique(probes.persons[library], return_inverse=True)[1].astype(np.int64)
    grouped = labels[labels != NOISE]
    with_faces = np.unique(labels[is_face & (labels != NOISE)])
    found = bcubed(labels[is_face], people[is_face])
    false = int((~np.isin(np.unique(grouped), with_faces)).sum())
    return [false, int((~is_face & (labels != NOISE)).sum()), found.precision, found.recall, found.f]


def _suggestions(
    probes: Probes, score: NDArray[np.float64], chosen: Chosen, limits: Thresholds, limit: float
) -> list[float]:
    faces = LabelledFaces(
        files=probes.files[chosen],
        persons=probes.persons[chosen],
        embeddings=probes.projections[chosen],
        projections=probes.projections[chosen],
        qualities=score[chosen].astype(np.float32),
        sides=np.zeros(int(chosen.sum()), dtype=np.float32),
    )
    found = score_suggestions(faces, limits.suggestion, confirmed=CONFIRMED, poor_quality=limit)
    return [found.precision, found.recall, found.stranger_rate]


def _tell_found(data: Path, models_dir: Path, output: Path) -> None:
    """How much of what the detector finds is poor by the model as it is, in photos with more than a face cut out."""
    finder = load_face_finder(models_dir, MODEL, "cpu")
    qualities: dict[str, list[float]] = {}
    for photo in read_labelled_photos(data):
        if photo.file.startswith(LARGE_PART) or photo.status not in WHAT_ELSE:
            continue
        image = open_upright(data / photo.file)
        [found] = finder.find_faces([image])
        is_labelled = _labelled_among(found, photo, image.size)
        for face, named in zip(found, is_labelled, strict=True):
            what = "labelled" if named else WHAT_ELSE[photo.status]
            qualities.setdefault(f"{photo.file.split('/')[0]}: {what}", []).append(face.quality)
    limit = thresholds_for(MODEL).poor_quality
    rows = []
    for what, values in sorted(qualities.items()):
        rows.append([what, len(values), *np.percentile(values, [5, 50, 95]), float(np.mean(np.array(values) < limit))])
    header = ["found", "how many", "quality: 5 %", "half", "95 %", f"below {limit}"]
    write_table("What is found in photos", header, rows, output / "quality-found.csv")


def _labelled_among(found: Sequence[FoundFace], photo: LabelledPhoto, size: tuple[int, int]) -> Chosen:
    """Which of the faces found the labels of a photo mean: those in a box, and without boxes the main one."""
    is_labelled = np.zeros(len(found), dtype=bool)
    corners = np.array([face.box.to_pixels(size) for face in found], dtype=np.float32).reshape(-1, 4)
    matches = match_boxes(corners, corners_of([face.box for face in photo.faces if face.box]))
    is_labelled[matches[matches != NONE]] = True
    main = main_face(corners, size, ~is_labelled) if any(face.box is None for face in photo.faces) else None
    if main is not None:
        is_labelled[main] = True
    return is_labelled


def _tell_model(model: QualityModel) -> None:
    """The lines of `ml.quality.FITTED`."""
    console = Console()
    console.print(f"QualityModel({model.start}, (")
    for one in model.measures:
        console.print(f'    Measure("{one.name}", {one.low}, {one.high}, {one.slope}, {one.bend}),')
    console.print("))")
