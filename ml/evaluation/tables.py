"""Prints an evaluation as tables."""

from __future__ import annotations

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ml.evaluation.folder import VARIANTS, Evaluation


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Headline figures, then a table for each subject, then what could not be measured or read."""
    counts = evaluation.counts
    console.print(
        f"[bold]{escape(evaluation.name)}[/bold]: {counts.photos} photos, {counts.named_faces} named faces of "
        f"{counts.people} people ({counts.found} found), {counts.pairs} pairs, {escape(evaluation.pair_list.source)}."
    )
    console.print(f"{evaluation.model} on {evaluation.device}, seed {evaluation.seed}, {evaluation.seconds:.0f} s.\n")
    for table in (_verification(evaluation), _detection(evaluation), _people(evaluation), _quality(evaluation)):
        if table.row_count:
            console.print(table)
    for reason in dict.fromkeys(evaluation.reasons.values()):
        figures = ", ".join(figure for figure, why in evaluation.reasons.items() if why == reason)
        console.print(f"Not measured: {figures}. {reason}")
    for sentence in (*evaluation.notes, *evaluation.problems):
        console.print(sentence, markup=False)


def percent(share: float | None, digits: int = 2) -> str:
    """A share for people to read; a dash where there is none."""
    return "-" if share is None or math.isnan(share) else f"{100 * share:.{digits}f} %"


def number(value: float | None, digits: int = 3) -> str:
    """A number for people to read; a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if table.columns else "left")
    return table


def _verification(evaluation: Evaluation) -> Table:
    title = f"Verification: {evaluation.counts.pairs} pairs, folds: {escape(evaluation.pair_list.folds)}"
    table = _table(title, "distance between", "accuracy", "+-", "TAR at FAR 1 %", "TAR at FAR 0.1 %")
    for name, score in evaluation.verification.items():
        if score.tar_at_far_1_percent is not None:
            table.add_row(
                VARIANTS[name], percent(score.accuracy), percent(score.accuracy_spread),
                percent(score.tar_at_far_1_percent), percent(score.tar_at_far_01_percent),
            )  # fmt: skip
    return table


def _detection(evaluation: Evaluation) -> Table:
    score = evaluation.detection
    table = _table(f"Detection: {score.boxes} boxes drawn in {score.photos} photos", "", "", "of")
    if score.photos:
        table.add_row("recall", percent(score.recall), f"{score.boxes} boxes, {score.found} found")
        table.add_row("precision", percent(score.precision), f"{score.false_positives} false")
        per_photo = number(score.false_positives_per_photo)
        table.add_row("false faces a photo", per_photo, f"{score.known_photos} photos whose faces are all known")
        found_there = f"the same photos, {percent(score.known_recall)} of their boxes found"
        table.add_row("average precision", percent(score.average_precision), found_there)
    return table


def _people(evaluation: Evaluation) -> Table:
    table = _table("Identification and clustering", "", "", "precision", "recall", "cut at")
    if evaluation.identification:
        found = evaluation.identification
        table.add_row(
            f"TPIR at FPIR 1 %: {found.known:.0f} known, {found.strangers:.0f} strangers",
            percent(found.tpir), "", "", "",
        )  # fmt: skip
    for name, score in (("our groups", evaluation.grouping), ("best DBSCAN", evaluation.dbscan)):
        if score:
            for measure, result in (("BCubed F", score.bcubed), ("pairwise F", score.pairwise)):
                row = (percent(result.f), percent(result.precision), percent(result.recall), f"{score.threshold:.2f}")
                table.add_row(f"{measure}, {name}", *row)
    return table


def _quality(evaluation: Evaluation) -> Table:
    table = _table("Wrong nearest face by quality", "quality", "faces", "wrong")
    for decile in evaluation.quality:
        table.add_row(f"{decile.lowest:.2f} to {decile.highest:.2f}", str(decile.faces), percent(decile.error_rate, 1))
    return table
