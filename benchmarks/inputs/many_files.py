"""A store of many small files: what an index has to get through."""

from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.inputs.frames import MINUTE_NS, START_NS, bars, quotes
from benchmarks.work import Workspace
from catalog_app.store.instruments.building import build_instrument, instrument_path, instrument_table
from catalog_app.store.layout import dataset_path, format_file_name
from catalog_app.store.writer import arrow_schema, to_arrow

FILES_PER_DATASET: Final = 2
_ROWS: Final = 20
_VENUES: Final = ("BINANCE", "SIM", "XNAS", "GLBX")
_TIMEFRAMES: Final = ("1-MINUTE-LAST", "5-MINUTE-LAST", "1-HOUR-LAST")


def many_files(workspace: Workspace) -> None:
    """`datasets` datasets of two files of 20 rows, and a definition for each instrument."""
    root = workspace.path("many-files")
    seen: set[str] = set()
    for instrument_id, timeframe in islice(dataset_names(), workspace.sizes.datasets):
        if instrument_id not in seen:
            seen.add(instrument_id)
            _write_definition(root, instrument_id)
        _write_dataset(root, instrument_id, timeframe)


def dataset_names() -> Iterator[tuple[str, str]]:
    """(instrument id, timeframe or "" for quotes) without end: four datasets of each instrument."""
    for number, venue in enumerate(cycle(_VENUES)):
        for timeframe in ("", *_TIMEFRAMES):
            yield f"S{number:05d}.{venue}", timeframe


def bar_type_of(instrument_id: str, timeframe: str) -> str | None:
    """The bar type, None for quotes."""
    return f"{instrument_id}-{timeframe}-EXTERNAL" if timeframe else None


def _write_definition(root: Path, instrument_id: str) -> None:
    instrument = build_instrument(
        "equity", instrument_id, currency="USD", price_precision=2, size_precision=0, price_increment="0.01"
    )
    path = root / instrument_path(instrument)
    path.parent.mkdir(parents=True)
    pq.write_table(instrument_table(instrument), path)


def _write_dataset(root: Path, instrument_id: str, timeframe: str) -> None:
    """Straight to Parquet: an operation of the store for each file would take minutes of syncing."""
    data_type = "bar" if timeframe else "quote"
    bar_type = bar_type_of(instrument_id, timeframe)
    metadata = arrow_schema(data_type, instrument_id, bar_type, 2, 0).metadata
    directory = root / dataset_path(data_type, bar_type or instrument_id)
    directory.mkdir(parents=True)
    for name, table in _tables(data_type):
        pq.write_table(table.replace_schema_metadata(metadata), directory / name, compression="zstd")


@cache
def _tables(data_type: str) -> list[tuple[str, pa.Table]]:
    """A dataset's files by name: the same rows in each dataset, for they are not what is measured."""
    schema = arrow_schema(data_type, "A.B", "A.B-1-MINUTE-LAST-EXTERNAL", 2, 0)
    (frame,) = bars(_ROWS, seed=1) if data_type == "bar" else quotes(_ROWS, seed=1)
    tables = []
    for number in range(FILES_PER_DATASET):
        start_ns = START_NS + number * 2 * _ROWS * MINUTE_NS
        shifted = frame.with_columns(pl.col("ts_event", "ts_init") - frame["ts_init"][0] + start_ns)
        name = format_file_name(shifted["ts_init"][0], shifted["ts_init"][-1])
        tables.append((name, to_arrow(shifted, schema)))
    return tables
