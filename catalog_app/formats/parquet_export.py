"""Canonical batches to plain Parquet for analysts: decimals and timestamps that every reader knows."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.formats.errors import FormatError
from catalog_app.store.decimals import as_short_decimal, fits_digits
from catalog_app.store.schema import AGGRESSOR_SIDES, CANONICAL, PRICE_COLUMNS, SIZE_COLUMNS

PARQUET_COMPRESSIONS: Final = ("zstd", "snappy", "gzip", "none")
_ROW_GROUP: Final = 131_072
_DECIMAL_DIGITS: Final = 38


class ParquetExportWriter:
    """A context manager; write() takes canonical frames in order. `rows` counts them.

    Prices are decimal128(38, price_precision), sizes decimal128(38, size_precision), times timestamp[ns, UTC],
    aggressor_side NautilusTrader's names. `metadata` (instrument_id, bar_type …) goes into the schema.
    """

    def __init__(
        self,
        path: Path,
        data_type: str,
        *,
        price_precision: int,
        size_precision: int,
        metadata: Mapping[str, str] | None = None,
        compression: str = "zstd",
    ) -> None:
        if compression not in PARQUET_COMPRESSIONS:
            raise FormatError(
                f"Parquet cannot be compressed with {compression!r}",
                action=f"Choose one of {', '.join(PARQUET_COMPRESSIONS)}.",
            )
        self.path = path
        self.rows = 0
        self._digits = dict.fromkeys(PRICE_COLUMNS[data_type], price_precision)
        self._digits |= dict.fromkeys(SIZE_COLUMNS[data_type], size_precision)
        self._compression = compression
        self._schema = self._arrow_schema(data_type, dict(metadata or {}))
        self._columns = [self._column(name) for name in self._schema.names]

    def __enter__(self) -> Self:
        times = [name for name in self._schema.names if name.startswith("ts_")]
        self._writer = pq.ParquetWriter(
            self.path,
            self._schema,
            compression=self._compression,
            # Dictionaries only where values repeat: elsewhere they take most of the time and are given up anyway.
            use_dictionary=[name for name in self._schema.names if name not in {*times, "trade_id"}],
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._writer.close()

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of a canonical frame; FormatError when a value needs more decimals than the column has."""
        if frame.is_empty():
            return
        self._require_exact(frame)
        table = frame.select(self._columns).to_arrow().cast(self._schema)
        self._writer.write_table(table, row_group_size=_ROW_GROUP)
        self.rows += frame.height

    def _require_exact(self, frame: pl.DataFrame) -> None:
        checks = [(~fits_digits(pl.col(name), digits)).any().alias(name) for name, digits in self._digits.items()]
        finer = [name for name, found in frame.select(checks).row(0, named=True).items() if found]
        if finer:
            raise FormatError(
                f"values of {', '.join(finer)} have more decimals than the dataset's precision",
                str(self.path.name),
                "Export with a higher precision, or as CSV, which shows them all.",
            )

    def _column(self, name: str) -> pl.Expr:
        column = pl.col(name)
        if name in self._digits:
            return as_short_decimal(column, self._digits[name])
        if name == "aggressor_side":
            return column.replace_strict(AGGRESSOR_SIDES, default=None, return_dtype=pl.String)
        if name.startswith("ts_"):
            return pl.from_epoch(column, time_unit="ns").dt.replace_time_zone("UTC")
        return column

    def _arrow_schema(self, data_type: str, metadata: dict[str, str]) -> pa.Schema:
        fields = []
        for name in CANONICAL[data_type].names():
            kind = pa.string()
            if name in self._digits:
                kind = pa.decimal128(_DECIMAL_DIGITS, self._digits[name])
            elif name.startswith("ts_"):
                kind = pa.timestamp("ns", tz="UTC")
            fields.append(pa.field(name, kind))
        return pa.schema(fields, metadata=metadata)
