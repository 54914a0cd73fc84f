"""Stores that hold the same instrument."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from catalog_app.models import Dataset, Store
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from quality_app.tests.conftest import write_rows


@pytest.fixture
def make_stores(db: None, tmp_path: Path) -> Callable[..., list[Dataset]]:
    """Stores with one dataset each of GBP/USD, one per frame."""

    def make(*frames: pl.DataFrame, data_type: str = "bar") -> list[Dataset]:
        found = []
        for frame in frames:
            root = tmp_path / f"store-{Store.objects.count()}"
            (root / "data").mkdir(parents=True)
            store = register_store(root)
            write_rows(store, data_type, frame)
            sync_store(store)
            found.append(store.datasets.get())
        return found

    return make
