"""Rows of files in batches of Arrow columns, as they are stored."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.footer import TS_INIT
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.reader import ROW_ERRORS
from catalog_app.store.writing.row_groups import row_bytes

# A batch is bounded by both: rows of depths are some 50 times as wide as a ts_init.
_BATCH_ROWS: Final = 1_048_576
_BATCH_BYTES: Final = 1 << 24
_READ_BUFFER: Final = 1 << 20

type Times = npt.NDArray[np.int64]


def batches(
    root: Root, source: Source, columns: Sequence[str] | None = None, *, groups: Sequence[int] | None = None
) -> Iterator[pa.Table]:
    """A file's rows in their order, or those of some of its row groups; UnreadableFile where the file is damaged."""
    if groups is not None and not groups:
        return
    try:
        with StoreRoot.at(root).open_input(source.path) as file:
            # Buffered, so that a row group of any size passes in pieces.
            parquet = pq.ParquetFile(file, buffer_size=_READ_BUFFER)
            kept = source.schema if columns is None else pa.schema([source.schema.field(name) for name in columns])
            rows = min(_BATCH_ROWS, _BATCH_BYTES // row_bytes(kept))
            for batch in parquet.iter_batches(max(rows, 1_024), row_groups=groups, columns=columns):
                table = pa.Table.from_arrays(batch.columns, schema=kept)
                if table.column(TS_INIT).null_count:
                    raise UnreadableFile(source.path, "it has rows without ts_init")
                yield table
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(source.path, f"its rows cannot be read ({error})") from error


def groups_between(source: Source, low: int, high: int) -> list[int]:
    """Row groups that may hold a ts_init of low ≤ ts_init < high."""
    return [
        at
        for at, group in enumerate(source.groups)
        if group.low is None or group.high is None or (group.high >= low and group.low < high)
    ]


def times_of(table: pa.Table) -> Times:
    """The ts_init of rows, which are never null, as int64 ns; of all kinds that a store has them in."""
    parts = [
        np.frombuffer(chunk.buffers()[1], np.int64, len(chunk), chunk.offset * 8)
        for chunk in table.column(TS_INIT).chunks
        if len(chunk)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


def time_batches(root: Root, source: Source, *, groups: Sequence[int] | None = None) -> Iterator[Times]:
    """A file's ts_init (ns, UTC) in the rows' order."""
    for table in batches(root, source, [TS_INIT], groups=groups):
        yield times_of(table)


def times_of_files(root: Root, sources: Sequence[Source]) -> list[Times] | None:
    """The ts_init (ns, UTC) of several small files, in the rows' order; None where one of them must be looked at alone.

    Polars opens many files in a fraction of the time that they take one by one.
    """
    store = StoreRoot.at(root)
    paths = [store.source(source.path) for source in sources]
    try:
        frame = pl.scan_parquet(
            paths, glob=False, hive_partitioning=False, extra_columns="ignore", storage_options=store.storage_options
        )
        times = frame.select(pl.col(TS_INIT).cast(pl.Int64)).collect(engine="streaming").to_series()
    except ROW_ERRORS:
        return None
    if times.null_count() or times.len() != sum(source.rows for source in sources):
        return None
    ends = np.cumsum([source.rows for source in sources])
    return np.split(times.to_numpy(), ends[:-1])
