"""Columns of any type as exact text."""

from typing import Final

import polars as pl
from polars._typing import PolarsDataType

from catalog_app.formats.export_columns import ExportColumns, export_columns
from catalog_app.store.decimals import as_short_decimal, decimal_text, fits_digits

TIMESTAMP_FORMATS: Final = ("iso", "epoch_ns")
_ISO_NS: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"
_JSON_START: Final = '{"v":'


def text_columns(
    data_type: str,
    *,
    price_precision: int,
    size_precision: int,
    timestamp_format: str = "iso",
    as_decimals: bool = False,
    schema: pl.Schema | None = None,
) -> list[pl.Expr]:
    """Expressions that turn each column into what a CSV shows; `schema` is the frames', canonical where left out.

    Prices and sizes have the given decimals, more where a value needs them. Times: 2024-01-02T03:04:05.123456789Z, or
    numbers for epoch_ns. Enumerations are NautilusTrader's names, lists and structs JSON, bytes hexadecimal.
    as_decimals: prices and sizes become Decimals instead, which writers print as the same text, only faster; right
    for frames that `fits` accepts.
    """
    columns = export_columns(data_type, price_precision, size_precision, schema)
    return [_column(name, columns, timestamp_format, as_decimals=as_decimals) for name in columns.schema]


def fits(columns: ExportColumns) -> pl.Expr:
    """Whether no value of a frame needs more decimals than its column has: one Boolean."""
    if not columns.digits:
        return pl.lit(True)
    return pl.all_horizontal(fits_digits(pl.col(name), places).all() for name, places in columns.digits.items())


def _column(name: str, columns: ExportColumns, timestamp_format: str, *, as_decimals: bool) -> pl.Expr:
    column = pl.col(name)
    if name in columns.digits:
        return (as_short_decimal if as_decimals else decimal_text)(column, columns.digits[name])
    if name in columns.names:
        return column.replace_strict(columns.names[name], return_dtype=pl.String)
    if name in columns.times:
        is_iso = timestamp_format == "iso"
        return pl.from_epoch(column, time_unit="ns").dt.to_string(_ISO_NS) if is_iso else column
    return _plain(column, columns.schema[name])


def _plain(column: pl.Expr, kind: PolarsDataType) -> pl.Expr:
    """What CSV has no cell for as text."""
    if kind.is_nested():
        json = pl.struct(_without_bytes(column, kind).alias("v")).struct.json_encode()
        text = json.str.strip_prefix(_JSON_START).str.strip_suffix("}")
        return pl.when(column.is_not_null()).then(text).alias(column.meta.output_name())
    if kind == pl.Binary:
        return column.bin.encode("hex")
    if kind == pl.Duration:
        return column.dt.to_string("iso")
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return column.dt.convert_time_zone("UTC").dt.to_string(_ISO_NS)
    return column


def _without_bytes(value: pl.Expr, kind: PolarsDataType) -> pl.Expr:
    """A value within JSON, whose bytes are hexadecimal."""
    if kind == pl.Binary:
        return value.bin.encode("hex")
    if isinstance(kind, pl.Array):
        value, kind = value.arr.to_list(), pl.List(kind.inner)
    if isinstance(kind, pl.List):
        return value.list.eval(_without_bytes(pl.element(), kind.inner))
    if isinstance(kind, pl.Struct):
        parts = [_without_bytes(value.struct.field(field.name), field.dtype).alias(field.name) for field in kind.fields]
        return pl.when(value.is_not_null()).then(pl.struct(parts))
    return value
