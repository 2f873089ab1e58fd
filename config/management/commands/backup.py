"""`manage.py backup FOLDER`: the whole library, as it is at one moment, while Kith goes on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from config.backup.layout import BackupError
from config.backup.making import make
from photos.media_folder import MediaMissing

MOST_SHOWN = 20


class Command(BaseCommand):
    help = "Back up database and files into a new folder inside FOLDER. Kith may be running. See docs/backup.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where backups lie, best on another disk")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            made = make(folder, self.stdout.write)
        except (BackupError, MediaMissing) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database did not answer: {error} Earlier backups are as they were.") from error
        counts, size = made.manifest.counts, filesizeformat(made.manifest.byte_count)
        shared = f", {made.linked} of them shared with the backup before" if made.linked else ""
        self.stdout.write(
            f"{counts['photos']} photos, {counts['people']} people, {made.manifest.file_count} files{shared}, {size}:"
            f" {made.folder}"
        )
        self._complain("is missing from the media folder, and so from the backup", made.lost)
        self._complain("has other bytes than were received, and was backed up as it is", made.altered)
        if made.lost or made.altered:
            raise CommandError("The backup is whole, but the library is not: run manage.py verify --checksums.")

    def _complain(self, what: str, names: list[str]) -> None:
        for name in names[:MOST_SHOWN]:
            self.stdout.write(f"{name} {what}.")
        if len(names) > MOST_SHOWN:
            self.stdout.write(f"… and {len(names) - MOST_SHOWN} more.")
