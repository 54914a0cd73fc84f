"""Reading a store's columns: the desk's reader against bare Polars and PyArrow on the same files."""

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from benchmarks.subjects import Stored
from benchmarks.work import Done, Work, Workspace
from catalog_app.store import reader

BATCH_ROWS: Final = 262_144


def desk(workspace: Workspace, store: str) -> Work:
    """All columns in the canonical schema."""
    stored = Stored.at(workspace.path(store))
    return _counted(lambda: reader.scan(stored.root, stored.paths, stored.data_type))


def desk_times(workspace: Workspace, store: str) -> Work:
    """ts_init."""
    stored = Stored.at(workspace.path(store))
    return _counted(lambda: reader.scan(stored.root, stored.paths, stored.data_type).select("ts_init"))


def polars(workspace: Workspace, store: str) -> Work:
    """All columns as they are stored."""
    files = Stored.at(workspace.path(store)).files
    return _counted(lambda: pl.scan_parquet(files))


def polars_decoded(workspace: Workspace, store: str) -> Work:
    """All columns of quotes, prices and sizes reinterpreted as integers, and nothing else."""
    files = Stored.at(workspace.path(store)).files
    numbers = pl.col("bid_price", "ask_price", "bid_size", "ask_size")
    decoded = (numbers.bin.reinterpret(dtype=pl.Int128, endianness="little"), pl.col("ts_event", "ts_init"))
    return _counted(lambda: pl.scan_parquet(files).select(decoded))


def polars_times(workspace: Workspace, store: str) -> Work:
    """ts_init as it is stored."""
    files = Stored.at(workspace.path(store)).files
    return _counted(lambda: pl.scan_parquet(files).select("ts_init"))


def arrow(workspace: Workspace, store: str) -> Work:
    """All columns as Arrow batches."""
    return _arrow(workspace, store)


def arrow_times(workspace: Workspace, store: str) -> Work:
    """ts_init as Arrow batches."""
    return _arrow(workspace, store, columns=["ts_init"])


def _counted(scan: Callable[[], pl.LazyFrame]) -> Work:
    def run(_: object) -> Done:
        batches = scan().collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming")
        return Done(sum(batch.height for batch in batches))

    return Work(run)


def _arrow(workspace: Workspace, store: str, **wanted: Any) -> Work:
    import pyarrow.dataset as ds

    files = [str(file) for file in Stored.at(workspace.path(store)).files]

    def run(_: object) -> Done:
        batches = ds.dataset(files).scanner(batch_size=BATCH_ROWS, **wanted).to_batches()
        return Done(sum(batch.num_rows for batch in batches))

    return Work(run)
