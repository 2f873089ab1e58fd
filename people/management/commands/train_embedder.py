"""Trains an embedder on a folder of labelled photos; nothing uses it before somebody says so."""

import hashlib
import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ml import weights
from ml.checked_files import replacing
from ml.device import DeviceUnavailable
from ml.evaluation.labels import BadLabels, LabelledFolder, read_folder

NICENESS = 10  # whatever else the machine does goes first
INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


class Command(BaseCommand):
    help = (
        "Train a network that embeds faces, with triplets, on a folder with one folder of photos for each person (or"
        " labels.csv), from scratch or from a pretrained one, and measure it before and after. Stopped at any point,"
        " the same command goes on. Needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        network = parser.add_argument_group("the network")
        network.add_argument(
            "--backbone", default="inception-resnet-v1", help="inception-resnet-v1, or small for a CPU"
        )
        network.add_argument("--dim", type=int, default=128, help="numbers in an embedding, up to 512")
        network.add_argument("--side", type=int, default=160, help="pixels of a face: 160, 80, or 40 for small")
        network.add_argument("--pretrained", default="", metavar="NAME", help="start from facenet-casia, say")
        network.add_argument("--train", default="all", help="all, or last-block of a pretrained network")
        learning = parser.add_argument_group("learning")
        learning.add_argument("--mining", default="semi-hard", help="semi-hard, batch-hard or batch-all")
        learning.add_argument("--margin", type=float, default=0.2, help="of the triplet loss, squared distance")
        learning.add_argument("--people-per-batch", type=int, default=16, metavar="P")
        learning.add_argument("--faces-per-person", type=int, default=4, metavar="K")
        learning.add_argument("--epochs", type=int, default=60, help="at most")
        learning.add_argument("--learning-rate", type=float, default=0.0, help="at its highest; 0 for the usual one")
        learning.add_argument("--weight-decay", type=float, default=1e-4)
        learning.add_argument("--patience", type=int, default=15, help="epochs without a better validation")
        learning.add_argument("--fewest-photos", type=int, default=3, help="of a person to be trained on")
        learning.add_argument("--seed", type=int, default=0, help="the same seed gives the same result")
        learning.add_argument("--no-augmentation", action="store_true", help="show faces as they are")
        parser.add_argument("--device", default=settings.KITH_DEVICE, help="auto, cuda, mps or cpu")
        parser.add_argument("--threads", type=int, default=0, help="on a CPU; 0 for all cores")
        parser.add_argument("--models", type=Path, default=settings.KITH_MODELS, metavar="DIR", help="the weights")
        parser.add_argument("--output", type=Path, metavar="DIR", help="where checkpoint, log and weights go")
        parser.add_argument("--restart", action="store_true", help="forget what an earlier run learned")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
        parser.add_argument(
            "--keep-model", action="store_true", help="put the result among the models, for change_model to choose"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        if hasattr(os, "nice"):
            os.nice(max(NICENESS - os.nice(0), 0))
        super().run_from_argv(argv)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        from ml.training.errors import CannotTrain

        if options["json"] is not None and not options["json"].resolve().parent.is_dir():
            raise CommandError(f"There is no folder to write {options['json']} to.")
        output = options["output"] or settings.KITH_HOME / "training" / _run_name(folder, options)
        try:
            self._train(read_folder(folder), output, options)
        except (BadLabels, weights.WeightsUnavailable, CannotTrain, DeviceUnavailable) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"A file cannot be read or written. {error}") from error
        except KeyboardInterrupt:
            sentence = f"Stopped. What was learned so far is kept in {output}; the same command goes on from there."
            raise CommandError(sentence, returncode=INTERRUPTED) from None

    def _train(self, folder: LabelledFolder, output: Path, options: dict[str, Any]) -> None:
        import torch

        from ml.training.embedder import FIGURES, train_embedder

        if options["threads"] > 0:
            torch.set_num_threads(options["threads"])
        wanted = _settings(options)
        if weights.missing(options["models"]) is not None:
            weights.fetch(options["models"], report=self.stdout.write)
        with _bars(len(folder.photos), options["verbosity"]) as reports:
            trained = train_embedder(
                folder, output, options["models"], wanted,
                device=options["device"], restart=options["restart"], **reports,
            )  # fmt: skip
        figures = trained.figures
        card = None  # what the model's card is made of
        if options["keep_model"]:
            from ml.cards.every import figures_path
            from ml.training.export import keep_embedder

            words = f"{wanted.backbone}, {wanted.dim} dimensions, trained on {folder.root.resolve().name}"
            model = keep_embedder(options["models"], trained.embedder, f"trained-{folder.root.resolve().name}", words)
            figures = {**figures, "model": model.name}
            card = figures_path(options["models"], model.name)
        for file in (output / FIGURES, options["json"], card):
            if file is not None:
                with replacing(file) as temporary:
                    temporary.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
        self._say(figures, output)

    def _say(self, figures: dict[str, Any], output: Path) -> None:
        for problem in figures["problems"]:
            self.stdout.write(problem)
        counts, verification, training = figures["counts"], figures["verification"], figures["training"]
        self.stdout.write(
            f"{counts['faces']} faces of {counts['people']} people. Trained on {counts['faces_trained_on']} of"
            f" {counts['people_trained_on']}. {training['ended']} The weights are those of epoch"
            f" {training['best_epoch']}."
        )
        self.stdout.write(
            f"SVM, {counts['faces_tested']} other photos of these people: {_percent(figures['svm_accuracy'])} named"
            f" right; before training {_percent(figures['svm_accuracy_untrained'])}."
        )
        self.stdout.write(
            f"Verification, {verification['pairs']} pairs of {verification['people']} people not trained on:"
            f" {_percent(verification['accuracy'])} right; before training"
            f" {_percent(verification['accuracy_untrained'])}."
        )
        for reason in figures["reasons"].values():
            self.stdout.write(reason)
        self.stdout.write(f"Weights, log and figures are in {output}. {_advice(figures)}")


def _advice(figures: dict[str, Any]) -> str:
    """What to do with the result. It is never taken into use by itself."""
    if figures["settings"]["pretrained"] and not figures["is_better"]:
        return "On people it was not trained on it is not surely better than before, so leave things as they are."
    if "model" not in figures:
        return "Run the same command with --keep-model to put it among Kith's models."
    name = figures["model"]
    return (
        f"Nothing uses it yet: `manage.py evaluate FOLDER --model {name}` compares it with the model in use,"
        f" `manage.py measure_model FOLDER --model {name} --write` finds its distances, and"
        f" `manage.py change_model {name}` takes it into use."
    )


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.1f} %"


