"""Instrument definitions: read from files, built from terms, written as NautilusTrader writes them."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store import layout
from catalog_app.store.bar_type import split_instrument_id
from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.builders import BUILDERS
from catalog_app.store.instruments.conversion import convert_rows
from catalog_app.store.instruments.definitions import Definition, read_definitions
from catalog_app.store.instruments.rows import Row, plain_row
from catalog_app.store.instruments.terms import Terms, moment, positive, step
from catalog_app.store.instruments.v1 import v1_table
from catalog_app.store.instruments.values import ASSET_CLASSES, currency_code, printable
from catalog_app.store.layout import Version
from catalog_app.store.schema import SCALE_DIGITS
from catalog_app.store.writing.disjoint import require_disjoint

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument

__all__ = [
    "BUILDABLE",
    "DEFINITION_COMPRESSION",
    "Definition",
    "build_instrument",
    "instrument_path",
    "instrument_table",
    "read_definitions",
    "write_instrument",
]

BUILDABLE: Final = tuple(BUILDERS)
# As the versions themselves compress definitions.
DEFINITION_COMPRESSION: Final[dict[Version, str]] = {"v1": "snappy", "v2": "zstd"}


def build_instrument(
    instrument_class: str,
    instrument_id: str,
    *,
    currency: str,
    base_currency: str | None = None,
    price_precision: int,
    size_precision: int = 0,
    price_increment: str | Decimal | None = None,
    size_increment: str | Decimal | None = None,
    multiplier: str | Decimal | None = None,
    lot_size: str | Decimal | None = None,
    activation_ns: int | None = None,
    expiration_ns: int | None = None,
    asset_class: str | None = None,
    settlement_currency: str | None = None,
    underlying: str | None = None,
    exchange: str | None = None,
    is_inverse: bool = False,
    ts_ns: int = 0,
) -> "Instrument":
    """A NautilusTrader instrument of one of the BUILDABLE classes. `currency` is the quote currency.

    Increments default to one unit of the last decimal; times are ns, UTC; ts_ns is when the definition was known
    (0: always). ValueError says which term is missing or wrong: all are checked here, since NautilusTrader may abort
    the process on a wrong one.
    """
    if instrument_class not in BUILDABLE:
        raise ValueError(f"instrument class {instrument_class!r} cannot be built; use one of {', '.join(BUILDABLE)}")
    symbol, _ = split_instrument_id(instrument_id)
    for name, precision in (("price_precision", price_precision), ("size_precision", size_precision)):
        if not 0 <= precision <= SCALE_DIGITS:
            raise ValueError(f"{name} must be 0 to {SCALE_DIGITS}, not {precision}")
    if asset_class is not None and asset_class not in ASSET_CLASSES:
        raise ValueError(f"asset_class {asset_class!r} must be one of {', '.join(sorted(ASSET_CLASSES))}")
    terms = Terms(
        instrument_id=instrument_id,
        symbol=symbol,
        currency=currency_code("currency", currency),
        base_currency=currency_code("base_currency", base_currency) if base_currency else None,
        settlement_currency=currency_code("settlement_currency", settlement_currency or currency),
        price_precision=price_precision,
        size_precision=size_precision,
        price_increment=step("price_increment", price_increment, price_precision),
        size_increment=step("size_increment", size_increment, size_precision),
        multiplier=positive("multiplier", multiplier) if multiplier is not None else "1",
        lot_size=positive("lot_size", lot_size) if lot_size is not None else None,
        activation_ns=moment("activation_ns", activation_ns),
        expiration_ns=moment("expiration_ns", expiration_ns),
        asset_class=asset_class,
        underlying=printable("underlying", underlying or symbol),
        exchange=printable("exchange", exchange) if exchange else None,
        is_inverse=is_inverse,
        ts_ns=moment("ts_ns", ts_ns) or 0,
    )
    return BUILDERS[instrument_class](terms)


def instrument_table(instrument: "Instrument", version: Version = "v1") -> pa.Table:
    """The Arrow table that the version's catalog would write for one instrument; ValueError where it cannot hold it."""
    if version == "v1":
        return v1_table([instrument])
    table, _ = convert_rows(_class(instrument), [_row(instrument)], version)
    return table


def instrument_path(instrument: "Instrument") -> str:
    """Where the catalogs of both versions would write it, below the store's root."""
    name = layout.format_file_name(instrument.ts_init, instrument.ts_init)
    return f"{_directory(instrument)}/{name}"


def write_instrument(tx: Transaction, instrument: "Instrument", *, version: Version = "v1") -> str:
    """Stage an instrument's definition; returns its path. Overlap where a definition of that time is there."""
    directory, path, known_at = _directory(instrument), instrument_path(instrument), instrument.ts_init

    def check(removed: frozenset[str]) -> None:
        require_disjoint(tx.store, directory, known_at, known_at, removed)

    check(tx.removed)
    tx.require(check)
    table = instrument_table(instrument, version)
    with durable.explained(f"cannot write {directory}"):
        pq.write_table(table, tx.stage(path), compression=DEFINITION_COMPRESSION[version])
    return path


def _directory(instrument: "Instrument") -> str:
    return layout.definition_path(_class(instrument), instrument.id.value)


def _class(instrument: "Instrument") -> str:
    from nautilus_trader.persistence.funcs import class_to_filename

    return str(class_to_filename(type(instrument)))


def _row(instrument: "Instrument") -> Row:
    values = type(instrument).to_dict(instrument)
    values.pop("type")
    values["tick_scheme"] = values.pop("tick_scheme_name", None)
    return plain_row(_class(instrument), values)
