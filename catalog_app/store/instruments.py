"""Instrument definitions: read from files, built from terms, written as NautilusTrader writes them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store import durable, layout
from catalog_app.store.bar_type import split_instrument_id
from catalog_app.store.decimals import format_raw, parse_raw
from catalog_app.store.definitions import Definition, read_definitions
from catalog_app.store.journal import Transaction
from catalog_app.store.schema import INT64_MAX, PRICE_MAX_RAW, SCALE_DIGITS
from catalog_app.store.writer import require_disjoint

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument

__all__ = [
    "BUILDABLE",
    "Definition",
    "build_instrument",
    "instrument_path",
    "instrument_table",
    "read_definitions",
    "write_instrument",
]

ASSET_CLASSES: Final = frozenset(
    {"FX", "EQUITY", "COMMODITY", "DEBT", "INDEX", "CRYPTOCURRENCY", "ALTERNATIVE"},
)


@dataclass(frozen=True, slots=True)
class _Terms:
    """Checked terms of an instrument; decimals as exact text."""

    instrument_id: str
    symbol: str
    currency: str
    base_currency: str | None
    settlement_currency: str
    price_precision: int
    size_precision: int
    price_increment: str
    size_increment: str
    multiplier: str
    lot_size: str | None
    activation_ns: int | None
    expiration_ns: int | None
    asset_class: str | None
    underlying: str
    exchange: str | None
    is_inverse: bool
    ts_ns: int


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
    terms = _Terms(
        instrument_id=instrument_id,
        symbol=symbol,
        currency=_code("currency", currency),
        base_currency=_code("base_currency", base_currency) if base_currency else None,
        settlement_currency=_code("settlement_currency", settlement_currency or currency),
        price_precision=price_precision,
        size_precision=size_precision,
        price_increment=_step("price_increment", price_increment, price_precision),
        size_increment=_step("size_increment", size_increment, size_precision),
        multiplier=_positive("multiplier", multiplier) if multiplier is not None else "1",
        lot_size=_positive("lot_size", lot_size) if lot_size is not None else None,
        activation_ns=_time("activation_ns", activation_ns),
        expiration_ns=_time("expiration_ns", expiration_ns),
        asset_class=asset_class,
        underlying=_ascii("underlying", underlying or symbol),
        exchange=_ascii("exchange", exchange) if exchange else None,
        is_inverse=is_inverse,
        ts_ns=_time("ts_ns", ts_ns) or 0,
    )
    return _BUILDERS[instrument_class](terms)


def instrument_table(instrument: "Instrument") -> pa.Table:
    """The Arrow table that ParquetDataCatalog.write_data would write for one instrument."""
    from nautilus_trader.serialization.arrow.serializer import ArrowSerializer

    return ArrowSerializer.serialize_batch([instrument], data_cls=type(instrument))


def instrument_path(instrument: "Instrument") -> str:
    """Where ParquetDataCatalog.write_data would write it, below the store's root."""
    name = layout.format_file_name(instrument.ts_init, instrument.ts_init)
    return f"{_directory(instrument)}/{name}"


def write_instrument(tx: Transaction, instrument: "Instrument") -> str:
    """Stage an instrument's definition; returns its path. Overlap where a definition of that time is there."""
    directory, path, moment = _directory(instrument), instrument_path(instrument), instrument.ts_init

    def check(removed: frozenset[str]) -> None:
        require_disjoint(tx.root, directory, moment, moment, removed)

    check(tx.removed)
    tx.require(check)
    with durable.explained(f"cannot write {directory}"):
        pq.write_table(instrument_table(instrument), tx.stage(path))
    return path


def _directory(instrument: "Instrument") -> str:
    from nautilus_trader.persistence.funcs import class_to_filename

    return layout.definition_path(class_to_filename(type(instrument)), instrument.id.value)


def _common(terms: _Terms) -> dict[str, Any]:
    from nautilus_trader.model.identifiers import InstrumentId, Symbol
    from nautilus_trader.model.objects import Price

    return {
        "instrument_id": InstrumentId.from_str(terms.instrument_id),
        "raw_symbol": Symbol(terms.symbol),
        "price_precision": terms.price_precision,
        "price_increment": Price.from_str(terms.price_increment),
        "ts_event": terms.ts_ns,
        "ts_init": terms.ts_ns,
    }


def _sizes(terms: _Terms) -> dict[str, Any]:
    from nautilus_trader.model.objects import Quantity

    return {
        "size_precision": terms.size_precision,
        "size_increment": Quantity.from_str(terms.size_increment),
    }


def _lot(terms: _Terms, default: str | None = None) -> dict[str, Any]:
    from nautilus_trader.model.objects import Quantity

    text = terms.lot_size or default
    return {"lot_size": Quantity.from_str(text) if text else None}


