"""Reads instrument definitions of any dialect by their columns, without NautilusTrader."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from catalog_app.store.errors import UnsupportedFile
from catalog_app.store.filesystem import Root
from catalog_app.store.instruments.rows import plain_values, read_definition_table

# Asset classes of instrument classes that have no such column (model/instruments/*.pyx fix them so).
_ASSET_CLASS: Final = {
    "betting_instrument": "ALTERNATIVE",
    "crypto_future": "CRYPTOCURRENCY",
    "crypto_futures_spread": "CRYPTOCURRENCY",
    "crypto_option": "CRYPTOCURRENCY",
    "crypto_option_spread": "CRYPTOCURRENCY",
    "crypto_perpetual": "CRYPTOCURRENCY",
    "equity": "EQUITY",
    "index_instrument": "INDEX",
}
# Classes whose sizes are whole numbers without the file saying so.
_WHOLE_SIZES: Final = frozenset({"equity"})


@dataclass(frozen=True, slots=True)
class Definition:
    """An instrument's definition. Increments are exact decimal text; "" and None are unknown; times are ns, UTC."""

    instrument_id: str
    instrument_class: str
    asset_class: str
    currency: str
    base_currency: str
    price_precision: int | None
    size_precision: int | None
    price_increment: str
    size_increment: str
    activation_ns: int | None
    expiration_ns: int | None
    fields: dict[str, str]


def read_definitions(root: Root, path: str) -> list[Definition]:
    """The definitions in a file (`path` below the store's root), in the file's order.

    Raises UnreadableFile, or UnsupportedFile where the file is no instrument definition.
    """
    table, instrument_class = read_definition_table(root, path)
    columns = {name: plain_values(table.column(name)) for name in table.schema.names}
    try:
        return [
            _definition(instrument_class, {name: column[row] for name, column in columns.items()})
            for row in range(table.num_rows)
        ]
    except (ValueError, TypeError) as error:
        raise UnsupportedFile(path, f"its columns do not fit a {instrument_class} ({error})") from error


def _definition(instrument_class: str, row: Mapping[str, Any]) -> Definition:
    if not row["id"]:
        raise ValueError("an id is empty")
    currency = row.get("quote_currency") or row.get("currency") or ""
    base_currency = row.get("base_currency") or ""
    whole = instrument_class in _WHOLE_SIZES
    return Definition(
        instrument_id=row["id"],
        instrument_class=instrument_class,
        asset_class=row.get("asset_class") or _asset_class(instrument_class, base_currency, currency),
        currency=currency,
        base_currency=base_currency,
        price_precision=_integer(row.get("price_precision")),
        size_precision=_integer(row.get("size_precision", 0 if whole else None)),
        price_increment=row.get("price_increment") or "",
        size_increment=row.get("size_increment") or ("1" if whole else ""),
        activation_ns=_integer(row.get("activation_ns")),
        expiration_ns=_integer(row.get("expiration_ns")),
        fields={name: str(value) for name, value in row.items() if value is not None},
    )


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _asset_class(instrument_class: str, base_currency: str, currency: str) -> str:
    if instrument_class != "currency_pair":
        return _ASSET_CLASS.get(instrument_class, "")
    kinds = {_currency_kind(base_currency), _currency_kind(currency)}
    if "crypto" in kinds:
        return "CRYPTOCURRENCY"
    return "FX" if "fiat" in kinds else ""


@cache
def _currency_kind(code: str) -> str:
    """By NautilusTrader's table of currencies; "" for one that it does not know."""
    from nautilus_trader.model.objects import Currency

    if Currency.is_fiat(code):
        return "fiat"
    return "crypto" if Currency.is_crypto(code) else ""
