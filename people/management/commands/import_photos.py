"""Imports a folder of this machine, as if its photos had been uploaded."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.progress import track

from accounts.models import User
from ml.weights import WeightsUnavailable
from people.importing import confirm_people_of_folders, photo_files, work_until_done
from photos.intake import clean_name, start_batch, take_in
from photos.models import Batch, BatchFile
from photos.uploading import receive_local_file


class Command(BaseCommand):
    help = "Import a folder of photos. With --people-from-folders each subfolder is a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--album", default="", help="album to put the photos in; the default is the folder's name")
        parser.add_argument("--user", required=True, help="user name of the owner")
        parser.add_argument(
            "--people-from-folders",
            action="store_true",
            help="subfolders are named after people, as in Training Dataset/Person1/: confirm those names",
        )
        parser.add_argument("--no-wait", action="store_true", help="leave thumbnails and faces to the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        owner = self._owner(options["user"])
        files = self._files(folder)
        if options["people_from_folders"] and not owner.allows_faces:
            raise CommandError(f"{owner} has not allowed face analysis; it is in Settings.")
        batch = start_batch(owner, title=options["album"] or folder.resolve().name, expected=len(files))
        for path in track(files, description="Importing", disable=options["verbosity"] == 0):
            self._take_in(batch, path, name=str(path.relative_to(folder)))
        self._report(batch)
        if options["people_from_folders"]:
            self._work(owner)
            for person, count in confirm_people_of_folders(batch).items():
                self.stdout.write(f"{person}: {count} face{'' if count == 1 else 's'} confirmed.")
        elif not options["no_wait"]:
            self._work(owner)

    def _work(self, owner: User) -> None:
        try:
            work_until_done(owner, report=self.stdout.write)
        except WeightsUnavailable as error:
            raise CommandError(f"The photos are in, but faces cannot be found. {error}") from error

    def _take_in(self, batch: Batch, path: Path, *, name: str) -> None:
        try:
            take_in(batch, receive_local_file(path, name=path.name), name=name)
        except OSError as error:  # one file that cannot be read does not end the import
            reason = f"cannot be read ({error.strerror or error})"
            batch.record(clean_name(name), BatchFile.Outcome.REJECTED, photo=None, reason=reason)

    def _owner(self, name: str) -> User:
        try:
            return User.objects.get(username=name)
        except User.DoesNotExist as error:
            raise CommandError(f"There is no user called {name}.") from error

    def _files(self, folder: Path) -> list[Path]:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        files = photo_files(folder)
        if not files:
            raise CommandError(f"There are no files in {folder}.")
        return files

    def _report(self, batch: Batch) -> None:
        counts = batch.progress()
        self.stdout.write(f"{counts.stored} added, {counts.duplicates} duplicates, {counts.rejected} left out.")
        for file in batch.files.filter(outcome=BatchFile.Outcome.REJECTED).order_by("name"):
            self.stdout.write(f"  {file.name} {file.reason}.")
