"""The columns of instrument definitions in NautilusTrader 1.x and 2.x, and what their values are.

1.x: nautilus_trader.serialization.arrow.implementations.instruments.SCHEMAS of 1.231.0. 2.x: what 2.0.0rc7 writes; a
test compares both with the wheels.
"""

from typing import Final, Literal

import pyarrow as pa

Kind = Literal["text", "integer", "float", "boolean", "time", "price", "quantity", "money", "decimal", "info"]

# Columns of 2.0.0rc7 in its order; "?" marks those that may be null.
_LIMITS = "max_quantity? min_quantity? max_notional? min_notional? max_price? min_price?"
_PRICE_LIMITS = "max_quantity? min_quantity? max_price? min_price?"
_MARGINS = "margin_init margin_maint tick_scheme?"
_STEPS = "price_precision size_precision price_increment size_increment"
_END = "info? ts_event ts_init"
_REST = f"{_LIMITS} {_MARGINS} {_END}"
_SETTLED = "quote_currency settlement_currency is_inverse"
_LIFE = "activation_ns expiration_ns"
_SPREAD = (
    f"id raw_symbol underlying strategy_type asset_class exchange? currency {_STEPS} multiplier lot_size "
    f"{_PRICE_LIMITS} {_LIFE} {_MARGINS} {_END}"
)
_CRYPTO_SPREAD = f"id raw_symbol underlying {_SETTLED} strategy_type {_LIFE} {_STEPS} multiplier lot_size {_REST}"
V2_COLUMNS: Final[dict[str, str]] = {
    "betting_instrument": (
        "id raw_symbol venue_name currency event_type_id event_type_name competition_id competition_name event_id "
        "event_name event_country_code event_open_date betting_type market_id market_name market_type "
        f"market_start_time selection_id selection_name selection_handicap {_STEPS} {_REST}"
    ),
    "binary_option": f"id raw_symbol asset_class currency {_STEPS} {_LIFE} outcome? description? {_REST} event_id?",
    "cfd": f"id raw_symbol asset_class base_currency? quote_currency {_STEPS} lot_size? {_REST}",
    "commodity": f"id raw_symbol asset_class quote_currency {_STEPS} lot_size? {_REST}",
    "crypto_future": f"id raw_symbol underlying {_SETTLED} {_LIFE} {_STEPS} multiplier lot_size? {_REST}",
    "crypto_futures_spread": _CRYPTO_SPREAD,
    "crypto_option": (
        f"id raw_symbol underlying {_SETTLED} option_kind strike_price {_LIFE} {_STEPS} multiplier lot_size? {_REST}"
    ),
    "crypto_option_spread": _CRYPTO_SPREAD,
    "crypto_perpetual": f"id raw_symbol base_currency {_SETTLED} {_STEPS} multiplier lot_size? {_REST}",
    "currency_pair": f"id raw_symbol base_currency quote_currency {_STEPS} multiplier lot_size? {_REST}",
    "equity": (
        f"id raw_symbol currency price_precision price_increment lot_size? isin? {_PRICE_LIMITS} {_MARGINS} {_END}"
    ),
    "futures_contract": (
        f"id raw_symbol underlying asset_class exchange? currency {_STEPS} multiplier lot_size {_LIFE} "
        f"{_PRICE_LIMITS} {_MARGINS} {_END}"
    ),
    "futures_spread": _SPREAD,
    "index_instrument": (
        f"id raw_symbol currency price_precision price_increment size_precision size_increment tick_scheme? {_END}"
    ),
    "option_contract": (
        f"id raw_symbol underlying asset_class exchange? option_kind strike_price currency {_LIFE} {_STEPS} "
        f"multiplier lot_size {_PRICE_LIMITS} {_MARGINS} {_END}"
    ),
    "option_spread": _SPREAD,
    "perpetual_contract": (
        f"id raw_symbol underlying asset_class base_currency? {_SETTLED} {_STEPS} multiplier lot_size {_REST}"
    ),
    "tokenized_asset": (
        f"id raw_symbol asset_class base_currency quote_currency isin? {_STEPS} multiplier lot_size? {_REST}"
    ),
}

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("price_precision", "size_precision"), "integer"),
    **dict.fromkeys(("activation_ns", "expiration_ns", "event_open_date", "market_start_time"), "time"),
    **dict.fromkeys(("ts_event", "ts_init"), "time"),
    **dict.fromkeys(("price_increment", "max_price", "min_price", "strike_price"), "price"),
    **dict.fromkeys(("size_increment", "multiplier", "lot_size", "max_quantity", "min_quantity"), "quantity"),
    **dict.fromkeys(("max_notional", "min_notional"), "money"),
    **dict.fromkeys(("margin_init", "margin_maint", "maker_fee", "taker_fee"), "decimal"),
    "is_inverse": "boolean",
    "selection_handicap": "float",
    "info": "info",
}
_BETTING_NUMBERS: Final = frozenset({"event_type_id", "competition_id", "event_id", "selection_id"})

_V2_TYPES: Final[dict[Kind, pa.DataType]] = {
    "integer": pa.uint64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("ns", "UTC"),
    "info": pa.json_(pa.string()),
}

# The classes that 1.x loads without a lot size.
_NO_LOT: Final = frozenset({"cfd", "commodity", "currency_pair", "tokenized_asset"})
# Classes whose 2.x constructor takes 1 as the least quantity.
_LEAST_ONE: Final = frozenset({"futures_contract", "futures_spread", "option_contract", "option_spread"})


def kind_of(instrument_class: str, column: str) -> Kind:
    """What a column's values are; text for columns that neither version has."""
    if instrument_class == "betting_instrument" and column in _BETTING_NUMBERS:
        return "integer"
    return _KINDS.get(column, "text")


def v2_schema(instrument_class: str, instrument_id: str) -> pa.Schema:
    """The Arrow schema of a definition file by 2.0.0rc7."""
    fields = []
    for word in V2_COLUMNS[instrument_class].split():
        name = word.removesuffix("?")
        precision = name in {"price_precision", "size_precision"}
        kind = pa.uint8() if precision else _V2_TYPES.get(kind_of(instrument_class, name), pa.string())
        fields.append(pa.field(name, kind, nullable=word.endswith("?")))
    return pa.schema(fields, metadata={"instrument_id": instrument_id, "type_name": class_name(instrument_class)})


def class_name(instrument_class: str) -> str:
    """crypto_perpetual -> CryptoPerpetual, as both versions call it."""
    return "".join(part.capitalize() for part in instrument_class.split("_"))


def assumed(instrument_class: str, column: str) -> str | None:
    """The value that NautilusTrader assumes where a definition has none; None where nothing is."""
    if column in {"maker_fee", "taker_fee"}:
        return "0"
    if column in {"margin_init", "margin_maint"}:
        return "1" if instrument_class == "betting_instrument" else "0"
    if column == "multiplier":
        return "1"
    if column == "lot_size":
        return None if instrument_class in _NO_LOT else "1"
    if column == "min_quantity" and instrument_class in _LEAST_ONE:
        return "1"
    return None
