"""Writes quotes, trades and bars as NautilusTrader 1.231.0 does: same Arrow schema, metadata and file names.

Differences that its readers do not see: ZSTD instead of Snappy, row groups of 131,072 rows instead of 5,000, times
packed as deltas.
"""

from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store import durable, layout
from catalog_app.store.bar_type import parse_bar_type, split_instrument_id
from catalog_app.store.decimals import DECIMAL
from catalog_app.store.dialects import expected_types
from catalog_app.store.errors import FileProblem, InvalidRows, Overlap, UnsortedRows
from catalog_app.store.footer import read_footer
from catalog_app.store.journal import Transaction
from catalog_app.store.rows import check_rows
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS

ROW_GROUP_ROWS: Final = 131_072


class DatasetWriter:
    """Writes one file of a dataset into a transaction, in bounded memory.

    Give `bar_type` for bars. Precisions are decimals, 0 to 16. ValueError for identifiers or precisions that
    NautilusTrader would not take.
    """

    def __init__(
        self,
        tx: Transaction,
        data_type: str,
        instrument_id: str,
        *,
        bar_type: str | None = None,
        price_precision: int,
        size_precision: int,
    ) -> None:
        _require_identity(data_type, instrument_id, bar_type)
        for precision in (price_precision, size_precision):
            if not 0 <= precision <= SCALE_DIGITS:
                raise ValueError(f"precision must be 0 to {SCALE_DIGITS}, not {precision}")
        self.rows = 0
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self._tx = tx
        self._data_type = data_type
        self._directory = layout.dataset_path(data_type, bar_type or instrument_id)
        self._precisions = (price_precision, size_precision)
        self._schema = arrow_schema(data_type, instrument_id, bar_type, price_precision, size_precision)
        self._pending: list[pl.DataFrame] = []
        self._pending_rows = 0
        self._path: Path | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._finished = False

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows of the canonical schema, sorted by ts_init over all calls.

        Raises UnsortedRows, InvalidRows (which name the first wrong value), StoreError when the disk refuses.
        """
        if self._finished:
            raise InvalidRows("this writer is finished: make another one for more rows")
        if frame.schema != CANONICAL[self._data_type]:
            raise InvalidRows(f"columns must be {dict(CANONICAL[self._data_type])}, not {dict(frame.schema)}")
        if not frame.height:
            return
        check_rows(frame, self._data_type, *self._precisions, first_row=self.rows)
        times = frame["ts_init"]
        if not times.is_sorted() or (self.end_ns is not None and times[0] < self.end_ns):
            raise UnsortedRows(f"{self._directory}: rows must come sorted by ts_init; sort them first")
        self.start_ns = times[0] if self.start_ns is None else self.start_ns
        self.end_ns = times[-1]
        self.rows += frame.height
        self._pending.append(frame)
        self._pending_rows += frame.height
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(final=False)

    def finish(self) -> list[str]:
        """Close the file and stage it under the name of its rows' interval; [] when no rows came.

        Raises Overlap where the interval touches a file that stays in the directory: now, and again at commit.
        """
        self._finished = True
        if self.start_ns is None or self.end_ns is None:
            return []
        self._flush(final=True)
        rel_path = f"{self._directory}/{layout.format_file_name(self.start_ns, self.end_ns)}"
        start_ns, end_ns = self.start_ns, self.end_ns

        def check(removed: frozenset[str]) -> None:
            require_disjoint(self._tx.root, self._directory, start_ns, end_ns, removed)

        self._check_staged(start_ns, end_ns)
        check(self._tx.removed)
        self._tx.require(check)
        if self._path is not None:
            self._tx.adopt(self._path, rel_path)
        return [rel_path]

    def _check_staged(self, start_ns: int, end_ns: int) -> None:
        for path in sorted(self._tx.staged):
            located = layout.locate(path)
            interval = layout.parse_file_name(located.name)
            if located.directory == self._directory and interval and _touch(interval, start_ns, end_ns):
                raise Overlap(self._directory, start_ns, end_ns, f"{located.name}, which this operation writes too")

    def _flush(self, *, final: bool) -> None:
        frame = pl.concat(self._pending, rechunk=True)
        keep = 0 if final else frame.height % ROW_GROUP_ROWS
        with durable.explained(f"cannot write {self._directory}"):
            if self._parquet is None:
                self._path = self._tx.scratch()
                self._parquet = pq.ParquetWriter(
                    self._path, self._schema, compression="zstd", **_encodings(self._schema)
                )
            table = to_arrow(frame.head(frame.height - keep), self._schema)
            self._parquet.write_table(table, row_group_size=ROW_GROUP_ROWS)
            if final:
                self._parquet.close()
        self._pending = [frame.tail(keep)] if keep else []
        self._pending_rows = keep


def arrow_schema(
    data_type: str, instrument_id: str, bar_type: str | None, price_precision: int, size_precision: int
) -> pa.Schema:
    """The Arrow schema that NautilusTrader 1.231.0 writes: non-null fields, metadata in text."""
    fields = [pa.field(name, kind, nullable=False) for name, kind in expected_types(data_type, "v1-16").items()]
    metadata = {
        "instrument_id": instrument_id,
        "price_precision": str(price_precision),
        "size_precision": str(size_precision),
    }
    if bar_type is not None:
        metadata["bar_type"] = bar_type
    return pa.schema(fields, metadata=metadata)


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """Dictionaries only where values repeat: for times and trade ids they cost more than half of the writing speed."""
    times = {"ts_event", "ts_init"}
    return {
        "use_dictionary": [name for name in schema.names if name not in times | {"trade_id"}],
        "column_encoding": dict.fromkeys(sorted(times), "DELTA_BINARY_PACKED"),
    }


def to_arrow(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """A checked canonical frame as Arrow: an Int128 buffer is a fixed_size_binary(16) buffer, byte for byte."""
    columns = []
    for field in schema:
        series = frame[field.name]
        if pa.types.is_fixed_size_binary(field.type):
            decimals = series.reinterpret(dtype=DECIMAL).rechunk().to_arrow()
            buffers = [None, decimals.buffers()[1]]
            columns.append(
                pa.FixedSizeBinaryArray.from_buffers(field.type, len(decimals), buffers, offset=decimals.offset)
            )
        else:
            columns.append(series.to_arrow().cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def require_disjoint(root: Path, directory: str, start_ns: int, end_ns: int, removed: frozenset[str]) -> None:
    """Overlap where a file of the directory, by its name or its rows, shares a nanosecond with the interval.

    NautilusTrader compares closed intervals: one that starts where another ends is refused too.
    """
    try:
        names = sorted(path.name for path in (root / directory).iterdir() if path.suffix == ".parquet")
    except FileNotFoundError:
        return
    for name in names:
        path = f"{directory}/{name}"
        if path in removed:
            continue
        intervals = [layout.parse_file_name(name), _rows_interval(root, path)]
        if any(_touch(interval, start_ns, end_ns) for interval in intervals if interval is not None):
            raise Overlap(directory, start_ns, end_ns, name)


def _touch(interval: tuple[int, int], start_ns: int, end_ns: int) -> bool:
    return interval[0] <= end_ns and start_ns <= interval[1]


def _rows_interval(root: Path, path: str) -> tuple[int, int] | None:
    try:
        footer = read_footer(root, path)
    except FileProblem:
        return None
    if footer.start_ns is None or footer.end_ns is None:
        return None
    return footer.start_ns, footer.end_ns


def _require_identity(data_type: str, instrument_id: str, bar_type: str | None) -> None:
    if data_type not in CANONICAL:
        raise ValueError(f"data type {data_type!r} cannot be written; one of {', '.join(CANONICAL)} can")
    split_instrument_id(instrument_id)
    if (data_type == "bar") != (bar_type is not None):
        raise ValueError("give a bar type for bars, and only for bars")
    if bar_type is not None and parse_bar_type(bar_type).instrument_id != instrument_id:
        raise ValueError(f"bar type {bar_type!r} is not one of {instrument_id!r}")