def _settings(options: dict[str, Any]) -> Any:
    from ml.training.settings import TrainingSettings

    names = (
        "backbone", "dim", "side", "pretrained", "mining", "margin", "people_per_batch", "faces_per_person", "epochs",
        "learning_rate", "weight_decay", "patience", "fewest_photos", "seed",
    )  # fmt: skip
    return TrainingSettings(
        **{name: options[name] for name in names}, part=options["train"], augments=not options["no_augmentation"]
    )


def _run_name(folder: Path, options: dict[str, Any]) -> str:
    """A folder of its own for each way of training on each folder."""
    aside = {
        "device", "threads", "models", "output", "restart", "json", "keep_model", "verbosity", "settings", "pythonpath",
        "traceback", "no_color", "force_color", "skip_checks",
    }  # fmt: skip
    decisive = {name: value for name, value in sorted(options.items()) if name not in aside}
    digest = hashlib.sha256(f"{folder.resolve()} {decisive}".encode()).hexdigest()
    return f"{folder.resolve().name}-{digest[:8]}"


@contextmanager
def _bars(photos: int, verbosity: int) -> Iterator[dict[str, Any]]:
    """Lines of progress, each with the time that is left: photos searched, faces measured, and steps."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=verbosity == 0) as bars:
        searching = bars.add_task("Finding faces", total=photos)
        learning = bars.add_task("Training", total=None, start=False)
        measuring = bars.add_task("Measuring", total=None, start=False)

        def measured(done: int, total: int) -> None:
            task = bars.tasks[measuring]
            if not task.started or task.finished:  # before training, and again after it
                bars.update(searching, completed=photos)
                bars.reset(measuring, total=total)
            bars.advance(measuring, done)

        def report(progress: Any) -> None:
            if not bars.tasks[learning].started:
                # Steps of an earlier run say nothing of how fast this one is.
                bars.reset(learning, total=progress.steps, completed=progress.step - 1)
            validation = "" if progress.validation is None else f", validation {progress.validation:.3f}"
            words = f"Epoch {progress.epoch} of {progress.epochs}, loss {progress.loss:.3f}{validation}"
            bars.update(learning, total=progress.steps, completed=progress.step, description=words)

        yield {"found": lambda done: bars.advance(searching, done), "measured": measured, "report": report}
