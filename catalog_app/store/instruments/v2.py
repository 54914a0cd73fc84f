"""Instrument definitions as NautilusTrader 2.x (2.0.0rc7) writes them."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from catalog_app.store.bar_type import split_instrument_id
from catalog_app.store.decimals import format_raw
from catalog_app.store.instruments.fields import V2_COLUMNS, assumed, kind_of, v2_schema
from catalog_app.store.instruments.rows import Row
from catalog_app.store.instruments.values import check_steps, check_value
from catalog_app.store.schema import SCALE

# Columns that may be empty text; elsewhere 2.x refuses it, and empty means unknown.
_MAY_BE_EMPTY: Final = frozenset(
    {"outcome", "description", "event_country_code", "competition_name", "event_name", "event_type_name"}
    | {"market_name", "market_type", "selection_name", "betting_type"}
)


def v2_columns(instrument_class: str) -> tuple[str, ...]:
    """The columns of a class, in order."""
    return tuple(word.removesuffix("?") for word in V2_COLUMNS[instrument_class].split())


def v2_row(instrument_class: str, row: Row) -> Row:
    """The row that 2.x would write for an instrument with these values; ValueError where it would refuse them."""
    built: Row = {}
    for word in V2_COLUMNS[instrument_class].split():
        name = word.removesuffix("?")
        value = row.get(name)
        if value is None or (value == "" and name not in _MAY_BE_EMPTY):
            value = derived(instrument_class, name, row)
        if value is None and not word.endswith("?"):
            raise ValueError(f"{name} is missing: 2.x needs it for a {instrument_class}")
        if value is not None:
            check_value(name, kind_of(instrument_class, name), value)
        built[name] = value
    check_steps(built)
    if built.get("is_inverse") and "base_currency" in built and built["base_currency"] is None:
        raise ValueError("base_currency is missing: an inverse contract needs it")
    return built


def derived(instrument_class: str, name: str, row: Row) -> Any:
    """What 2.x holds where 1.x has no column: from other columns, or what it assumes."""
    if instrument_class == "betting_instrument":
        # model/instruments/betting.pyx fixes these so.
        if name == "raw_symbol":
            return split_instrument_id(row["id"])[0]
        if name == "venue_name":
            return split_instrument_id(row["id"])[1]
        if name == "price_increment" and row.get("price_precision") is not None:
            return format_raw(SCALE // 10 ** row["price_precision"], row["price_precision"])
        if name == "size_increment" and row.get("size_precision") is not None:
            return format_raw(SCALE // 100, row["size_precision"])
    return assumed(instrument_class, name)


def v2_table(instrument_class: str, rows: Sequence[Row]) -> pa.Table:
    """Rows of v2_row of one instrument as the table of a definition file; ValueError where `info` is no JSON."""
    schema = v2_schema(instrument_class, rows[0]["id"])
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if field.name == "info":
            texts = [None if value is None else _json(value) for value in values]
            columns.append(pa.ExtensionArray.from_storage(field.type, pa.array(texts, pa.string())))
        else:
            columns.append(pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
