"""Checks that everything Kith holds fits together, and mends what can be mended without loss."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from people.integrity import crop_names, face_problems
from photos import media_folder
from photos.derivatives import remake_thumbnails
from photos.integrity import Problem, file_problems, photo_problems, unfinished
from photos.models import Photo

ASIDE = "lost+found"
MOST_SHOWN = 20  # of one kind, unless asked for all


class Command(BaseCommand):
    help = "Check photos, files, faces and names against each other. Exit code 1 when something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--checksums", action="store_true", help="also read every original, which takes long")
        parser.add_argument("--settled", action="store_true", help="also complain of photos that are not finished")
        parser.add_argument(
            "--repair",
            action="store_true",
            help=f"make missing thumbnails again, and move files that belong to nothing into the folder {ASIDE}",
        )
        parser.add_argument("--all", action="store_true", help="list every problem")

    def handle(self, *args: Any, **options: Any) -> None:
        if sentence := media_folder.trouble():
            raise CommandError(sentence)  # else every file would be missing
        counts: Counter[str] = Counter()
        mended = 0
        for problem in self._problems(**options):
            counts[problem.invariant] += 1
            if options["all"] or counts[problem.invariant] <= MOST_SHOWN:
                self.stdout.write(f"{problem.invariant}: {problem.text}")
            mended += options["repair"] and _repair(problem)
        if not counts:
            self.stdout.write("Everything fits together.")
            return
        said = ", ".join(f"{invariant} {count}" for invariant, count in sorted(counts.items()))
        left = sum(counts.values()) - mended
        self.stdout.write(f"Problems: {said}. Mended: {mended}.")
        if left:
            raise CommandError(f"{left} problem{'s' if left != 1 else ''} left.")

    def _problems(self, *, checksums: bool, settled: bool, **options: Any) -> Iterator[Problem]:
        found = chain(photo_problems(checksums=checksums), face_problems(), file_problems(crop_names()))
        return chain(found, unfinished()) if settled else found


def _repair(problem: Problem) -> bool:
    """Mend a problem, if that loses nothing; whether it did."""
    if problem.path is not None:
        aside = settings.KITH_HOME / ASIDE / problem.path.relative_to(settings.MEDIA_ROOT)
        aside.parent.mkdir(parents=True, exist_ok=True)
        problem.path.replace(aside)
        return True
    if problem.photo is not None:
        return remake_thumbnails(Photo.everywhere.get(pk=problem.photo))
    return False
