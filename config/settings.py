"""Settings of Kith, all from the environment (.env.example lists every key)."""

from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.embedded import EmbeddedServices, Home, default_home
from config.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- Where everything lives
KITH_HOME = Path(env.str("KITH_HOME", default="") or default_home()).expanduser().resolve()
_home = Home(KITH_HOME)
_services = EmbeddedServices(KITH_HOME)

# --- Safety
DEBUG = env.bool("KITH_DEBUG", default=False)
SECRET_KEY = env.str("KITH_SECRET_KEY", default="") or _home.secret("secret-key")
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = env.list("KITH_ALLOWED_HOSTS", default=LOOPBACK_HOSTS)
CSRF_TRUSTED_ORIGINS = env.list("KITH_CSRF_TRUSTED_ORIGINS", default=[])
X_FRAME_OPTIONS = "SAMEORIGIN"  # static/js/carrying.js: pages of ours in a page of ours
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_SAMESITE = "Lax"
# Behind HTTPS (compose's proxy) cookies travel only encrypted; on the user's own machine there is no HTTPS.
KITH_HTTPS = env.bool("KITH_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = KITH_HTTPS
# Somebody who is no user of this machine may open its pages.
KITH_IS_ELSEWHERE = KITH_HTTPS or bool(CSRF_TRUSTED_ORIGINS) or not set(ALLOWED_HOSTS) <= {*LOOPBACK_HOSTS}
if KITH_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # The container asks itself, and Prometheus asks beside it, without the proxy.
    SECURE_REDIRECT_EXEMPT = [r"^healthz(/ready)?$", r"^metrics$"]
    # Browsers keep this for months: not for a name that other programs of the user's machine answer to as well.
    SECURE_HSTS_SECONDS = 0 if set(ALLOWED_HOSTS) <= {*LOOPBACK_HOSTS} else 60 * 24 * 3600
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # hosts below ours, and
    "security.W021",  # lists inside browsers: whoever owns the domain decides, not one of its sites
    "security.W019",  # X_FRAME_OPTIONS: see there
]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    }
}

# --- Apps
INSTALLED_APPS = [
    "config",
    "people",
    "photos",
    "accounts",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "csp",
]

MIDDLEWARE = [
    "config.tracing.RequestMiddleware",
    "config.middleware.ForwardedMiddleware",
    "config.middleware.HeadersMiddleware",
    "config.errors.RetryMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LanguageMiddleware",
    "accounts.middleware.FirstVisitMiddleware",
    "accounts.middleware.SignedInMiddleware",
    "accounts.middleware.SeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["photos.templatetags.icons", "photos.templatetags.numbers"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.words",
                "people.context_processors.questions_left",
                "people.context_processors.groups_to_name",
            ],
        },
    },
]

