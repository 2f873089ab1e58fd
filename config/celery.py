"""The Celery application. Messages only say "there is work": the work list is in PostgreSQL."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_after_setup

# It warns of pickle for workers that run as root; ours accept nothing but JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kith")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_after_setup.connect
def refuse_without_media(**kwargs: object) -> None:
    """End a worker whose photos are on a disk that is not there. Without a database it waits, as for any other work."""
    from django.apps import apps
    from django.conf import settings
    from django.db import DatabaseError, connections

    if not apps.is_installed("photos"):
        return
    from photos import media_folder

    try:
        sentence = media_folder.trouble()
    except DatabaseError:
        return
    finally:
        connections.close_all()  # before processes are forked
    if sentence:
        raise SystemExit(f"{sentence} ({settings.MEDIA_ROOT})")
