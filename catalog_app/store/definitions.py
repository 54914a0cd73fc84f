"""Reads instrument definitions of any dialect by their columns, without NautilusTrader."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.layout import INSTRUMENT_DIRECTORIES, locate

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


def read_definitions(root: Path, path: str) -> list[Definition]:
    """The definitions in a file (`path` below the store's root), in the file's order.

    Raises UnreadableFile, or UnsupportedFile where the file is no instrument definition.
    """
    try:
        table = pq.read_table(root / path, partitioning=None)
    except FileNotFoundError:
        raise UnreadableFile(path, "the file does not exist") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(path, f"not a whole Parquet file ({error})") from error
    instrument_class = _instrument_class(table.schema, path)
    if "id" not in table.schema.names or not instrument_class:
        raise UnsupportedFile(path, "it is not an instrument definition of a known class")
    columns = {name: _plain(table.column(name)) for name in table.schema.names}
    try:
        return [
            _definition(instrument_class, {name: column[row] for name, column in columns.items()})
            for row in range(table.num_rows)
        ]
    except (ValueError, TypeError) as error:
        raise UnsupportedFile(path, f"its columns do not fit a {instrument_class} ({error})") from error


def _instrument_class(schema: pa.Schema, path: str) -> str:
    directory = locate(path).type_directory
    if directory in INSTRUMENT_DIRECTORIES:
        return directory
    metadata = schema.metadata or {}
    name = next((metadata[key] for key in (b"class", b"type_name", b"type") if key in metadata), b"").decode()
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    return snake if snake in INSTRUMENT_DIRECTORIES else ""


def _plain(column: pa.ChunkedArray) -> list[Any]:
    """Values as int, str or None: dictionaries decoded, times as ns, bytes as text."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = column.cast(kind.storage_type)
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
    values = column.to_pylist()
    return [value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value for value in values]


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