# --- PostgreSQL
DATABASES = {"default": env.db_url("DATABASE_URL", default=_services.database_url)}
# How long one statement may take. Pages say less (config/wsgi.py); grouping a library and migrations may need it.
KITH_STATEMENT_SECONDS = env.int("KITH_STATEMENT_SECONDS", default=600)
DATABASES["default"] |= {
    "ENGINE": "config.database",
    "CONN_MAX_AGE": 60,
    # One killed backend makes PostgreSQL drop every session: check before use.
    "CONN_HEALTH_CHECKS": True,
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"] |= {
    "connect_timeout": 3,
    "options": f"-c lock_timeout=10s -c statement_timeout={KITH_STATEMENT_SECONDS}s"
    " -c idle_in_transaction_session_timeout=120s",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery over Valkey or Redis
KITH_REDIS_URL = env.str("REDIS_URL", default=_services.redis_client_url)
CELERY_BROKER_URL = env.str("REDIS_URL", default=_services.redis_url)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "io"
# A lost broker must not hold up an upload: the row is committed, beat sends the message again.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5, "max_retries": 0}
CELERY_TASK_PUBLISH_RETRY = False
# A worker takes no message before it can start on it, so that one of a higher priority can overtake.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_TASK_ROUTES = {
    # Somebody waits for this one. Over Redis 0 comes first, and what has no priority has 0.
    "people.tasks.recognise": {"queue": "ml", "priority": 0},
    "people.tasks.find_faces": {"queue": "ml", "priority": 6},
    "people.tasks.group_faces": {"queue": "ml", "priority": 6},
    "people.tasks.embed_again": {"queue": "ml", "priority": 9},
    # Nobody waits for this one, and it takes minutes: a worker of its own, which lets all others go first.
    "people.tasks.learn_from_answers": {"queue": "training"},
}
CELERY_BEAT_SCHEDULE = {
    "send-due-work-again": {"task": "people.tasks.wake_workers", "schedule": 30.0},
    "purge-trash": {"task": "photos.tasks.purge_trash", "schedule": 600.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(KITH_HOME / "run" / "beat-schedule")

# --- Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["accounts.hashers.BoundedArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "photos:timeline"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AXES_FAILURE_LIMIT = 10
AXES_CLIENT_IP_CALLABLE = "accounts.http.client_address"
AXES_COOLOFF_TIME = 1  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_RESET_ON_SUCCESS = True  # who knows the password is not locked out by last week's slips
AXES_DISABLE_ACCESS_LOG = True  # who came from where: the sessions in Settings say it, for as long as they last

# --- Language and time
LANGUAGE_CODE = "en"
# Each by its own name: whoever looks for it may not read the others.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = KITH_HTTPS
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files
MEDIA_ROOT = KITH_HOME / "media"
STATIC_URL = "/static/"
STATIC_ROOT = KITH_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "photos.storage.DurableStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static_files.HashedStaticStorage"
    },
}
# The views that take files say so themselves (uploading.receives_files).
FILE_UPLOAD_HANDLERS = ["photos.uploading.NoFilesUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000  # the plain form without JavaScript sends all files at once
KITH_MAX_FILE_BYTES = 200 * 1024**2
KITH_MAX_ARCHIVE_BYTES = env.int("KITH_MAX_ARCHIVE_MB", default=20_000) * 1024**2  # ZIP; kept until it is unpacked
KITH_MAX_PIXELS = 100_000_000
# Behind nginx: its internal address of MEDIA_ROOT. It sends the files then, once Kith has checked who asks.
KITH_ACCEL = env.str("KITH_ACCEL", default="")

# --- The web
# What gunicorn runs; the Dockerfile says the same. A page that waits for an answer holds a thread.
KITH_WEB_PROCESSES = 2
KITH_WEB_THREADS = 8
# Pictures of all users together that are looked at and not stored at once: the other half of the threads is for pages.
KITH_SHOWN_AT_ONCE = env.int("KITH_SHOWN_AT_ONCE", default=KITH_WEB_PROCESSES * KITH_WEB_THREADS // 2)
if KITH_SHOWN_AT_ONCE < 1:
    raise ImproperlyConfigured(f"KITH_SHOWN_AT_ONCE must be 1 or more, not {KITH_SHOWN_AT_ONCE}")

# --- Faces
KITH_MODELS = Path(env.str("KITH_MODELS", default="") or KITH_HOME / "models")
# Empty: the model chosen with manage.py change_model, whose name is in this file.
KITH_FACE_MODEL = env.str("KITH_FACE_MODEL", default="")
KITH_FACE_MODEL_FILE = KITH_HOME / "face-model"
KITH_FACE_MODEL_SOURCE = env.str("KITH_FACE_MODEL_SOURCE", default="")
KITH_DEVICE = env.str("KITH_DEVICE", default="auto")
# The limits are those of ml.detection, which is not loaded here: it takes a second.
KITH_SMALLEST_FACE = env.float("KITH_SMALLEST_FACE", default=20)
if not 8 <= KITH_SMALLEST_FACE <= 1000:
    raise ImproperlyConfigured(f"KITH_SMALLEST_FACE must be from 8 to 1000 pixels, not {KITH_SMALLEST_FACE:g}")

# --- Operations
# A terminal gets lines for people, the files of `manage.py up` get JSON; "json" here is for containers.
LOGGING = logging_settings(
    level=env.str("KITH_LOG_LEVEL", default="INFO"),
    style=env.str("KITH_LOG_FORMAT", default="plain"),
    file=env.str("KITH_LOG_FILE", default=""),
)
KITH_SLOW_QUERY_SECONDS = env.float("KITH_SLOW_QUERY_SECONDS", default=1.0)
# Who may read /metrics and what /healthz/ready tells: with a token who has it, without one programs of this machine.
KITH_METRICS_TOKEN = env.str("KITH_METRICS_TOKEN", default="")
KITH_METRICS_FOLDER = _home.metrics
