"""Vendored files are what their list says."""

import hashlib
import re
from pathlib import Path

from django.conf import settings

VENDOR = Path(settings.STATICFILES_DIRS[0]) / "vendor"
ROW = re.compile(r"^\| (?P<file>[\w.-]+) \|.*\| (?P<hash>[0-9a-f]{64}) \|$", re.MULTILINE)


def listed() -> dict[str, str]:
    return {match["file"]: match["hash"] for match in ROW.finditer((VENDOR / "README.md").read_text())}


def test_every_vendored_file_is_listed():
    assert {path.name for path in VENDOR.iterdir()} - {"README.md"} == set(listed())


def test_every_hash_is_right():
    for name, wanted in listed().items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted, name
