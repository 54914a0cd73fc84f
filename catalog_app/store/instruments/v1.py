"""Instrument definitions as NautilusTrader 1.x writes them: by building the instrument with the installed 1.231.0."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from catalog_app.store.instruments.fields import assumed, class_name, kind_of
from catalog_app.store.instruments.rows import Row
from catalog_app.store.instruments.values import check_steps, check_value

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument


@cache
def v1_schema(instrument_class: str) -> pa.Schema:
    """The Arrow schema of a class' definitions, without metadata."""
    from nautilus_trader.serialization.arrow.implementations.instruments import SCHEMAS

    return SCHEMAS[_type(instrument_class)].remove_metadata()


def v1_columns(instrument_class: str) -> tuple[str, ...]:
    """The columns of a class, in order."""
    return tuple(v1_schema(instrument_class).names)


def v1_instrument(instrument_class: str, row: Row) -> "Instrument":
    """The instrument with these values; ValueError where 1.x would refuse them, or hold another id."""
    values: Row = {}
    for name in v1_columns(instrument_class):
        value = row.get(name)
        if value is None:
            value = assumed(instrument_class, name)
        if value is not None:
            check_value(name, kind_of(instrument_class, name), value)
        values[name] = value
    check_steps(row)
    try:
        instrument: Instrument = _type(instrument_class).from_dict(values)
    except (ValueError, TypeError, KeyError, OverflowError, AssertionError, AttributeError) as error:
        raise ValueError(f"1.x refuses this {instrument_class}: {error}") from error
    if instrument.id.value != row["id"]:
        raise ValueError(f"1.x would name this {instrument_class} {instrument.id.value}, so its data would be orphaned")
    return instrument


def differences(instrument_class: str, row: Row, instrument: "Instrument") -> dict[str, Any]:
    """Columns of 1.x, with the values asked for, that the built instrument holds differently."""
    held = type(instrument).to_dict(instrument)
    return {
        name: row[name]
        for name in v1_columns(instrument_class)
        if row.get(name) is not None and not same_value(kind_of(instrument_class, name), row[name], held.get(name))
    }


def same_value(kind: str, one: Any, other: Any) -> bool:
    """Whether two values of a column are equal: decimals by value, not by text."""
    if one is None or other is None:
        return one is other
    if kind in {"price", "quantity", "decimal"}:
        return Decimal(str(one)) == Decimal(str(other))
    if kind == "money":
        (amount, _, code), (other_amount, _, other_code) = str(one).partition(" "), str(other).partition(" ")
        return code == other_code and Decimal(amount) == Decimal(other_amount)
    return bool(one == other)


def v1_table(instruments: Sequence["Instrument"]) -> pa.Table:
    """The Arrow table that ParquetDataCatalog.write_data would write for instruments of one class."""
    from nautilus_trader.serialization.arrow.serializer import ArrowSerializer

    return ArrowSerializer.serialize_batch(list(instruments), data_cls=type(instruments[0]))


def _type(instrument_class: str) -> Any:
    from nautilus_trader.model import instruments

    return getattr(instruments, class_name(instrument_class))
