"""Measures at which distances a face model is as strict as the one whose distances are known."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.progress import Progress

from ml.faces import open_face_finder
from ml.models import CASIA, find_model, write_thresholds
from ml.strictness import embed_portraits, match_strictness, portraits_of, stranger_distances
from ml.weights import WeightsUnavailable, fetch
from photos.face_model import wanted_face_model


class Command(BaseCommand):
    help = (
        "Find the distances at which a face model takes strangers for one person as often as facenet-casia does, on a"
        " folder with one folder of photos for each person. Needs no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--model", default=None, help="name, or path of an ONNX file; the default is the one in use"
        )
        parser.add_argument("--write", action="store_true", help="use these distances from now on")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            photos = portraits_of(folder)
            wanted = options["model"] or wanted_face_model()
            for name in (CASIA, wanted):
                fetch(settings.KITH_MODELS, name)
            model, reference = (find_model(settings.KITH_MODELS, name) for name in (wanted, CASIA))
            finders = [
                open_face_finder(settings.KITH_MODELS, name, settings.KITH_DEVICE) for name in (CASIA, model.name)
            ]
        except (WeightsUnavailable, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        with Progress(disable=not sys.stderr.isatty()) as bar:
            line = bar.add_task("Embedding", total=len(photos))
            (theirs, ours), people = embed_portraits(photos, finders, report=lambda n: bar.advance(line, n))
        if len(set(people.tolist())) < 2:
            raise CommandError(f"No faces of two people were found in {folder}.")
        found = match_strictness(stranger_distances(ours, people), stranger_distances(theirs, people), reference)
        self.stdout.write(f"{len(people)} faces of {len(set(people.tolist()))} people.")
        for one in found:
            rough = " Rough: more photos would make it sure." if one.is_rough else ""
            self.stdout.write(
                f"{one.name} {one.distance:.3f}: takes {one.accepted} pair{'' if one.accepted == 1 else 's'} of"
                " strangers for one person"
                f" ({100 * one.rate:.4f} %), as {CASIA} does at {one.reference:.2f}.{rough}"
            )
        if options["write"]:
            if not all(one.accepted for one in found):
                raise CommandError(
                    f"Nothing is written: {CASIA} takes no strangers for one person here, so there is nothing to"
                    " measure by. Use photos of more people."
                )
            distances = {one.name: one.distance for one in found}
            try:
                path = write_thresholds(settings.KITH_MODELS, model, distances)
            except (ValueError, OSError) as error:
                raise CommandError(f"These distances cannot be used: {error}.") from error
            self.stdout.write(f"Written to {path}.")
