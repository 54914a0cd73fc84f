"""Builds NautilusTrader 1.x instruments of the classes that people may define by hand, from checked terms."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from catalog_app.store.instruments.terms import Terms

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument


def _common(terms: Terms) -> dict[str, Any]:
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


def _sizes(terms: Terms) -> dict[str, Any]:
    from nautilus_trader.model.objects import Quantity

    return {
        "size_precision": terms.size_precision,
        "size_increment": Quantity.from_str(terms.size_increment),
    }


def _lot(terms: Terms, default: str | None = None) -> dict[str, Any]:
    from nautilus_trader.model.objects import Quantity

    text = terms.lot_size or default
    return {"lot_size": Quantity.from_str(text) if text else None}


def _multiplier(terms: Terms) -> dict[str, Any]:
    from nautilus_trader.model.objects import Quantity

    return {"multiplier": Quantity.from_str(terms.multiplier)}


def _currency(code: str) -> Any:
    from nautilus_trader.model.objects import Currency

    return Currency.from_str(code)


def _class_of_assets(terms: Terms) -> Any:
    from nautilus_trader.model.enums import asset_class_from_str

    return asset_class_from_str(_required("asset_class", terms.asset_class))


def _currency_pair(terms: Terms) -> "Instrument":
    from nautilus_trader.model.instruments import CurrencyPair

    return CurrencyPair(
        **_common(terms),
        **_sizes(terms),
        **_multiplier(terms),
        **_lot(terms),
        base_currency=_currency(_required("base_currency", terms.base_currency)),
        quote_currency=_currency(terms.currency),
    )


def _crypto_perpetual(terms: Terms) -> "Instrument":
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


def _equity(terms: Terms) -> "Instrument":
    from nautilus_trader.model.instruments import Equity

    _require_whole_sizes("equity", terms)
    return Equity(**_common(terms), **_lot(terms, "1"), currency=_currency(terms.currency))


def _futures_contract(terms: Terms) -> "Instrument":
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


def _cfd(terms: Terms) -> "Instrument":
    from nautilus_trader.model.instruments import Cfd

    return Cfd(
        **_common(terms),
        **_sizes(terms),
        **_lot(terms),
        asset_class=_class_of_assets(terms),
        base_currency=_currency(terms.base_currency) if terms.base_currency else None,
        quote_currency=_currency(terms.currency),
    )


def _commodity(terms: Terms) -> "Instrument":
    from nautilus_trader.model.instruments import Commodity

    return Commodity(
        **_common(terms),
        **_sizes(terms),
        **_lot(terms),
        asset_class=_class_of_assets(terms),
        quote_currency=_currency(terms.currency),
    )


def _index_instrument(terms: Terms) -> "Instrument":
    from nautilus_trader.model.instruments import IndexInstrument

    return IndexInstrument(**_common(terms), **_sizes(terms), currency=_currency(terms.currency))


BUILDERS: Final[dict[str, Callable[[Terms], "Instrument"]]] = {
    "cfd": _cfd,
    "commodity": _commodity,
    "crypto_perpetual": _crypto_perpetual,
    "currency_pair": _currency_pair,
    "equity": _equity,
    "futures_contract": _futures_contract,
    "index_instrument": _index_instrument,
}


def _required(name: str, value: str | None) -> str:
    if not value:
        raise ValueError(f"{name} is missing: this class of instrument needs it")
    return value


def _require_whole_sizes(instrument_class: str, terms: Terms) -> None:
    if terms.size_precision or terms.size_increment != "1":
        raise ValueError(f"an instrument of class {instrument_class} has whole sizes: size_precision must be 0")
