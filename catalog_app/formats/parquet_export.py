"""Batches of rows to plain Parquet for analysts: decimals and timestamps that every reader knows."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from polars._typing import PolarsDataType

from catalog_app.formats.errors import FormatError
from catalog_app.formats.export_columns import export_columns
from catalog_app.store.decimals import as_short_decimal, fits_digits

PARQUET_COMPRESSIONS: Final = ("zstd", "snappy", "gzip", "none")
_ROW_GROUP: Final = 131_072
_LEVEL_PARTS: Final = ("price", "size", "count", "order_id")


class ParquetExportWriter:
    """A context manager; write() takes frames in order, of `schema`, or else canonical ones. `rows` counts them.

    Prices are decimal128(38, price_precision), sizes decimal128(38, size_precision), those within the lists of a book's
    levels too; times timestamp[ns, UTC], enumerations NautilusTrader's names. Other columns keep their type.
    `metadata` (instrument_id, bar_type …) goes into the schema.
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
        schema: pl.Schema | None = None,
    ) -> None:
        if compression not in PARQUET_COMPRESSIONS:
            raise FormatError(
                f"Parquet cannot be compressed with {compression!r}",
                action=f"Choose one of {', '.join(PARQUET_COMPRESSIONS)}.",
            )
        self.path = path
        self.rows = 0
        self._compression = compression
        self._about = export_columns(data_type, price_precision, size_precision, schema)
        self._levels = self._about.names_of_levels()
        self._columns = [self._column(name, kind) for name, kind in self._about.schema.items()]
        empty = pl.DataFrame(schema=self._about.schema).select(self._columns)
        self._schema = self._arrow(empty).schema.with_metadata(dict(metadata or {}))

    def __enter__(self) -> Self:
        times = sorted(self._about.times)
        self._writer = pq.ParquetWriter(
            self.path,
            self._schema,
            compression=self._compression,
            use_dictionary=self._repeating(),
            column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._writer.close()

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of a frame; FormatError when a value needs more decimals than the column has."""
        if frame.is_empty():
            return
        self._require_exact(frame)
        table = self._arrow(frame.select(self._columns)).cast(self._schema)
        self._writer.write_table(table, row_group_size=_ROW_GROUP)
        self.rows += frame.height

    def _repeating(self) -> list[str]:
        """Columns whose values repeat: elsewhere dictionaries take most of the time and are given up anyway."""
        unlike = {*self._about.times, *self._levels, "trade_id", "order_id", "sequence"}
        flat = [name for name, kind in self._about.schema.items() if name not in unlike and not kind.is_float()]
        return flat + [f"{side}.list.element.{part}" for side in self._levels for part in _LEVEL_PARTS]

    def _require_exact(self, frame: pl.DataFrame) -> None:
        exact = [(name, pl.col(name), digits) for name, digits in self._about.digits.items()]
        for side in self._levels:
            level = pl.col(side).explode().struct
            exact += [
                (f"{side} {part}", level.field(part), digits) for part, digits in self._about.level_digits.items()
            ]
        checks = [(~fits_digits(values, digits)).any().alias(name) for name, values, digits in exact]
        finer = [name for name, found in frame.select(checks).to_dict(as_series=False).items() if found[0]]
        if finer:
            raise FormatError(
                f"values of {', '.join(finer)} have more decimals than the dataset's precision",
                str(self.path.name),
                "Export with a higher precision, or as CSV, which shows them all.",
            )

    def _column(self, name: str, kind: pl.DataType) -> pl.Expr:
        column = pl.col(name)
        if name in self._about.digits:
            return as_short_decimal(column, self._about.digits[name])
        if name in self._about.names:
            return column.replace_strict(self._about.names[name], return_dtype=pl.String)
        if name in self._about.times:
            return pl.from_epoch(column, time_unit="ns").dt.replace_time_zone("UTC")
        if name in self._levels:
            return column.list.eval(self._level())
        return column.cast(_without_categories(kind))

    def _level(self) -> pl.Expr:
        level = pl.element().struct
        digits = self._about.level_digits
        return pl.struct(
            as_short_decimal(level.field(part), digits[part]).alias(part) if part in digits else level.field(part)
            for part in _LEVEL_PARTS
        )

    @staticmethod
    def _arrow(frame: pl.DataFrame) -> pa.Table:
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _without_categories(kind: PolarsDataType) -> PolarsDataType:
    """Categories differ from batch to batch: they are text in a file."""
    if isinstance(kind, pl.List):
        return pl.List(_without_categories(kind.inner))
    if isinstance(kind, pl.Struct):
        return pl.Struct({field.name: _without_categories(field.dtype) for field in kind.fields})
    return pl.String() if isinstance(kind, pl.Categorical | pl.Enum) else kind
