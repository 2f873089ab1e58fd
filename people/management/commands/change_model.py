"""Changes the model faces are embedded with. Names, groups and answers stay."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.progress import Progress as Bar

from accounts.models import User
from ml.faces import load_face_finder
from ml.models import FaceModel, find_model
from ml.weights import WeightsUnavailable, fetch
from people import tasks
from people.model_change import progress
from people.models import Face
from photos.broker import send_wakeup
from photos.face_model import choose_face_model, current_face_model, wanted_face_model


class Command(BaseCommand):
    help = (
        "Embed all faces with another model, in the background: facenet-casia, facenet-vggface2, or the path of an"
        " ONNX file. Names, groups and answers stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", nargs="?", help="name of the model, or path of an ONNX file")
        parser.add_argument("--source", help="a file to take the weights from instead of downloading them")
        parser.add_argument(
            "--wait", action="store_true", help="do the work here, beside the workers, until it is done"
        )
        parser.add_argument("--status", action="store_true", help="only say how far the last change is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if not options["status"]:
                self._choose(options["model"] or "", options["source"])
            model = current_face_model()
        except (WeightsUnavailable, ValueError) as error:  # ValueError: the device is not there, or not for this model
            raise CommandError(str(error)) from error
        if options["wait"] and not options["status"]:
            self._work(model)
        self._report(model)

    def _choose(self, wanted: str, source: str | None) -> None:
        if not wanted:
            raise CommandError("Say which model: facenet-casia, facenet-vggface2, or the path of an ONNX file.")
        fetch(settings.KITH_MODELS, wanted, source=source, report=self.stdout.write)
        model = find_model(settings.KITH_MODELS, wanted)
        if settings.KITH_FACE_MODEL and current_face_model().name != model.name:
            raise CommandError(
                f"The setting KITH_FACE_MODEL says {wanted_face_model()}; change it there, or take it out, and start"
                " Kith again."
            )
        load_face_finder(settings.KITH_MODELS, model.name, settings.KITH_DEVICE)  # before anything depends on it
        if not model.is_measured:
            self.stdout.write(
                f"The distances of {model.name} have not been measured by Kith; docs/models.md says how to do that."
            )
        if not settings.KITH_FACE_MODEL:
            choose_face_model(model.name)
        send_wakeup(tasks.embed_again)

    def _work(self, model: FaceModel) -> None:
        """Do in this process what workers would do, side by side with them if there are any."""
        with Bar(disable=not self.stdout.isatty()) as bar:
            line = bar.add_task("Embedding faces again")
            while (counts := progress(model.name)).left:
                bar.update(line, total=counts.whole, completed=counts.done)
                if not tasks.embed_again():
                    time.sleep(0.5)  # a worker has the rest in its hands, or new photos go first
        for owner in User.objects.filter(face_analysis=User.FaceAnalysis.ON).order_by("pk"):
            tasks.group_faces(owner.pk)
            tasks.refresh_suggestions(owner.pk)

    def _report(self, model: FaceModel) -> None:
        counts = progress(model.name)
        self.stdout.write(f"Kith uses {model.name}: {model.description}.")
        self.stdout.write(f"{counts.done} of {counts.whole} faces are embedded with it, {counts.left} are in line.")
        if counts.unreadable:
            self.stdout.write(
                f"{counts.unreadable} faces are in photos that failed: they keep their names, but are compared with no"
                " others until their photos are retried."
            )
            names = Face.objects.not_embedded_by(model.name).exclude(photo__failure="")
            for name, failure in sorted(set(names.values_list("photo__name", "photo__failure")))[:20]:
                self.stdout.write(f"  {name}: {failure}")
