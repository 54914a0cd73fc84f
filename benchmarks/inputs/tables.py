"""Files outside a store: vendors' CSV, and Parquet with the ready float columns that other writers start from."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from benchmarks.inputs.frames import bars, quotes
from benchmarks.subjects import BARS, QUOTES, Subject
from benchmarks.work import Workspace
from catalog_app.store import reader
from catalog_app.store.decimals import as_decimal, decimal_text
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS


def quote_csv(workspace: Workspace) -> None:
    """`few` quotes: timestamp (ISO, microseconds), prices, sizes."""
    frames = quotes(workspace.sizes.few, workspace.sizes.seed)
    _write_csv(workspace.path("quote-csv") / "quotes.csv", QUOTES, frames)


def bar_csv(workspace: Workspace) -> None:
    """`few` bars, stamped with their close."""
    frames = bars(workspace.sizes.few, workspace.sizes.seed)
    _write_csv(workspace.path("bar-csv") / "bars.csv", BARS, frames)


def float_quotes(workspace: Workspace) -> None:
    """The large quotes with prices and sizes as floats and times as timestamps."""
    store = workspace.path("large-quotes")
    numbers = (*PRICE_COLUMNS["quote"], *SIZE_COLUMNS["quote"])
    reader.scan(store, QUOTES.paths(store), "quote").select(
        *(pl.from_epoch(name, time_unit="ns").dt.replace_time_zone("UTC") for name in ("ts_event", "ts_init")),
        *(as_decimal(pl.col(name)).cast(pl.Float64) for name in numbers),
    ).sink_parquet(workspace.path("float-quotes") / "quotes.parquet", compression="zstd")


def _write_csv(path: Path, subject: Subject, frames: Iterable[pl.DataFrame]) -> None:
    digits = dict.fromkeys(PRICE_COLUMNS[subject.data_type], subject.price_precision)
    digits |= dict.fromkeys(SIZE_COLUMNS[subject.data_type], subject.size_precision)
    time = pl.from_epoch("ts_init", time_unit="ns").dt.to_string("%Y-%m-%d %H:%M:%S%.6f").alias("timestamp")
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            text = frame.select(time, *(decimal_text(pl.col(name), digits[name]) for name in digits))
            text.write_csv(file, include_header=number == 0)
