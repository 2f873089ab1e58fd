"""Reads exposure and place of photos that were added before Kith kept them."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from photos import decoding
from photos.derivatives import apply_details
from photos.models import Photo


class Command(BaseCommand):
    help = "Read how and where photos were taken, of those added before Kith kept it. Pictures are not decoded."

    def handle(self, *args: Any, **options: Any) -> None:
        read = 0
        for photo in Photo.objects.filter(exposure=None).exclude(stage=Photo.Stage.DERIVATIVES).iterator():
            try:
                apply_details(photo, decoding.details(Path(photo.original.path)))
            except decoding.Rejected as error:
                self.stderr.write(f"{photo.name} {error}.")
            else:
                photo.save(update_fields=["exposure", "place"])
                read += 1
        self.stdout.write(f"Read the details of {read} photos.")
