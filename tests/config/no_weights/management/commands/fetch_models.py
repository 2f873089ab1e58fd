"""A `fetch_models` without a way to the internet."""

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    def handle(self, *args, **options):
        raise CommandError("The weights are out of reach.")
