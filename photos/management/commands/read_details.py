"""Reads how photos were taken that were added before Kith kept it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from photos import decoding
from photos.models import Photo


class Command(BaseCommand):
    help = "Read aperture, exposure and lens of photos that were added before Kith kept them. No picture is decoded."

    def handle(self, *args: Any, **options: Any) -> None:
        read = 0
        for photo in Photo.objects.filter(exposure__isnull=True).exclude(stage=Photo.Stage.DERIVATIVES).iterator():
            try:
                photo.exposure = decoding.details(Path(photo.original.path)).exposure
            except decoding.Rejected as error:
                self.stderr.write(f"{photo.name} {error}.")
            else:
                photo.save(update_fields=["exposure"])
                read += 1
        self.stdout.write(f"Read the details of {read} photos.")
