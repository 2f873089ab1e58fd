"""Measures detector, embedder and whole loop beside stock facenet-pytorch, in one run."""

import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from config import benchmark
from ml import weights
from ml.bench.inputs import choose_photos, write_enlarged
from ml.bench.racing import ROUNDS, RaceFailed
from ml.bench.report import show
from ml.models import DEFAULT_MODEL, MODELS
from photos.face_model import wanted_face_model

PORTRAITS = settings.BASE_DIR / "var" / "test" / "portraits"  # what the tests download
DEFAULT_PHOTOS = 80


class Command(BaseCommand):
    help = "How many times as fast as stock facenet-pytorch: detector, embedder, and a file's way into the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="photos, also in folders below")
        parser.add_argument(
            "--photos", type=int, default=DEFAULT_PHOTOS,
            help=f"how many at most, spread over the folder; {DEFAULT_PHOTOS}, and 100 megapixels in all",
        )  # fmt: skip
        parser.add_argument(
            "--megapixels", type=float, help="enlarge the photos to so many, as cameras take them; else as they are"
        )
        parser.add_argument("--rounds", type=int, default=ROUNDS, help="figures are medians of so many")
        parser.add_argument("--json", type=Path, dest="json_file", help="write the figures into this file, too")

    def handle(self, *args: Any, folder: Path | None, **options: Any) -> None:
        folder = folder or PORTRAITS
        if not folder.is_dir():
            raise CommandError(
                f"There is no folder {folder}. Say which photos to measure with: manage.py bench FOLDER."
            )
        json_file: Path | None = options["json_file"]
        if json_file is not None and not json_file.parent.is_dir():
            raise CommandError(f"There is no folder {json_file.parent} to write {json_file.name} into.")
        photos = choose_photos(folder, max(options["photos"], 1))
        if not photos:
            raise CommandError(f"There are no photos in {folder} that can be read.")
        model = _model()
        try:
            weights.fetch(settings.KITH_MODELS, model, report=self.stdout.write)
        except weights.WeightsUnavailable as error:
            raise CommandError(str(error)) from error
        with TemporaryDirectory() as enlarged:
            if options["megapixels"] is not None:
                photos = _enlarged(photos, options["megapixels"], Path(enlarged))
            figures = self._measure(photos, model, max(options["rounds"], 1))
        console = Console(width=120)
        with console.capture() as captured:
            show(figures, console)
        self.stdout.write(captured.get())
        if json_file is not None:
            json_file.write_text(json.dumps(figures, indent=1) + "\n")

    def _measure(self, photos: list[Path], model: str, rounds: int) -> dict[str, Any]:
        columns = (TextColumn("Measuring"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("", total=benchmark.runs_of(rounds))
            try:
                return benchmark.measure(
                    photos,
                    settings.KITH_MODELS,
                    model,
                    rounds=rounds,
                    tick=lambda: progress.advance(task),
                )
            except (benchmark.NothingToMeasure, RaceFailed) as error:
                raise CommandError(str(error)) from error


def _enlarged(photos: list[Path], megapixels: float, folder: Path) -> list[Path]:
    try:
        return write_enlarged(photos, megapixels, folder)
    except ValueError as error:
        raise CommandError(f"{error}.") from error


def _model() -> str:
    """The FaceNet in use; the default one where a model is in use that facenet-pytorch does not have."""
    wanted = wanted_face_model()
    return wanted if wanted in MODELS else DEFAULT_MODEL
