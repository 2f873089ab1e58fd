"""Runs a management command with the services it needs: those of a running Kith, or its own."""

import os
import sys

# These start services themselves, or need none.
WITHOUT_SERVICES = {
    "up",
    "evaluate",
    "fetch_models",
    "measure_model",
    "collectstatic",
    "makemigrations",
    "check",
    "help",
    "--help",
    "--version",
    "version",
}


def main(arguments: list[str]) -> None:
    """Run `manage.py` with these arguments; what goes wrong with the services is said in one sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from config.embedded import EmbeddedError, running

    try:
        if len(arguments) < 2 or arguments[1] in WITHOUT_SERVICES:
            execute_from_command_line(arguments)
        else:
            with running(settings.KITH_HOME):
                execute_from_command_line(arguments)
    except EmbeddedError as error:
        sys.exit(str(error))
