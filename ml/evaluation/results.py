"""An evaluation as plain values: for JSON, and by name for tables and reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ml.evaluation.clustering import ClusteringScore
from ml.evaluation.folder import VARIANTS, Evaluation
from ml.evaluation.verification import VerificationScore

DIGITS = 6


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The figures of an evaluation, nested by subject; None where one could not be measured, for which see "reasons".

    Two runs with one seed give the same values, but for "seconds".
    """
    figures = {
        "folder": evaluation.name,
        "model": evaluation.model,
        "device": evaluation.device,
        "seed": evaluation.seed,
        "counts": asdict(evaluation.counts),
        "verification": _verification(evaluation),
        "detection": _detection(evaluation),
        "identification": _identification(evaluation),
        "clustering": {
            **_clustering(evaluation.grouping),
            "dbscan": _clustering(evaluation.dbscan),
        },
        "quality": {"deciles": [asdict(decile) for decile in evaluation.quality]},
        "reasons": evaluation.reasons,
        "notes": list(evaluation.notes),
        "problems": list(evaluation.problems),
        "seconds": evaluation.seconds,
    }
    rounded: dict[str, Any] = _rounded(figures)
    return rounded


def _verification(evaluation: Evaluation) -> dict[str, Any]:
    scores = evaluation.verification
    return {
        **_pair_figures(scores["published"]),
        "accuracy_raw": scores["raw"].accuracy,
        "protocol": VARIANTS["published"],
        "pairs": evaluation.pair_list.source,
        "folds": evaluation.pair_list.folds,
        "variants": {name: _pair_figures(score) for name, score in scores.items()},
    }


def _pair_figures(score: VerificationScore) -> dict[str, float | None]:
    return {
        "accuracy": score.accuracy,
        "accuracy_spread": score.accuracy_spread,
        "tar_at_far_0.01": score.tar_at_far_1_percent,
        "tar_at_far_0.001": score.tar_at_far_01_percent,
    }


def _detection(evaluation: Evaluation) -> dict[str, float | None]:
    score = evaluation.detection
    return {
        "recall": score.recall,
        "precision": score.precision,
        "false_positives_per_photo": score.false_positives_per_photo,
        "average_precision": score.average_precision,
        "known_recall": score.known_recall,
        "photos": score.photos,
        "known_photos": score.known_photos,
        "boxes": score.boxes,
        "found": score.found,
        "false_positives": score.false_positives,
    }


def _identification(evaluation: Evaluation) -> dict[str, float | None]:
    score = evaluation.identification
    return {
        "tpir_at_fpir_0.01": score.tpir if score else None,
        "tpir_spread": score.tpir_spread if score else None,
        "known_probes": score.known if score else None,
        "stranger_probes": score.strangers if score else None,
    }


def _clustering(score: ClusteringScore | None) -> dict[str, float | None]:
    names = ("precision", "recall", "f")
    return {
        **{f"bcubed_{name}": getattr(score.bcubed, name) if score else None for name in names},
        **{f"pairwise_{name}": getattr(score.pairwise, name) if score else None for name in names},
        "threshold": score.threshold if score else None,
        "groups": score.groups if score else None,
        "alone": score.alone if score else None,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value
