"""Fills an empty Kith with an invented library."""

import getpass
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from ml.weights import WeightsUnavailable
from people.invented_library import is_empty, make_library
from people.invented_rows import MODEL
from photos.face_model import current_face_model

PASSWORD = "KITH_PASSWORD"  # noqa: S105  # of the environment


class Command(BaseCommand):
    help = "Fill an empty Kith with an invented library: drawn photos, faces, names, albums, a history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--photos", type=int, default=100_000)
        parser.add_argument("--faces", type=int, default=300_000)
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same library")
        parser.add_argument("--owner", default="owner", help="user name of the owner, who is made if need be")
        parser.add_argument(
            "--password-file", type=Path, help=f"file with the password; else {PASSWORD} of the environment, or asked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        photos, faces = options["photos"], options["faces"]
        if photos < 1 or not 20 <= faces <= 5 * photos:
            raise CommandError("It takes 1 photo or more, 20 faces or more, and at most five faces a photo.")
        call_command("migrate", verbosity=0)  # of a new home
        if not is_empty():
            raise CommandError("This Kith is not empty. Make the invented library in a new one: set KITH_HOME.")
        try:
            model = current_face_model().name
        except WeightsUnavailable as error:
            raise CommandError(str(error)) from error
        if model != MODEL:
            raise CommandError(f"Invented faces are those of {MODEL}; this Kith uses {model}.")
        owner = self._owner(options["owner"], options["password_file"])
        make_library(owner, photos=photos, faces=faces, seed=options["seed"], report=self._report)
        self.stdout.write(f"{photos} photos with {faces} faces belong to {owner}.")

    def _owner(self, name: str, file: Path | None) -> User:
        owner = User.objects.filter(username=name).first()
        if owner is None:
            owner = User.objects.create_user(name, password=_password(file), face_analysis=User.FaceAnalysis.ON)
        elif not owner.allows_faces:
            raise CommandError(f"{owner} has not allowed face analysis; it is in Settings.")
        return owner

    def _report(self, text: str) -> None:
        self.stdout.write(text)


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().strip()
        except OSError as error:
            raise CommandError(f"{file} cannot be read ({error.strerror or error}).") from error
    return os.environ.get(PASSWORD) or getpass.getpass("Password of the owner: ")
