"""Writes an evaluation as one HTML page that needs nothing else: figures, plots, and how to read them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.clustering import ClusteringScore
from ml.evaluation.folder import VARIANTS, Evaluation
from ml.evaluation.plots import Axis, Series, bar_plot, histogram, line_plot, percent_axis
from ml.evaluation.tables import number, percent
from ml.evaluation.verification import best_threshold, roc_curve

BINS = 60
TEMPLATE = Path(__file__).with_name("report.html")
# The curves that are shown, with their style in the page.
ROC_VARIANTS = (("published", "yes"), ("product", "ask"), ("raw", "grey"))
CURVE_NAMES = {"published": "published protocol", "product": "as Kith compares", "raw": "raw embedding"}


def report_page(evaluation: Evaluation, *, font: bytes = b"") -> str:
    """The page as text. font: a variable font in WOFF2 to put into it, instead of the system's own."""
    counts = evaluation.counts
    sections = (_verification(evaluation), _detection(evaluation), _identification(evaluation),
                _clustering(evaluation), _quality(evaluation), _problems(evaluation))  # fmt: skip
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=escape(evaluation.name),
        font=_font_rule(font),
        summary=f"{counts.photos:,} photos, {counts.named_faces:,} named faces of {counts.people:,} people, "
        f"of which {counts.found:,} were found.",
        tiles="".join(_tile(*tile) for tile in _headlines(evaluation)),
        sections="\n".join("\n".join(section) for section in sections),
        footer=escape(
            f"Model {evaluation.model} on {evaluation.device}. Seed {evaluation.seed}: the same seed gives the same "
            f"figures. {evaluation.seconds:.0f} seconds. Photos and faces are not in this page."
        ),
    )


def _font_rule(font: bytes) -> str:
    if not font:
        return ""
    data = base64.b64encode(font).decode("ascii")
    return (
        '@font-face { font-family: "Figtree Variable"; font-weight: 300 900; '
        f"src: url(data:font/woff2;base64,{data}) format('woff2'); }}"
    )


def _headlines(evaluation: Evaluation) -> Iterator[tuple[str, str, str]]:
    """Name, figure, and what it says, for each of the figures at the top."""
    verification, detection = evaluation.verification["published"], evaluation.detection
    yield "Verification", percent(verification.accuracy), "of pairs rightly told to be one person or two"
    yield "TAR at FAR 0.1 %", percent(verification.tar_at_far_01_percent, 1), "of one person's pairs accepted"
    yield "Faces found", percent(detection.recall, 1), f"of {detection.boxes} boxes drawn by hand"
    yield "False faces a photo", number(detection.false_positives_per_photo), f"in {detection.known_photos} photos"
    found = evaluation.identification
    yield "TPIR at FPIR 1 %", percent(found.tpir if found else None, 1), "of known people's faces named rightly"
    grouping = evaluation.grouping
    yield "Groups, BCubed F", percent(grouping.bcubed.f if grouping else None, 1), "pure groups, whole people"


def _tile(name: str, figure: str, note: str) -> str:
    return (
        f'<div class="tile"><dt>{escape(name)}</dt><dd class="figure">{escape(figure)}</dd>'
        f'<dd class="note">{escape(note)}</dd></div>'
    )


# Sections


def _verification(evaluation: Evaluation) -> Iterator[str]:
    counts, scores = evaluation.counts, evaluation.verification
    yield "<h2>Verification: one person or two?</h2>"
    yield _paragraph(
        f"{counts.pairs:,} pairs ({evaluation.pair_list.source}), {counts.same_pairs:,} of one person. Accuracy: share "
        f"judged right, at the threshold that suits the other folds best; folds: {evaluation.pair_list.folds}. TAR at "
        "FAR: share of one person's pairs that are accepted where this share of two people's pairs would be. "
        f"{counts.unseen_pairs} pairs hold a face the detector does not see; it is taken from the box drawn, or else "
        "from the middle of its photo."
    )
    if scores["published"].tar_at_far_1_percent is None:
        yield from _reason(evaluation, "verification.accuracy")
        return
    rows = [
        (VARIANTS[name], percent(score.accuracy), percent(score.accuracy_spread),
         percent(score.tar_at_far_1_percent), percent(score.tar_at_far_01_percent))
        for name, score in scores.items()
    ]  # fmt: skip
    yield _table(("Distance between", "Accuracy", "Spread", "TAR at FAR 1 %", "TAR at FAR 0.1 %"), rows, main=0)
    yield '<div class="side">'
    yield _figure("Receiver operating characteristic: up and left is better", _roc_plot(evaluation))
    yield _figure("Distances of pairs, published protocol: the less overlap the better", _distance_plot(evaluation))
    yield "</div>"


