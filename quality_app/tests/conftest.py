"""Stores that the desk's own writer made, and the datasets that a sync finds in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from catalog_app.models import Dataset, Store
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.store.layout import dataset_path
from catalog_app.store.writer import DatasetWriter
from quality_app.gaps.grid import Int64s
from quality_app.tests.frames import frame_of, rows_of

INSTRUMENT = "GBP/USD.SIM"
BAR_TYPE = "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"

MakeDataset = Callable[..., Dataset]


@pytest.fixture
def store(db: None, tmp_path: Path) -> Store:
    root = tmp_path / "store"
    (root / "data").mkdir(parents=True)
    return register_store(root)


@pytest.fixture
def define(store: Store) -> Callable[[], None]:
    """Write the definition of GBP/USD."""

    def write() -> None:
        instrument = build_instrument(
            "currency_pair",
            INSTRUMENT,
            currency="USD",
            base_currency="GBP",
            price_precision=5,
            size_precision=0,
            price_increment="0.00001",
            size_increment="1",
        )
        with Transaction(Path(store.root), "define", "data/currency_pair") as tx:
            write_instrument(tx, instrument)
            tx.commit()

    return write


@pytest.fixture
def make_dataset(store: Store, define: Callable[[], None]) -> MakeDataset:
    """Write rows as one more file of a dataset, sync, and return the dataset."""

    def make(data_type: str, rows: list[dict[str, Any]] | pl.DataFrame, *, defined: bool = True) -> Dataset:
        if defined and not store.instruments.filter(is_defined=True).exists():
            define()
        write_rows(store, data_type, rows if isinstance(rows, pl.DataFrame) else frame_of(data_type, rows))
        sync_store(store)
        return store.datasets.select_related("store", "definition").get(data_type=data_type)

    return make


def write_rows(store: Store, data_type: str, frame: pl.DataFrame) -> list[str]:
    """Commit canonical rows as one file of GBP/USD."""
    bar_type = BAR_TYPE if data_type == "bar" else None
    with Transaction(Path(store.root), "import", dataset_path(data_type, bar_type or INSTRUMENT)) as tx:
        writer = DatasetWriter(tx, data_type, INSTRUMENT, bar_type=bar_type, price_precision=5, size_precision=0)
        writer.write(frame.drop("file", "row"))
        paths = writer.finish()
        tx.commit()
    return paths


def bars_at(closes: Int64s) -> pl.DataFrame:
    """Clean one-minute bars with these closes."""
    one = frame_of("bar", rows_of("bar", 1))
    return pl.concat([one] * len(closes)).with_columns(
        pl.Series("ts_event", np.asarray(closes)), pl.Series("ts_init", np.asarray(closes))
    )


def quotes_at(times: Int64s) -> pl.DataFrame:
    """Clean quotes at these times."""
    one = frame_of("quote", rows_of("quote", 1))
    return one[np.zeros(len(times), np.int64)].with_columns(
        pl.Series("ts_event", np.asarray(times)), pl.Series("ts_init", np.asarray(times))
    )
