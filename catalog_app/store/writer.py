"""Writes every data type as NautilusTrader does, 1.231.0 ("v1") or 2.0.0rc7 ("v2"): Arrow schema, metadata, file names.

Differences that their readers do not see: in v1 ZSTD instead of Snappy, row groups of 131,072 rows instead of 5,000,
and times packed as deltas.
"""

from collections.abc import Iterable

import polars as pl
import pyarrow as pa

from catalog_app.store import layout
from catalog_app.store.bar_type import parse_bar_type, split_instrument_id
from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import InvalidRows, Overlap, UnsortedRows
from catalog_app.store.layout import VERSIONS, Version
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS
from catalog_app.store.writing.arrow_schemas import arrow_schema
from catalog_app.store.writing.disjoint import require_disjoint, touch
from catalog_app.store.writing.encoding import to_arrow
from catalog_app.store.writing.parquet_file import ParquetFile
from catalog_app.store.writing.row_groups import ROW_GROUP_ROWS, group_rows
from catalog_app.store.writing.rows import check_rows

__all__ = ["ROW_GROUP_ROWS", "DatasetWriter", "arrow_schema", "require_disjoint", "to_arrow"]


class DatasetWriter:
    """Writes one file of a dataset into a transaction, in bounded memory.

    Give `bar_type` for bars. Precisions are decimals, 0 to 16; None where the data type has none (sizes of mark
    prices, for example). ValueError for identifiers, precisions or codecs that NautilusTrader would not take.
    """

    def __init__(
        self,
        tx: Transaction,
        data_type: str,
        instrument_id: str,
        *,
        bar_type: str | None = None,
        price_precision: int | None,
        size_precision: int | None,
        version: Version = "v1",
        compression: str = "zstd",
        row_group_rows: int = ROW_GROUP_ROWS,
    ) -> None:
        _require_identity(data_type, instrument_id, bar_type)
        _require_form((price_precision, size_precision), version, compression, row_group_rows)
        self.rows = 0
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self._tx = tx
        self._data_type = data_type
        self._instrument_id = instrument_id
        self._version: Version = version
        self._directory = layout.dataset_path(data_type, bar_type or instrument_id, version)
        self._precisions = (price_precision, size_precision)
        self._schema = arrow_schema(data_type, instrument_id, bar_type, *self._precisions, version)
        self._compression = compression
        self._row_group_rows = group_rows(self._schema, row_group_rows)
        self._pending: list[pl.DataFrame] = []
        self._pending_rows = 0
        self._file: ParquetFile | None = None
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
        check_rows(frame, self._data_type, *self._precisions, version=self._version, first_row=self.rows)
        times = frame["ts_init"]
        if not times.is_sorted() or (self.end_ns is not None and times[0] < self.end_ns):
            raise UnsortedRows(f"{self._directory}: rows must come sorted by ts_init; sort them first")
        self.start_ns = times[0] if self.start_ns is None else self.start_ns
        self.end_ns = times[-1]
        self.rows += frame.height
        self._pending.append(frame)
        self._pending_rows += frame.height
        if self._pending_rows >= self._row_group_rows:
            self._flush(keep=self._pending_rows % self._row_group_rows)

    def finish(self) -> list[str]:
        """Close the file and stage it under the name of its rows' interval; [] when no rows came.

        Raises Overlap where the interval touches a file that stays in the directory: now, and again at commit.
        """
        self._finished = True
        if self.start_ns is None or self.end_ns is None:
            return []
        self._flush(keep=0)
        rel_path = f"{self._directory}/{layout.format_file_name(self.start_ns, self.end_ns)}"
        start_ns, end_ns = self.start_ns, self.end_ns

        def check(removed: frozenset[str]) -> None:
            require_disjoint(self._tx.store, self._directory, start_ns, end_ns, removed)

        self._check_staged(start_ns, end_ns)
        check(self._tx.removed)
        self._tx.require(check)
        if self._file is not None:
            with durable.explained(f"cannot write {self._directory}"):
                self._file.close()
            self._tx.adopt(self._file.path, rel_path)
        return [rel_path]

    def _check_staged(self, start_ns: int, end_ns: int) -> None:
        for path in sorted(self._tx.staged):
            located = layout.locate(path)
            interval = layout.parse_file_name(located.name)
            if located.directory == self._directory and interval and touch(interval, start_ns, end_ns):
                raise Overlap(self._directory, start_ns, end_ns, f"{located.name}, which this operation writes too")

    def _flush(self, *, keep: int) -> None:
        """Encode what is pending, but for the last `keep` rows: they would make a small row group."""
        if not self._pending_rows:
            return
        frame = pl.concat(self._pending)
        with durable.explained(f"cannot write {self._directory}"):
            if self._file is None:
                self._file = ParquetFile(self._tx.scratch(), self._schema, self._compression, self._row_group_rows)
            table = to_arrow(
                frame.head(frame.height - keep),
                self._schema,
                instrument_id=self._instrument_id,
                price_precision=self._precisions[0],
            )
            self._file.write(table)
        self._pending = [frame.tail(keep)] if keep else []
        self._pending_rows = keep


def _require_identity(data_type: str, instrument_id: str, bar_type: str | None) -> None:
    if data_type not in CANONICAL:
        raise ValueError(f"data type {data_type!r} cannot be written; one of {', '.join(CANONICAL)} can")
    split_instrument_id(instrument_id)
    if (data_type == "bar") != (bar_type is not None):
        raise ValueError("give a bar type for bars, and only for bars")
    if bar_type is not None and parse_bar_type(bar_type).instrument_id != instrument_id:
        raise ValueError(f"bar type {bar_type!r} is not one of {instrument_id!r}")


def _require_form(precisions: Iterable[int | None], version: str, compression: str, row_group_rows: int) -> None:
    for precision in precisions:
        if precision is not None and not 0 <= precision <= SCALE_DIGITS:
            raise ValueError(f"precision must be 0 to {SCALE_DIGITS}, not {precision}")
    if version not in VERSIONS:
        raise ValueError(f"version must be one of {', '.join(VERSIONS)}, not {version!r}")
    if compression != "none" and not pa.Codec.is_available(compression):
        raise ValueError(f"compression {compression!r} is not available")
    if row_group_rows < 1:
        raise ValueError(f"a row group has one row at least, not {row_group_rows}")
