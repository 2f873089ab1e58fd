"""Kith as it is, but sends work that may have been lost again soon enough for a test, and packs no static files."""

import os

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE, STORAGES

CELERY_BEAT_SCHEDULE["send-due-work-again"]["schedule"] = float(os.environ.get("KITH_SWEEP_SECONDS", "3"))
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
