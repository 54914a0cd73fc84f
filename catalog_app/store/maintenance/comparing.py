"""Rows as they are stored, in a form that Polars can hash and compare."""

import polars as pl
import pyarrow as pa

from catalog_app.store.errors import StoreError
from catalog_app.store.fingerprint import Fingerprint


def fingerprint(table: pa.Table) -> Fingerprint:
    """The fingerprint of rows as they are stored; StoreError as `comparable`."""
    return Fingerprint.of(comparable(table))


def comparable(table: pa.Table) -> pl.DataFrame:
    """Rows as Polars can hash and compare them: 16-byte binary as integers of the same buffer, enums as text.

    StoreError for columns of kinds that it cannot (some of custom data): such files are only moved whole.
    """
    try:
        columns = [_comparable(table.column(at)) for at in range(table.num_columns)]
        return pl.DataFrame([pl.Series(str(at), column) for at, column in enumerate(columns)])
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError) as error:
        kinds = ", ".join(f"{field.name}: {field.type}" for field in table.schema)
        raise StoreError(f"rows of these columns cannot be compared, so they are not rewritten ({kinds})") from error


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _comparable(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_decimal256(kind):  # Polars panics
        raise TypeError("Polars has no 256-bit numbers")
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width in {8, 16}:
        plain = pa.int64() if kind.byte_width == 8 else pa.decimal128(38, 0)
        return pa.chunked_array([chunk.view(plain) for chunk in column.chunks], plain)
    return column