def _roc_plot(evaluation: Evaluation) -> str:
    same = evaluation.pairs.same
    curves = {name: roc_curve(evaluation.verification[name].distances, same) for name, _ in ROC_VARIANTS}
    strangers = int((~same).sum())
    lowest = 10.0 ** np.floor(np.log10(1 / max(strangers, 10)))
    decades = [10.0**power for power in range(round(np.log10(lowest)), 1)]
    x = Axis(lowest, 1, [(value, f"{100 * value:g}") for value in decades], "false accept rate, %", logarithmic=True)
    # From the best lower end that shows all of the curves between a false accept rate of 0.1 % and 1.
    least = min(float(curve[curve[:, 0] <= 0.001][:, 1].max(initial=0)) for curve in curves.values())
    y = percent_axis("true accept rate", _low_end(least))
    series = [Series(CURVE_NAMES[name], style, curves[name]) for name, style in reversed(ROC_VARIANTS)]
    return line_plot("Receiver operating characteristic", x, y, series, steps=True)


def _low_end(least: float) -> float:
    """Where an axis up to 1 may begin without cutting off this share."""
    return next(end for end in (0.9, 0.75, 0.5, 0.0) if least >= end)


def _distance_plot(evaluation: Evaluation) -> str:
    distances, same = evaluation.verification["published"].distances, evaluation.pairs.same
    high = float(np.ceil(max(distances.max(), 1.0) * 5) / 5)
    x = Axis(0, high, [(value, f"{value:.1f}") for value in np.arange(0, high + 0.1, 0.2)], "cosine distance")
    series = [
        Series("two people", "grey", _shares_by_bin(distances[~same], high)),
        Series("one person", "yes", _shares_by_bin(distances[same], high)),
    ]
    return histogram("Distances of pairs of one person and of two", x, series, marked=best_threshold(distances, same))


def _shares_by_bin(values: NDArray[np.float32], high: float) -> NDArray[np.float64]:
    found, edges = np.histogram(np.clip(values, 0, high), bins=BINS, range=(0, high))
    return np.stack([edges[:-1], found / max(len(values), 1)], axis=1)


def _detection(evaluation: Evaluation) -> Iterator[str]:
    score = evaluation.detection
    yield "<h2>Detection: are all faces found, and nothing else?</h2>"
    if not score.photos:
        yield from _reason(evaluation, "detection.recall")
        return
    yield _paragraph(
        f"{score.boxes} boxes drawn in {score.photos} photos. A face found fits a box if its middle lies in it or they "
        "overlap by 0.3 of their union, one to one. Recall counts photos whose boxes are complete or partial; what "
        f"else is found is false only in the {score.known_photos} photos in which every face has a box, or that show "
        "none. Average precision is measured in those, over what Kith reports: it cannot exceed the share of their "
        "boxes that is found, but may exceed recall, which counts more photos."
    )
    rows = [
        ("Recall", percent(score.recall), f"{score.found} of {score.boxes} boxes"),
        ("Precision", percent(score.precision), f"{score.false_positives} false"),
        ("False faces a photo", number(score.false_positives_per_photo), f"{score.known_photos} photos"),
        ("Average precision", percent(score.average_precision), f"{percent(score.known_recall)} of boxes found there"),
    ]
    yield '<div class="side">'
    yield _table(("", "", ""), rows)
    if len(score.curve):
        # Back to recall 0, where the surest face would stand.
        points = np.concatenate([[[0.0, score.curve[0, 1]]], score.curve])
        x, y = percent_axis("recall"), percent_axis("precision", _low_end(float(score.curve[:, 1].min())))
        curve = line_plot("Precision by recall", x, y, [Series("faces found, surest first", "yes", points)])
        yield _figure("Precision by recall", curve)
    yield "</div>"


