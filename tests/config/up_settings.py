"""Settings for the tests of `manage.py up`: all of config, none of the apps and their weights."""

import os
from pathlib import Path

import environ
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.embedded import EmbeddedServices

KITH_HOME = Path(os.environ["KITH_HOME"])
_services = EmbeddedServices(KITH_HOME)

BASE_DIR = Path(__file__).resolve().parents[2]
DEBUG = False
SECRET_KEY = "of the tests"
ALLOWED_HOSTS = ["127.0.0.1"]
# Of two commands of one name, the app that stands first has the say.
INSTALLED_APPS = ["tests.config.no_weights", "config", "django.contrib.contenttypes", "django.contrib.staticfiles"]
MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]
ROOT_URLCONF = __name__
WSGI_APPLICATION = "config.wsgi.application"
DATABASES = {"default": environ.Env.db_url_config(_services.database_url)}
MEDIA_ROOT = KITH_HOME / "media"
KITH_MODELS = KITH_HOME / "models"
STATIC_URL = "/static/"
STATIC_ROOT = KITH_HOME / "static"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
CELERY_BROKER_URL = _services.redis_url
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
USE_TZ = True
LOOPBACK_HOSTS, KITH_IS_ELSEWHERE = ["127.0.0.1"], False
KITH_WEB_PROCESSES, KITH_WEB_THREADS = 2, 8
KITH_SLOW_QUERY_SECONDS, KITH_METRICS_FOLDER = 1.0, KITH_HOME / "run" / "metrics"


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("well")


urlpatterns = [path("healthz", healthz)]
