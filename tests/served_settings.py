"""The project's settings for a web process that a test starts: static files unhashed, all else as it is."""

from datacatalog.settings import *  # noqa: F403
from datacatalog.settings import STORAGES

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
