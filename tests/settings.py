"""The project's settings for tests: a home of its own, a file database, static files unhashed."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="datacatalog-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ["DATACATALOG_HOME"] = str(HOME)
os.environ["ENV_FILE"] = ""
(HOME / "static").mkdir()
os.environ.pop("NAUTILUS_PATH", None)

from datacatalog.settings import *  # noqa: E402, F403
from datacatalog.settings import DATABASES, STORAGES  # noqa: E402

tempfile.tempdir = None  # pytest's own directories are not to lie in the home
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: servers and workers in other threads and processes see it too.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
