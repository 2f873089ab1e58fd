"""`manage.py restore FOLDER`: makes a library of a backup, where there is none."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.backup import restoring
from config.backup.layout import BackupError


class Command(BaseCommand):
    help = "Restore a backup into an empty KITH_HOME and database. With --check, only read all of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a backup, or a folder of backups: then the latest")
        parser.add_argument("--check", action="store_true", help="only say whether every byte is as it was")

    def handle(self, *args: Any, folder: Path, check: bool, **options: Any) -> None:
        try:
            found, manifest = restoring.check(folder) if check else restoring.restore(folder, self.stdout.write)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        counts = manifest.counts
        said = f"{counts['photos']} photos, {counts['people']} people, {counts['decisions']} decisions"
        said += f", as of {manifest.made_at}"
        if check:
            self.stdout.write(f"{found} is whole: {said}.")
        else:
            self.stdout.write(f"Restored {said}. Start Kith with manage.py up.")