def _identification(evaluation: Evaluation) -> Iterator[str]:
    score = evaluation.identification
    yield "<h2>Identification: who is this, if anybody known?</h2>"
    if score is None:
        yield from _reason(evaluation, "identification.tpir_at_fpir_0.01")
        return
    yield _paragraph(
        f"Half of the people with two faces or more are named, by at most three faces each; everybody else is a "
        f"stranger. {percent(score.tpir, 1)} of the {score.known:.0f} other faces of known people get the right name "
        f"where 1 % of the {score.strangers:.0f} strangers' faces would get one (mean of ten random divisions, spread "
        f"{percent(score.tpir_spread, 1)})."
    )


def _clustering(evaluation: Evaluation) -> Iterator[str]:
    yield "<h2>Clustering: is a group a person?</h2>"
    if evaluation.grouping is None or evaluation.dbscan is None:
        yield from _reason(evaluation, "clustering.bcubed_f")
        return
    yield _paragraph(
        f"{evaluation.counts.sampled_faces:,} faces grouped without names. BCubed: for the mean face, the share of its "
        "group that is the same person (precision) and the share of that person who is in its group (recall). "
        "Pairwise: the same for pairs, which large groups dominate. DBSCAN alone is given the threshold that suits "
        "these very photos best."
    )
    headings = ("", "BCubed precision", "recall", "F", "Pairwise precision", "recall", "F", "groups", "alone")
    rows = [_group_row("Our groups", evaluation.grouping), _group_row("Best DBSCAN", evaluation.dbscan)]
    yield _table(headings, rows, main=0)


def _group_row(name: str, score: ClusteringScore) -> tuple[str, ...]:
    measures = (score.bcubed, score.pairwise)
    shares = (share for measure in measures for share in (measure.precision, measure.recall, measure.f))
    return (name, *(percent(share, 1) for share in shares), str(score.groups), str(score.alone))


def _quality(evaluation: Evaluation) -> Iterator[str]:
    yield "<h2>Quality: are the poor faces those that go wrong?</h2>"
    if not evaluation.quality:
        yield from _reason(evaluation, "quality.deciles")
        return
    faces = sum(decile.faces for decile in evaluation.quality)
    yield _paragraph(
        f"The {faces:,} faces of people who are in several photos, a tenth in each bar, the poorest on the left; "
        "written below is the best quality in each. A face goes wrong if the nearest face in another photo is "
        "somebody else's."
    )
    names = [f"{decile.highest:.2f}" for decile in evaluation.quality]
    shares = [decile.error_rate for decile in evaluation.quality]
    plot = bar_plot("Wrong nearest face by quality", "quality up to", names, shares, "wrong")
    yield f'<div class="side">{_figure("Wrong nearest face by quality", plot)}</div>'


def _problems(evaluation: Evaluation) -> Iterator[str]:
    sentences = (*evaluation.notes, *evaluation.problems)
    if sentences:
        yield "<h2>To know</h2>"
        entries = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
        yield f'<ul class="problems">{entries}</ul>'


# Pieces of a page


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _reason(evaluation: Evaluation, figure: str) -> Iterator[str]:
    yield _paragraph(f"Not measured. {evaluation.reasons[figure]}")


def _figure(caption: str, plot: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{plot}</figure>"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, main: int | None = None) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f"<tr{' class=main' if place == main else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for place, row in enumerate(rows)
    )
    header = f"<thead><tr>{head}</tr></thead>" if any(headings) else ""
    return f'<div class="scroll"><table>{header}<tbody>{body}</tbody></table></div>'
