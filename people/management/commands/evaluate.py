"""Measures recognition on a folder of labelled photos: tables, a report, and figures for other programs."""

import importlib
import io
import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ml import weights
from ml.evaluation.folder import Evaluation, evaluate
from ml.evaluation.labels import BadLabels, read_folder
from ml.evaluation.pairs import read_pairs
from ml.evaluation.report import report_page
from ml.evaluation.results import as_json
from ml.evaluation.tables import print_evaluation
from ml.faces import FaceFinder, load_face_finder

FONT = Path("vendor", "figtree", "figtree-latin-wght-normal.woff2")
PAGE_WIDTH = 120  # characters, where the tables are not printed on a terminal
# What settings were chosen by: each module has `run(data, models_dir, output)`, which writes tables and plots.
STUDIES = {
    "detection-settings": "ml.studies.detection_settings",
    "alignment": "ml.studies.alignment",
    "quality": "ml.studies.quality",
}


class Command(BaseCommand):
    help = (
        "Measure recognition on a folder with labels.csv (file, person, and x, y, w, h of a box), or with one folder "
        "for each person; pairs are read from pairs.txt in the format of LFW, if there is one. Needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
        parser.add_argument("--html", type=Path, metavar="FILE", help="write a report with plots to this file")
        parser.add_argument("--pairs", type=Path, metavar="FILE", help="pairs to verify, if not in the folder itself")
        parser.add_argument("--pairs-from-labels", action="store_true", help="make pairs even if there is such a file")
        parser.add_argument("--seed", type=int, default=0, help="for random divisions; the same gives the same figures")
        parser.add_argument("--models", type=Path, default=settings.KITH_MODELS, metavar="DIR", help="the weights")
        parser.add_argument("--model", default=settings.KITH_FACE_MODEL, metavar="NAME", help="the embedding model")
        parser.add_argument("--study", choices=sorted(STUDIES), help="instead measure what a setting was chosen by")
        parser.add_argument("--output", type=Path, default=Path("study"), metavar="DIR", help="where a study writes")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if options["seed"] < 0:
            raise CommandError("A seed is a whole number from 0.")
        try:
            if options["study"]:
                run_study(options["study"], folder, options["models"], options["output"])
            else:
                self._evaluate(folder, options)
        except (BadLabels, weights.WeightsUnavailable) as error:
            raise CommandError(str(error)) from error

    def _evaluate(self, folder: Path, options: dict[str, Any]) -> None:
        seed = options["seed"]
        labelled, pairs = read_pairs(
            read_folder(folder), seed, options["pairs"], from_labels=options["pairs_from_labels"]
        )
        for file in (options["json"], options["html"]):
            if file is not None and not file.resolve().parent.is_dir():
                raise CommandError(f"There is no folder to write {file} to.")
        finder = face_finder(options["models"], options["model"])
        columns = (TextColumn("Finding faces"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), disable=options["verbosity"] == 0) as bar:
            photos = bar.add_task("", total=len(labelled.photos))
            measured = evaluate(labelled, pairs, finder, seed=seed, progress=lambda done: bar.advance(photos, done))
        if not measured.counts.photos:
            raise CommandError(" ".join(["None of the photos can be read.", *measured.problems]))
        self.stdout.write(self._tables(measured))
        self._write(measured, options["json"], options["html"])

    def _tables(self, measured: Evaluation) -> str:
        text = io.StringIO()
        is_terminal = self.stdout.isatty()
        width = shutil.get_terminal_size().columns if is_terminal else PAGE_WIDTH
        print_evaluation(measured, Console(file=text, force_terminal=is_terminal, width=width, highlight=False))
        return text.getvalue()

    def _write(self, measured: Evaluation, json_file: Path | None, html_file: Path | None) -> None:
        try:
            if json_file is not None:
                json_file.write_text(json.dumps(as_json(measured), indent=2, ensure_ascii=False) + "\n", "utf-8")
            if html_file is not None:
                html_file.write_text(report_page(measured, font=report_font()), "utf-8")
                self.stdout.write(f"The report is in {html_file}.")
        except OSError as error:
            raise CommandError(f"The results cannot be written. {error}") from error


def face_finder(models_dir: Path, model: str) -> FaceFinder:
    """The product's own; its weights are fetched if they are not there."""
    if weights.missing(models_dir, model) is not None:
        console = Console(stderr=True)
        weights.fetch(models_dir, model, source=settings.KITH_FACE_MODEL_SOURCE or None, report=console.print)
    return load_face_finder(models_dir, model)


def report_font() -> bytes:
    """The product's typeface, where it lies beside the code."""
    file = settings.BASE_DIR / "static" / FONT
    return file.read_bytes() if file.exists() else b""


def run_study(name: str, data: Path, models_dir: Path, output: Path) -> None:
    """Run one of `STUDIES` on a folder of labelled photos."""
    if not data.is_dir():
        raise CommandError(f"{data} is not a folder.")
    output.mkdir(parents=True, exist_ok=True)
    importlib.import_module(STUDIES[name]).run(data, models_dir, output)
