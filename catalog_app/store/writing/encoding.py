"""Canonical frames as Arrow tables, told by the type of each field, so for v1 and v2 alike.

An Int128 buffer is a fixed_size_binary(16) buffer and a decimal128(38, 16) buffer, byte for byte: neither costs a copy.
"""

from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from catalog_app.store.decimals import DECIMAL, decimal_text
from catalog_app.store.schema import BOOK_ACTIONS, CLOSE_TYPES, INT128_MAX, ORDER_SIDES, SIZE_COLUMNS
from catalog_app.store.writing.arrow_schemas import V1_LEVELS, V2_LEVEL

# Names by code as v2 writes them, and for close_type v1 too. 1.x calls the aggressors BUYER and SELLER, in no file.
ENUM_NAMES: Final[dict[str, dict[int, str]]] = {
    "aggressor_side": {0: "NO_AGGRESSOR", 1: "BUY", 2: "SELL"},
    "action": BOOK_ACTIONS,
    "side": ORDER_SIDES,
    "close_type": CLOSE_TYPES,
}
_SIZES: Final = frozenset(name for names in SIZE_COLUMNS.values() for name in names)
_SIDES: Final = (("bid", "bids"), ("ask", "asks"))

# What v1 writes for an undefined price and size, which no Polars decimal holds: INT128_MAX and UINT128_MAX.
_RAW: Final = np.dtype("V16")
# By their width, the numbers as which values are moved about: NumPy is slow with bytes.
_MOVED: Final[dict[int, np.dtype[Any]]] = {4: np.dtype("u4"), 16: np.dtype("c16")}
_NO_PRICE: Final = np.void(INT128_MAX.to_bytes(16, "little"))
_NO_SIZE: Final = np.void(b"\xff" * 16)


def to_arrow(
    frame: pl.DataFrame, schema: pa.Schema, *, instrument_id: str = "", price_precision: int | None = None
) -> pa.Table:
    """A canonical frame, checked by `rows`, in a schema of `arrow_schema`.

    `instrument_id` fills the column of that name, `price_precision` is that of prices written as text (v1 closes).
    """
    split = _split_levels(frame, schema) if "bid_price_0" in schema.names else {}
    columns = []
    for field in schema:
        if field.name == "instrument_id":
            columns.append(pa.repeat(pa.scalar(instrument_id, pa.string()), frame.height).cast(field.type))
        elif pa.types.is_list(field.type):
            columns.append(_levels(frame[field.name], field.type))
        elif field.name in split:
            columns.append(split[field.name])
        else:
            columns.append(_column(frame[field.name], field.type, price_precision))
    return pa.Table.from_arrays(columns, schema=schema)


def _column(series: pl.Series, kind: pa.DataType, price_precision: int | None) -> pa.Array:
    if series.dtype == pl.Int128 and pa.types.is_string(kind):
        return _array(series.to_frame().select(decimal_text(pl.col(series.name), price_precision or 0)).to_series())
    if series.dtype == pl.Int128:
        return _fixed_point(series, kind)
    if pa.types.is_dictionary(kind):
        return _dictionary(series, kind)
    if series.dtype == pl.Int64:
        return _array(series).view(kind)
    if pa.types.is_binary(kind):
        # A JSON string: v1 encodes the decimal of a funding rate so.
        return _array('"' + series + '"').cast(kind)
    return _array(series).cast(kind)


def _array(series: pl.Series) -> pa.Array:
    array = series.rechunk().to_arrow()
    return array.cast(pa.string()) if series.dtype == pl.String else array


def _fixed_point(series: pl.Series, kind: pa.DataType) -> pa.Array:
    """Prices and sizes; undefined ones are null, or in v1 the greatest number of their C type."""
    decimals = series.reinterpret(dtype=DECIMAL).rechunk().to_arrow()
    validity, values = decimals.buffers()
    if validity is not None and pa.types.is_fixed_size_binary(kind):
        numbers = np.frombuffer(values, dtype=_RAW).copy()
        undefined = decimals.is_null().to_numpy(zero_copy_only=False)
        is_size = series.name in _SIZES or "_size_" in series.name
        numbers[decimals.offset : decimals.offset + len(decimals)][undefined] = _NO_SIZE if is_size else _NO_PRICE
        validity, values = None, pa.py_buffer(numbers)
    return pa.Array.from_buffers(kind, len(decimals), [validity, values], offset=decimals.offset)


def _dictionary(series: pl.Series, kind: pa.DataType) -> pa.Array:
    if series.dtype == pl.String:
        return _array(series).dictionary_encode().cast(kind)
    names = ENUM_NAMES[series.name]
    first = min(names)
    indices = pa.array(series.fill_null(first).to_numpy().astype(np.int8) - np.int8(first), mask=_nulls(series))
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names.values())))


def _nulls(series: pl.Series) -> Any:
    return series.is_null().to_numpy() if series.null_count() else None


def _split_levels(frame: pl.DataFrame, schema: pa.Schema) -> dict[str, pa.Array]:
    """Depths as the columns bid_price_0, ask_size_9 and so on; levels that are not there are zeros, as v1 has it."""
    columns = {}
    for side, name in _SIDES:
        lengths, levels = _exploded(frame[name])
        # Where each level goes in a table of ten per row.
        slots = np.flatnonzero(np.arange(V1_LEVELS) < lengths.to_numpy()[:, None])
        for field in ("price", "size", "count"):
            kind = schema.field(f"{side}_{field}_0").type
            values = _column(levels[field].alias(f"{side}_{field}_"), kind, None)
            moved = _MOVED[kind.byte_width]
            table = np.zeros(frame.height * V1_LEVELS, dtype=moved)
            table[slots] = np.frombuffer(values.buffers()[1], dtype=moved)[values.offset :][: len(values)]
            for at, column in enumerate(table.reshape(frame.height, V1_LEVELS).T):
                buffers = [None, pa.py_buffer(np.ascontiguousarray(column))]
                columns[f"{side}_{field}_{at}"] = pa.Array.from_buffers(kind, frame.height, buffers)
    return columns


def _exploded(series: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """The number of levels in each row, and all levels below each other."""
    return series.list.len(), series.explode(empty_as_null=False, keep_nulls=False).struct.unnest()


def _levels(series: pl.Series, kind: pa.DataType) -> pa.Array:
    """One side of depths as v2's list of structs."""
    lengths, inner = _exploded(series)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), _array(lengths.cast(pl.Int32).cum_sum())])
    fields = list(V2_LEVEL)
    arrays = [_column(inner[field.name], field.type, None) for field in fields]
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(arrays, fields=fields), type=kind)
