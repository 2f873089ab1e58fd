"""The Celery application. Messages only say "there is work": the work list is in PostgreSQL."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning

# It warns of pickle for workers that run as root; ours accept nothing but JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kith")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
