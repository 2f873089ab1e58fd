"""Takes in names that Kith gave away as JSON."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from people.names_file import BadNames, import_names


class Command(BaseCommand):
    help = "Give faces the names in a JSON file of Settings, Your data. The photos have to be here first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--user", required=True, help="user name of the owner")

    def handle(self, *args: Any, file: Path, user: str, **options: Any) -> None:
        try:
            owner = User.objects.get(username=user)
            done = import_names(owner, file.read_text(encoding="utf-8-sig"))
        except User.DoesNotExist as error:
            raise CommandError(f"There is no user called {user}.") from error
        except (BadNames, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        self.stdout.write(
            f"{done.named} faces named, {done.known} bore the name already, {done.elsewhere} are in photos that are not"
            f" here, {done.kept} keep another name, {done.impossible} could not be placed."
        )
