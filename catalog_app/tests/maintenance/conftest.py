"""A small synced store of its own for each test: bars in three files, quotes in one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline, run_job
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.reader import scan
from catalog_app.tests.pages.conftest import bars, quotes, write

type Runner = Callable[..., Job]


@pytest.fixture
def store(tmp_path: Path, db: None) -> Store:
    root = tmp_path / "catalog"
    root.mkdir()
    for first, count in ((0, 500), (500, 300), (900, 200)):
        write(root, bars(first, count), "bar", "GBP/USD.SIM", (5, 0))
    write(root, quotes(600), "quote", "EUR/USD.SIM", (5, 0))
    store = register_store(root, name="desk")
    sync_store(store)
    return store


@pytest.fixture
def bar_dataset(store: Store) -> Dataset:
    return store.datasets.select_related("store").get(data_type="bar")


@pytest.fixture
def quote_dataset(store: Store) -> Dataset:
    return store.datasets.select_related("store").get(data_type="quote")


@pytest.fixture
def do(data_admin: User) -> Runner:
    """Run a job of a kind here and now, as the data admin; it must succeed."""

    def run(kind: str, **parameters: Any) -> Job:
        job = run_inline(kind, parameters, data_admin)
        assert job.state == JobState.SUCCEEDED, job.error
        return job

    return run


def finish(job: Job) -> Job:
    """Run a queued job here and now; return its row as it ended."""
    run_job(job.pk)
    job.refresh_from_db()
    return job


def files_of(store: Store, directory: str = "data") -> dict[str, bytes]:
    """Every data file of a store with its content, journal and trash left out."""
    root = Path(store.root)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted((root / directory).rglob("*"))
        if path.is_file()
    }


def rows_of(dataset: Dataset) -> pl.DataFrame:
    """All rows of a dataset, in the order of its files."""
    root = Path(dataset.store.root)
    paths = [str(path.relative_to(root)) for path in sorted((root / dataset.path).glob("*.parquet"))]
    return scan(dataset.store.root, paths, dataset.data_type).collect()
