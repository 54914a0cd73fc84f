"""Which expressions turn the columns of a file into a canonical frame, or why none do."""

from collections.abc import Collection
from functools import lru_cache
from typing import Final

import polars as pl
import pyarrow as pa
from pyarrow import types

from catalog_app.store.errors import UnsupportedFile
from catalog_app.store.reading.decoding import decode, decode_integer, decode_price, decode_size, decode_time
from catalog_app.store.reading.uncopied import UNDEFINED_PRICE, UNDEFINED_SIZE
from catalog_app.store.schema import CANONICAL, LEVEL, PRICE_COLUMNS, SCALE_DIGITS, SIZE_COLUMNS

TIMES: Final = ("ts_event", "ts_init")
SIDES: Final = ("bids", "asks")
# Levels of a depth in 1.x: bid_price_0 … bid_price_9, and as many sizes and counts; no order ids.
V1_LEVELS: Final = 10


def canonical_columns(data_type: str, schema: pa.Schema) -> list[pl.Expr]:
    """Expressions over a file's columns: the canonical frame of its data type, columns in order.

    Custom data keeps its columns; its times become Int64 and come last. Raises ValueError with the reason where a
    column is missing or of a type that it cannot have.
    """
    if data_type == "custom":
        others = [pl.col(name) for name in schema.names if name not in TIMES]
        return others + [_time(schema, name) for name in TIMES if name in schema.names]
    if data_type not in CANONICAL:
        raise ValueError(f"{data_type or 'its'} data cannot be read")
    _require_once(schema)
    return [_column(data_type, name, schema) for name in CANONICAL[data_type].names()]


def require_columns(path: str, data_type: str, schema: pa.Schema) -> None:
    """UnsupportedFile, with the reason, where a file's columns are not those of a data type."""
    if "ts_init" not in schema.names:
        raise UnsupportedFile(path, "it has no ts_init column, so it is not market data written by NautilusTrader")
    if reason := _refusal(data_type, schema.remove_metadata()):
        raise UnsupportedFile(path, reason)


@lru_cache(maxsize=1024)
def _refusal(data_type: str, schema: pa.Schema) -> str:
    """Why the columns are not those of a data type, "" when they are; thousands of files have one schema."""
    try:
        canonical_columns(data_type, schema)
    except ValueError as error:
        return str(error)
    return ""


def stored_columns(data_type: str, schema: pa.Schema) -> pa.Schema:
    """The fields that canonical_columns reads: files that agree in them are read by the same expressions."""
    if data_type == "custom":
        return schema.remove_metadata()
    names = {name for name in CANONICAL[data_type] if name not in SIDES}
    if data_type == "depth10":
        names |= set(SIDES) if SIDES[0] in schema.names else {n for side in SIDES for n in _level_columns(side)}
    fields = sorted((field for field in schema if field.name in names), key=lambda field: field.name)
    return pa.schema([pa.field(field.name, field.type) for field in fields])


def undefined_values(data_type: str, schema: pa.Schema) -> dict[str, int]:
    """The columns of 16-byte prices and sizes that are canonical columns too, and what means null in each."""
    prices = dict.fromkeys(PRICE_COLUMNS.get(data_type, ()), UNDEFINED_PRICE)
    sizes = dict.fromkeys(SIZE_COLUMNS.get(data_type, ()), UNDEFINED_SIZE)
    return {name: value for name, value in (prices | sizes).items() if schema.field(name).type == pa.binary(16)}


def as_decimals(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    """The schema with some 16-byte columns as the decimals that they are."""
    decimal = pa.decimal128(38, SCALE_DIGITS)
    return pa.schema([field.with_type(decimal) if field.name in names else field for field in schema])


def _require_once(schema: pa.Schema) -> None:
    double = next((name for name in schema.names if schema.names.count(name) > 1), None)
    if double is not None:
        raise ValueError(f"it has several columns named {double}")


def _kind(schema: pa.Schema, name: str, data_type: str) -> pa.DataType:
    if name not in schema.names:
        raise ValueError(f"the column {name} of a {data_type} file is missing")
    return schema.field(name).type


def _column(data_type: str, name: str, schema: pa.Schema) -> pl.Expr:
    if data_type == "depth10" and name in SIDES:
        return _nested_side(name, schema) if name in schema.names else _flat_side(name, schema)
    return decode(data_type, name, pl.col(name), _kind(schema, name, data_type))


def _time(schema: pa.Schema, name: str) -> pl.Expr:
    decoded = decode_time(pl.col(name), schema.field(name).type)
    if decoded is None:
        raise ValueError(f"{name} is {schema.field(name).type}, not nanoseconds")
    return decoded.alias(name)


def _nested_side(name: str, schema: pa.Schema) -> pl.Expr:
    """2.x: list<struct<price, size, count, order_id>>, any number of levels, best first."""
    kind = schema.field(name).type
    if not (types.is_list(kind) or types.is_large_list(kind)) or not types.is_struct(kind.value_type):
        raise ValueError(f"the column {name} is {kind}, not a list of levels")
    level = kind.value_type
    parts = {field.name: (pl.element().struct.field(field.name), field.type) for field in level}
    return pl.col(name).list.eval(_level(parts, f"the levels of {name}")).cast(pl.List(LEVEL)).alias(name)


def _flat_side(name: str, schema: pa.Schema) -> pl.Expr:
    """1.x: ten levels in columns of their own. Where the book is not as deep, the rest is empty: left out here."""
    names = _level_columns(name)
    for column in names:
        _kind(schema, column, "depth10")
    levels = []
    for at in range(V1_LEVELS):
        own = {part: names[at * 3 + number] for number, part in enumerate(("price", "size", "count"))}
        parts = {part: (pl.col(column), schema.field(column).type) for part, column in own.items()}
        levels.append(_level(parts, f"level {at} of {name}", order_id=pl.lit(0, pl.UInt64)))
    level = pl.element().struct
    held = (level.field("price").fill_null(0) != 0) | (level.field("size").fill_null(0) != 0)
    return pl.concat_list(levels).list.filter(held | (level.field("count") != 0)).cast(pl.List(LEVEL)).alias(name)


def _level_columns(side: str) -> list[str]:
    """bid_price_0, bid_size_0, bid_count_0, bid_price_1 …"""
    one = side.removesuffix("s")
    return [f"{one}_{part}_{at}" for at in range(V1_LEVELS) for part in ("price", "size", "count")]


def _level(parts: dict[str, tuple[pl.Expr, pa.DataType]], where: str, order_id: pl.Expr | None = None) -> pl.Expr:
    decoded = []
    for field in LEVEL.fields:
        if field.name == "order_id" and order_id is not None:
            decoded.append(order_id.alias(field.name))
            continue
        if field.name not in parts:
            raise ValueError(f"{where} have no {field.name}")
        values, kind = parts[field.name]
        if field.name == "price":
            column = decode_price(values, kind)
        elif field.name == "size":
            column = decode_size(values, kind)
        else:
            column = decode_integer(values, kind, field.dtype)  # type: ignore[arg-type]
        if column is None:
            raise ValueError(f"{field.name} in {where} is {kind}")
        decoded.append(column.alias(field.name))
    return pl.struct(decoded)
