"""A store with a hole in its bars, and other stores that have what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_job
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.layout import Version, dataset_path
from catalog_app.store.writer import DatasetWriter
from quality_app.models import Gap
from quality_app.services.gaps.filling.requests import request_fill, request_preview
from quality_app.services.gaps.scan import scan
from quality_app.tests.conftest import BAR_TYPE, INSTRUMENT, bars_at
from quality_app.tests.frames import MINUTE_NS, START_NS, raw
from quality_app.tests.reconcile.shapes import walk

ROWS = 1200
HOLE = slice(400, 460)
CLOSES = START_NS + np.arange(1, ROWS + 1, dtype=np.int64) * MINUTE_NS
PRICES = raw("1.10000") + (walk(ROWS) - 1_000_000) // 10 * raw("0.00001")

type MakeStore = Callable[..., Dataset]


def walking_bars() -> pl.DataFrame:
    """One-minute bars whose price walks; no two neighbours are far apart."""
    price = pl.Series([int(value) for value in PRICES], dtype=pl.Int128)
    return bars_at(CLOSES).with_columns(open=price, high=price, low=price, close=price)


def without(frame: pl.DataFrame, hole: slice = HOLE) -> pl.DataFrame:
    """A frame without some of its rows."""
    place = pl.int_range(pl.len())
    return frame.filter((place < hole.start) | (place >= hole.stop))


@pytest.fixture
def make_store(db: None, tmp_path: Path) -> MakeStore:
    """Write frames of GBP/USD, each as a file, into a new store; returns its only dataset."""

    def make(
        *frames: pl.DataFrame, name: str, data_type: str = "bar", precision: int = 5, version: Version = "v1"
    ) -> Dataset:
        (tmp_path / name / "data").mkdir(parents=True)
        store = register_store(tmp_path / name, name=name)
        for frame in frames:
            write(store, data_type, frame, precision, version)
        sync_store(store)
        return store.datasets.select_related("store", "definition").get()

    return make


@pytest.fixture
def holed(make_store: MakeStore) -> Dataset:
    """Scanned bars without an hour of them, in one file."""
    dataset = make_store(without(walking_bars()), name="holed")
    scan(dataset)
    return dataset


@pytest.fixture
def whole(make_store: MakeStore) -> Dataset:
    """The same bars in another store, all of them."""
    return make_store(walking_bars(), name="whole")


def write(store: Store, data_type: str, frame: pl.DataFrame, precision: int, version: Version) -> None:
    """Commit canonical rows as one file of GBP/USD, in prices of so many decimals."""
    bar_type = BAR_TYPE if data_type == "bar" else None
    with Transaction(Path(store.root), "import", dataset_path(data_type, bar_type or INSTRUMENT, version)) as tx:
        writer = DatasetWriter(
            tx, data_type, INSTRUMENT, bar_type=bar_type, price_precision=precision, size_precision=0, version=version
        )
        writer.write(frame.drop("file", "row", strict=False))
        writer.finish()
        tx.commit()


def done(job: Job) -> Job:
    run_job(job.pk)
    job.refresh_from_db()
    return job


def previewed(dataset: Dataset, source: Dataset, user: User) -> Job:
    """The finished preview of filling all open gaps."""
    job = done(request_preview(open_gaps(dataset), source, user))
    assert job.state == JobState.SUCCEEDED, job.error
    return job


def filled(dataset: Dataset, source: Dataset, user: User) -> Job:
    return done(request_fill(previewed(dataset, source, user), user))


def open_gaps(dataset: Dataset) -> list[Gap]:
    return list(Gap.objects.filter(dataset=dataset, filled_at=None).select_related("dataset__store"))


def found(job: Job, check: str, span: int = 0) -> dict[str, Any]:
    """What a preview found by one check on a span."""
    [one] = [one for one in job.result["spans"][span]["findings"] if one["check"] == check]
    return dict(one)


def content(store: Store) -> dict[str, bytes]:
    """The store's data files."""
    root = Path(store.root)
    return {str(path.relative_to(root)): path.read_bytes() for path in (root / "data").rglob("*") if path.is_file()}
