"""A worker that shares small datasets too, and keeps a ledger: `celery -A quality_app.tests.sharing_worker worker`.

Each file that it reads is a line "pid role path" in the ledger, SHARING_LEDGER. So that a test can kill a helper in the
middle of a file, however quick the machine: the caller, which has the job, begins its first file and goes on when a
helper has its second one in its hands; this one the helper never finishes.
"""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import django
import polars as pl

from datacatalog.celery import app

django.setup()

from catalog_app.models import DataFile  # noqa: E402 - models need the setup
from catalog_app.services.jobs import Progress  # noqa: E402
from quality_app.models import PartialResult  # noqa: E402
from quality_app.services.validation import helping, parts  # noqa: E402

__all__ = ["app"]

LEDGER = Path(os.environ["SHARING_LEDGER"])
PATIENCE = 60

helping.ROWS_PER_HELPER = 1
parts.CLAIM = timedelta(seconds=2)
_read = parts.Parts._batches


def _batches(self: parts.Parts, file: DataFile, part: PartialResult | None) -> Iterator[pl.DataFrame]:
    if part is not None:  # and not a second look for checks that follow state
        role = "caller" if isinstance(self.progress, Progress) else "helper"
        with LEDGER.open("a") as out:
            out.write(f"{os.getpid()} {role} {file.path}\n")
        _wait(role)
    yield from _read(self, file, part)


def _wait(role: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        is_held = LEDGER.read_text().count(" helper ") > 1
        if is_held == (role == "caller"):
            return
        time.sleep(0.05)


parts.Parts._batches = _batches  # type: ignore[method-assign]
