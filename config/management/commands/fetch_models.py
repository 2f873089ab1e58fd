"""Fetches the weights of the networks, checks them and converts them to safetensors."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ml import weights
from photos.face_model import wanted_face_model


class Command(BaseCommand):
    help = "Fetch the weights that find and compare faces. Run again, it goes on where it stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        settings.KITH_MODELS.mkdir(parents=True, exist_ok=True)
        try:
            weights.fetch(
                settings.KITH_MODELS,
                wanted_face_model(),
                source=settings.KITH_FACE_MODEL_SOURCE or None,
                report=self.stdout.write,
            )
        except weights.WeightsUnavailable as error:
            raise CommandError(str(error)) from error
