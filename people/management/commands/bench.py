"""Measures how long photos take, beside a plain facenet-pytorch loop, in one run."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ml.bench import measure, our_path, photos_of, plain_path, show
from people.benchmark import stored_path


class Command(BaseCommand):
    help = (
        "Seconds a photo and a face: a plain facenet-pytorch loop, our networks, and the whole way into the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--photos", type=int, default=80, help="how many at most, spread over the folder")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        photos = photos_of(folder, options["photos"])
        if not photos:
            raise CommandError(f"There are no photos in {folder}.")
        call_command("migrate", verbosity=0)
        call_command("fetch_models", stdout=self.stdout)
        os.environ["KITH_LOG_LEVEL"] = "ERROR"  # wake-ups for workers that do not run are nobody's business here
        measured = measure(photos, settings.KITH_MODELS, [plain_path, our_path, stored_path])
        names = ("facenet-pytorch loop", "Kith, to embeddings", "Kith, to the database")
        show(dict(zip(names, measured, strict=True)), len(photos))
