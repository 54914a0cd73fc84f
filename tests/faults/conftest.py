"""A store, files to bring in, and a runner whose jobs die on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from django.conf import settings

from catalog_app.formats.delimited import detect
from catalog_app.models import Dataset, Export, Import, Job, Store
from catalog_app.services import jobs
from catalog_app.services.exporting import ExportRequest, request_export
from catalog_app.services.importing import ImportRequest, request_import
from catalog_app.services.jobs import reaper
from catalog_app.services.stores import register_store
from catalog_app.services.uploads import keep_local_file
from catalog_app.store.commit.journal import operations
from catalog_app.store.reader import scan
from catalog_app.tests.jobs.processes import database_url

INSTRUMENT = "EUR/USD.SIM"
DEFINITION = {"instrument_class": "currency_pair", "currency": "USD", "base_currency": "EUR", "price_precision": 5}
START = 1_704_189_600_000_000_000  # 2024-01-02 10:00 UTC


def quotes(path: Path, count: int) -> Path:
    """Write a CSV of quotes, 250 ms apart, whose prices do not compress well."""
    at = pl.int_range(count, dtype=pl.Int64, eager=True).alias("at").to_frame()
    cents = 108_000 + pl.col("at").hash(1).cast(pl.Int64, wrap_numerical=True).abs() % 40_000
    columns = at.select(
        timestamp=pl.from_epoch(START + pl.col("at") * 250_000_000, time_unit="ns").dt.to_string(
            "%Y-%m-%d %H:%M:%S%.9f"
        ),
        bid=pl.lit("1.") + (cents - 100_000).cast(pl.String).str.zfill(5),
        ask=pl.lit("1.") + (cents - 99_997).cast(pl.String).str.zfill(5),
        bid_size=1_000_000 + pl.col("at") % 13,
        ask_size=1_000_000 + pl.col("at") % 17,
    )
    columns.write_csv(path)
    return path


class MortalRunner:
    """Runs jobs in processes of their own that may die; see `mortal`."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "datacatalog.settings",
            "DATACATALOG_HOME": str(settings.DATACATALOG_HOME),
            "DATABASE_URL": database_url(),
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mortal"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, job: Job, fate: str = "live") -> bool:
        """Run a queued job; whether it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{job.pk}\t{fate}\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        assert code in {0, -9}, f"The process of the job ended with {code}"
        return code == -9

    def end(self) -> None:
        """End the runner."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)


@pytest.fixture(scope="module")
def mortal(django_db_setup: None) -> Iterator[MortalRunner]:
    runner = MortalRunner()
    yield runner
    runner.end()


@pytest.fixture(autouse=True)
def quick_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner counts as dead at once: these tests know when it is."""
    monkeypatch.setattr(reaper, "DEAD_AFTER", timedelta(0))


@dataclass(frozen=True)
class Content:
    """What a store holds: its data files by name, and the rows of its quotes."""

    files: tuple[str, ...]
    rows: pl.DataFrame | None

    @classmethod
    def of(cls, store: Store) -> Content:
        """Read it from the disk, index or not."""
        root = Path(store.root)
        files = sorted(str(path.relative_to(root)) for path in (root / "data").rglob("*") if path.is_file())
        paths = [path for path in files if path.startswith("data/quote_tick/")]
        return cls(tuple(files), scan(root, paths, "quote").collect() if paths else None)

    def equals(self, other: Content) -> bool:
        """Whether files and rows are the same."""
        if self.files != other.files or (self.rows is None) != (other.rows is None):
            return False
        return self.rows is None or (other.rows is not None and self.rows.equals(other.rows))


def new_store(place: Path, name: str) -> Store:
    """Register an empty store."""
    root = place / name
    (root / "data").mkdir(parents=True)
    return register_store(root, name=name)


def queue_import(path: Path, store: Store) -> Import:
    """Ask for an import of a file of `quotes`."""
    upload = keep_local_file(path, None)
    mapping = detect(path, path.name).to_mapping()
    return request_import(ImportRequest(upload, store, mapping, INSTRUMENT, new_instrument=DEFINITION), None)


def queue_export(dataset: Dataset) -> Export:
    """Ask for a CSV of a whole dataset."""
    return request_export(ExportRequest(dataset, "csv", "none"), None)


def job_of(item: Import | Export) -> Job:
    """The present row of the job of an import or export."""
    return Job.objects.get(pk=type(item).objects.get(pk=item.pk).job_id)


def finish(item: Import | Export) -> Job:
    """Let the reaper find the dead runner, and do the work here, as the next one would."""
    jobs.reap()
    jobs.run_job(job_of(item).pk)
    return job_of(item)


def leftovers(store: Store) -> list[str]:
    """What an operation may not leave behind: staged files, undecided records, locks of datasets."""
    area = Path(store.root) / ".datacatalog"
    places = [area / "staging", area / "journal" / "pending"]
    found = [str(path) for place in places if place.is_dir() for path in place.iterdir()]
    return found + [str(lease) for lease in store.leases.values_list("path", flat=True)]


def commits(store: Store) -> int:
    """How many operations the store's own journal says were committed."""
    return sum(record.state == "committed" for record in operations(Path(store.root)))
