"""The app that wires the others: it holds the commands that run the whole product."""

from django.apps import AppConfig
from django.conf import settings


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Kith"

    def ready(self) -> None:
        from config import queries, tracing  # noqa: F401  connects them

        # As root KITH_HOME lets PostgreSQL's user pass; photos and weights are nobody else's business.
        for folder in (settings.MEDIA_ROOT, settings.KITH_MODELS):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
