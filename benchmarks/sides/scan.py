"""Reading a store's columns: the desk's reader against bare Polars and PyArrow on the same file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from benchmarks.subjects import BARS, QUOTES, Subject
from benchmarks.work import Done, Work, Workspace
from catalog_app.store import reader

BATCH_ROWS: Final = 262_144


def desk_quotes(workspace: Workspace) -> Work:
    """All columns of the quotes in the canonical schema."""
    return _desk(workspace.path("large-quotes"), QUOTES, None)


def polars_quotes(workspace: Workspace) -> Work:
    """All columns of the quotes as they are stored."""
    return _polars(QUOTES.file(workspace.path("large-quotes")), None)


def polars_decoded_quotes(workspace: Workspace) -> Work:
    """All columns of the quotes, prices and sizes reinterpreted as integers, and nothing else."""
    numbers = pl.col("bid_price", "ask_price", "bid_size", "ask_size")
    decoded = (numbers.bin.reinterpret(dtype=pl.Int128, endianness="little"), pl.col("ts_event", "ts_init"))
    file = QUOTES.file(workspace.path("large-quotes"))
    return _counted(lambda: pl.scan_parquet(file).select(decoded))


def arrow_quotes(workspace: Workspace) -> Work:
    """All columns of the quotes as Arrow batches."""
    return _arrow(QUOTES.file(workspace.path("large-quotes")), None)


def desk_times(workspace: Workspace) -> Work:
    """ts_init of the bars."""
    return _desk(workspace.path("large-bars"), BARS, "ts_init")


def polars_times(workspace: Workspace) -> Work:
    """ts_init of the bars."""
    return _polars(BARS.file(workspace.path("large-bars")), "ts_init")


def arrow_times(workspace: Workspace) -> Work:
    """ts_init of the bars."""
    return _arrow(BARS.file(workspace.path("large-bars")), "ts_init")


def _desk(store: Path, subject: Subject, column: str | None) -> Work:
    paths = subject.paths(store)

    def scan() -> pl.LazyFrame:
        frame = reader.scan(store, paths, subject.data_type)
        return frame.select(column) if column else frame

    return _counted(scan)


def _polars(file: Path, column: str | None) -> Work:
    def scan() -> pl.LazyFrame:
        frame = pl.scan_parquet(file)
        return frame.select(column) if column else frame

    return _counted(scan)


def _counted(scan: Callable[[], pl.LazyFrame]) -> Work:
    def run(_: Path) -> Done:
        batches = scan().collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming")
        return Done(sum(batch.height for batch in batches))

    return Work(run)


def _arrow(file: Path, column: str | None) -> Work:
    import pyarrow.dataset as ds

    wanted: dict[str, Any] = {"columns": [column]} if column else {}

    def run(_: Path) -> Done:
        batches = ds.dataset(file).scanner(batch_size=BATCH_ROWS, **wanted).to_batches()
        return Done(sum(batch.num_rows for batch in batches))

    return Work(run)
