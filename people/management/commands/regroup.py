"""Groups all unknown faces of a user again, from nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from ml.weights import WeightsUnavailable
from people.grouping import CannotGroup, regroup_from_scratch


class Command(BaseCommand):
    help = "Forget all groups of unknown faces and group them again. Names and answers stay; History can undo it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="whose faces")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            owner = User.objects.get(username=options["user"])
            decision = regroup_from_scratch(owner.pk, report=self._report)
        except User.DoesNotExist:
            raise CommandError(f"There is no user called {options['user']}.") from None
        except (CannotGroup, WeightsUnavailable) as error:
            raise CommandError(f"Not grouped: {error}.") from error
        moved = decision.changes.count() if decision else 0
        self.stdout.write(f"{moved} faces are in another group now.")

    def _report(self, share: float) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{share:4.0%} compared", ending="\n" if share == 1 else "")