def _multiplier(terms: _Terms) -> dict[str, Any]:
    from nautilus_trader.model.objects import Quantity

    return {"multiplier": Quantity.from_str(terms.multiplier)}


def _currency(code: str) -> Any:
    from nautilus_trader.model.objects import Currency

    return Currency.from_str(code)


def _class_of_assets(terms: _Terms) -> Any:
    from nautilus_trader.model.enums import asset_class_from_str

    return asset_class_from_str(_required("asset_class", terms.asset_class))


def _currency_pair(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import CurrencyPair

    return CurrencyPair(
        **_common(terms),
        **_sizes(terms),
        **_multiplier(terms),
        **_lot(terms),
        base_currency=_currency(_required("base_currency", terms.base_currency)),
        quote_currency=_currency(terms.currency),
    )


def _crypto_perpetual(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import CryptoPerpetual

    return CryptoPerpetual(
        **_common(terms),
        **_sizes(terms),
        **_multiplier(terms),
        **_lot(terms, "1"),
        base_currency=_currency(_required("base_currency", terms.base_currency)),
        quote_currency=_currency(terms.currency),
        settlement_currency=_currency(terms.settlement_currency),
        is_inverse=terms.is_inverse,
    )


def _equity(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import Equity

    _require_whole_sizes("equity", terms)
    return Equity(**_common(terms), **_lot(terms, "1"), currency=_currency(terms.currency))


def _futures_contract(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import FuturesContract

    _require_whole_sizes("futures_contract", terms)
    activation_ns, expiration_ns = terms.activation_ns or 0, terms.expiration_ns
    if expiration_ns is None:
        raise ValueError("expiration_ns is missing: a future needs the time at which it expires")
    if activation_ns >= expiration_ns:
        raise ValueError("activation_ns must be before expiration_ns")
    return FuturesContract(
        **_common(terms),
        **_multiplier(terms),
        **_lot(terms, "1"),
        asset_class=_class_of_assets(terms),
        currency=_currency(terms.currency),
        underlying=terms.underlying,
        activation_ns=activation_ns,
        expiration_ns=expiration_ns,
        exchange=terms.exchange,
    )


def _cfd(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import Cfd

    return Cfd(
        **_common(terms),
        **_sizes(terms),
        **_lot(terms),
        asset_class=_class_of_assets(terms),
        base_currency=_currency(terms.base_currency) if terms.base_currency else None,
        quote_currency=_currency(terms.currency),
    )


def _commodity(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import Commodity

    return Commodity(
        **_common(terms),
        **_sizes(terms),
        **_lot(terms),
        asset_class=_class_of_assets(terms),
        quote_currency=_currency(terms.currency),
    )


def _index_instrument(terms: _Terms) -> "Instrument":
    from nautilus_trader.model.instruments import IndexInstrument

    return IndexInstrument(**_common(terms), **_sizes(terms), currency=_currency(terms.currency))


_BUILDERS: Final[dict[str, Callable[[_Terms], "Instrument"]]] = {
    "cfd": _cfd,
    "commodity": _commodity,
    "crypto_perpetual": _crypto_perpetual,
    "currency_pair": _currency_pair,
    "equity": _equity,
    "futures_contract": _futures_contract,
    "index_instrument": _index_instrument,
}
BUILDABLE: Final = tuple(_BUILDERS)


def _required(name: str, value: str | None) -> str:
    if not value:
        raise ValueError(f"{name} is missing: this class of instrument needs it")
    return value


def _require_whole_sizes(instrument_class: str, terms: _Terms) -> None:
    if terms.size_precision or terms.size_increment != "1":
        raise ValueError(f"an instrument of class {instrument_class} has whole sizes: size_precision must be 0")


def _code(name: str, value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]{1,20}", value, re.ASCII):
        raise ValueError(f"{name} {value!r} must be a currency code of letters and digits, such as USD or USDT")
    return value


def _ascii(name: str, value: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{1,100}", value):
        raise ValueError(f"{name} {value!r} may hold only printable ASCII without spaces")
    return value


def _step(name: str, value: str | Decimal | None, precision: int) -> str:
    unit = 10 ** (SCALE_DIGITS - precision)
    if value is None:
        return format_raw(unit, precision)
    raw = parse_raw(str(value))
    if not 0 < raw <= PRICE_MAX_RAW or raw % unit:
        raise ValueError(
            f"{name} {value} must be positive and have at most {precision} decimals, as the precision says"
        )
    return format_raw(raw, precision)


def _positive(name: str, value: str | Decimal) -> str:
    raw = parse_raw(str(value))
    if not 0 < raw <= PRICE_MAX_RAW:
        raise ValueError(f"{name} {value} must be positive")
    return format_raw(raw, 0)


def _time(name: str, value: int | None) -> int | None:
    if value is not None and not 0 <= value <= INT64_MAX:
        raise ValueError(f"{name} must be nanoseconds since 1970, UTC")
    return value
