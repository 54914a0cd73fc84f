"""The project's settings for measurements: static files unhashed, so that nothing must be collected first."""

from datacatalog.settings import *  # noqa: F403
from datacatalog.settings import STORAGES

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
