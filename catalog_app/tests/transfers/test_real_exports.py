"""Exports of books that NautilusTrader wrote: equal to what its files hold, read without this desk's reader."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command

from catalog_app.models import Dataset, Export
from catalog_app.services.exporting import ExportRequest, export_now
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.tests.market import market_path

pytestmark = pytest.mark.django_db
SCALE = Decimal(10) ** -16


def dataset_of(store: str, data_type: str) -> Dataset:
    found = register_store(market_path(f"stores/{store}"))
    sync_store(found)
    return found.datasets.select_related("store").get(data_type=data_type)


def stored(dataset: Dataset) -> pa.Table:
    return pa.concat_tables(pq.read_table(Path(dataset.store.root, file.path)) for file in dataset.files.all())


def number(value: bytes) -> Decimal | None:
    """A price or size of 1.x: a little-endian integer, the greatest price being none."""
    raw = int.from_bytes(value, "little", signed=True)
    return None if raw == 2**127 - 1 else raw * SCALE


def exported(dataset: Dataset, fmt: str) -> pl.DataFrame:
    compression = {"csv": "none", "parquet": "zstd"}[fmt]
    export, job = export_now(ExportRequest(dataset, fmt, compression, timestamp_format="epoch_ns"))
    assert job.error == ""
    if fmt == "parquet":
        return pl.read_parquet(export.file_path)
    return pl.read_csv(export.file_path, infer_schema=False)


def decimals(column: pl.Series) -> list[Decimal | None]:
    return [None if value is None else Decimal(value) for value in column.to_list()]


def test_deltas_of_1_x() -> None:
    dataset = dataset_of("nautilus-1.231", "delta")
    file = stored(dataset)
    for fmt in ("csv", "parquet"):
        found = exported(dataset, fmt)
        assert decimals(found["price"]) == [number(value) for value in file["price"].to_pylist()]
        assert decimals(found["size"]) == [number(value) for value in file["size"].to_pylist()]
        names = {1: "ADD", 2: "UPDATE", 3: "DELETE", 4: "CLEAR"}
        assert found["action"].to_list() == [names[code] for code in file["action"].to_pylist()]
        assert found["ts_event"].cast(pl.Int64).to_list() == file["ts_event"].to_pylist()
        assert found["order_id"].cast(pl.UInt64).to_list() == file["order_id"].to_pylist()


def test_depths_of_1_x_have_its_columns_in_a_csv() -> None:
    dataset = dataset_of("nautilus-1.231", "depth10")
    file = stored(dataset)
    found = exported(dataset, "csv")
    assert set(found.columns) == set(file.column_names)
    for name in file.column_names:
        values = file[name].to_pylist()
        if isinstance(values[0], bytes):
            assert decimals(found[name]) == [number(value) for value in values], name
        else:
            assert found[name].cast(pl.Int64).to_list() == values, name


def test_depths_of_2_x_keep_their_lists_in_parquet() -> None:
    dataset = dataset_of("nautilus-2.0.0rc7", "depth10")
    file = stored(dataset)
    found = exported(dataset, "parquet")
    for side in ("bids", "asks"):
        assert found[side].to_list() == file[side].to_pylist()
    assert found["ts_init"].cast(pl.Int64).to_list() == file["ts_init"].cast(pa.int64()).to_pylist()


def test_the_command_exports_a_book(tmp_path: Path) -> None:
    dataset = dataset_of("nautilus-1.231", "depth10")
    target = tmp_path / "book.csv"
    call_command(
        "export_data", "--store", dataset.store.name, "--instrument", "BTCUSDT.BINANCE", "--data-type", "depth10",
        "--timestamp-format", "epoch_ns", "--output", str(target),
    )  # fmt: skip
    assert Export.objects.get().file_path == str(target)
    assert pl.read_csv(target).select("ts_init", "bid_price_0").dtypes == [pl.Int64, pl.Float64]
