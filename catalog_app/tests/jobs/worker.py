"""A worker that knows a slow job: `celery -A catalog_app.tests.jobs.worker worker`."""

import os
import time
from pathlib import Path

import django

from datacatalog.celery import app

django.setup()

from catalog_app.services.jobs import Progress, handler  # noqa: E402 - models must be loaded first

__all__ = ["app"]


@handler("slow")
def slow(progress: Progress, parameters: dict) -> dict:
    """Count to 100 in `seconds`, and write begin and end into `ledger`."""
    ledger = Path(parameters["ledger"])
    _note(ledger, "begin")
    progress.stage("Counting", total=100)
    for _ in range(100):
        time.sleep(parameters["seconds"] / 100)
        progress.advance(1)
        progress.check()
    _note(ledger, "end")
    return {"pid": os.getpid()}


def _note(ledger: Path, what: str) -> None:
    with ledger.open("a") as out:
        out.write(f"{what} {os.getpid()}\n")
