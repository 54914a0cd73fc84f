"""Django settings. Every choice of an installation comes from `env.py`."""

import tempfile
from pathlib import Path

from django.utils.csp import CSP

from datacatalog.env import BASE_DIR, read_environment

ENVIRONMENT = read_environment()

DATACATALOG_HOME = ENVIRONMENT.home
NAUTILUS_PATH = ENVIRONMENT.nautilus_path
UPLOAD_LIMIT_BYTES = ENVIRONMENT.upload_limit_bytes
TRASH_RETENTION_DAYS = ENVIRONMENT.trash_retention_days
REPORT_RETENTION_DAYS = ENVIRONMENT.report_retention_days
IMPORT_ROOTS = ENVIRONMENT.import_roots
UPLOADS_DIR: Path = DATACATALOG_HOME / "uploads"
EXPORTS_DIR: Path = DATACATALOG_HOME / "exports"

SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.csrf_trusted_origins

INSTALLED_APPS = [
    "channels",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "ninja",
    "datacatalog.apps.DeskConfig",
    "catalog_app",
    "quality_app",
    "feeds_app",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "datacatalog.nul_bytes.refuse_nul_bytes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "datacatalog.urls"
ASGI_APPLICATION = "datacatalog.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "catalog_app.context.shell",
            ],
            "builtins": ["django.templatetags.static", "catalog_app.templatetags.desk"],
        },
    },
]

DATABASES = {"default": ENVIRONMENT.database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = DATACATALOG_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# No inline script or style anywhere; the browser talks to this origin only.
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT.secure_cookies
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# Uploads are streamed to disk; only small form fields stay in memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024**2
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024**2
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = str(DATACATALOG_HOME / "tmp")
# Django's ASGI handler keeps bodies in Python's default directory, which may be small or in memory.
tempfile.tempdir = FILE_UPLOAD_TEMP_DIR

REDIS_URL = ENVIRONMENT.redis_url
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    },
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
# Before the work, not after it: the jobs of dead workers are the reaper's, and kombu ends a worker that
# acknowledges to a broker which was restarted meanwhile.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Redis redelivers after this time even while a task runs: keep it above the longest job.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7 * 24 * 3600}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATACATALOG_HOME / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "reap-jobs": {"task": "catalog_app.tasks.reap_jobs", "schedule": 10.0, "options": {"expires": 10}},
    "watch-stores": {"task": "catalog_app.tasks.watch_stores", "schedule": 5.0, "options": {"expires": 5}},
    "purge-uploads": {"task": "catalog_app.tasks.purge_uploads", "schedule": 3600.0},
    "purge-trash": {"task": "catalog_app.tasks.purge_trash", "schedule": 24 * 3600.0},
    "purge-reports": {"task": "quality_app.tasks.purge_reports", "schedule": 24 * 3600.0},
    "run-schedules": {"task": "quality_app.tasks.run_schedules", "schedule": 60.0, "options": {"expires": 60}},
    "end-suppressions": {"task": "quality_app.tasks.end_suppressions", "schedule": 60.0, "options": {"expires": 60}},
    "quality-snapshot": {"task": "quality_app.tasks.take_snapshot", "schedule": 600.0, "options": {"expires": 600}},
    "quality-storage": {"task": "quality_app.tasks.record_storage", "schedule": 24 * 3600.0},
}

MAILERS = {"default": ENVIRONMENT.mailer}
DEFAULT_FROM_EMAIL = ENVIRONMENT.email_from

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "catalog_app.services.redaction.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": ENVIRONMENT.log_level},
    "loggers": {name: {"level": "WARNING"} for name in ("daphne", "celery", "kombu")},
}
