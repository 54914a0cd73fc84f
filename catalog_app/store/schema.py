"""Canonical frames: one schema for every dialect.

Prices and sizes are Int128, raw x 10^-16 (null = undefined); ts_event and ts_init are Int64 nanoseconds since the
UNIX epoch, UTC. Enumerations that some NautilusTrader writes as numbers are small integers; those that every version
writes by name stay names. Precision is carried beside the frame.
"""

from typing import Final

import polars as pl
from polars._typing import PolarsDataType

SCALE_DIGITS: Final = 16
SCALE: Final = 10**SCALE_DIGITS

# Limits of nautilus_trader's Price and Quantity (model.objects: PRICE_MAX, QUANTITY_MAX), as raw integers.
PRICE_MAX_RAW: Final = 17_014_118_346_046 * SCALE
PRICE_MIN_RAW: Final = -PRICE_MAX_RAW
QUANTITY_MAX_RAW: Final = 34_028_236_692_093 * SCALE
QUANTITY_MIN_RAW: Final = 0

INT64_MAX: Final = 2**63 - 1
UINT64_MAX: Final = 2**64 - 1
INT128_MAX: Final = 2**127 - 1

# Values of the columns aggressor_side, action (of deltas), side and close_type: nautilus_trader.model.enums of
# 1.231.0. 2.x writes names, and calls the aggressors BUY and SELL.
AGGRESSOR_SIDES: Final = {0: "NO_AGGRESSOR", 1: "BUYER", 2: "SELLER"}
BOOK_ACTIONS: Final = {1: "ADD", 2: "UPDATE", 3: "DELETE", 4: "CLEAR"}
ORDER_SIDES: Final = {0: "NO_ORDER_SIDE", 1: "BUY", 2: "SELL"}
CLOSE_TYPES: Final = {1: "END_OF_SESSION", 2: "CONTRACT_EXPIRED"}

# The levels of one side of a depth, best first. 1.x has no order ids: they are 0 then.
LEVEL: Final = pl.Struct({"price": pl.Int128, "size": pl.Int128, "count": pl.UInt32, "order_id": pl.UInt64})

PRICE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "quote": ("bid_price", "ask_price"),
    "trade": ("price",),
    "bar": ("open", "high", "low", "close"),
    "delta": ("price",),
    "depth10": (),  # they are within bids and asks
    "mark_price": ("value",),
    "index_price": ("value",),
    "funding_rate": (),
    "status": (),
    "close": ("close_price",),
    "greeks": (),
}
SIZE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "quote": ("bid_size", "ask_size"),
    "trade": ("size",),
    "bar": ("volume",),
    "delta": ("size",),
    "depth10": (),
    "mark_price": (),
    "index_price": (),
    "funding_rate": (),
    "status": (),
    "close": (),
    "greeks": (),
}


def _schema(columns: dict[str, PolarsDataType]) -> pl.Schema:
    return pl.Schema({**columns, "ts_event": pl.Int64, "ts_init": pl.Int64})


def _all(kind: PolarsDataType, *names: str) -> dict[str, PolarsDataType]:
    return dict.fromkeys(names, kind)


_BOOK_FLAGS: Final = _all(pl.UInt8, "flags") | _all(pl.UInt64, "sequence")

# `rate` is exact decimal text and `interval` minutes; `next_funding_ns` is ns, UTC; the numbers of greeks are floats
# in NautilusTrader too. Custom data has no entry: its columns are its own.
CANONICAL: Final[dict[str, pl.Schema]] = {
    "quote": _schema(_all(pl.Int128, "bid_price", "ask_price", "bid_size", "ask_size")),
    "trade": _schema(_all(pl.Int128, "price", "size") | _all(pl.UInt8, "aggressor_side") | _all(pl.String, "trade_id")),
    "bar": _schema(_all(pl.Int128, "open", "high", "low", "close", "volume")),
    "delta": _schema(
        _all(pl.UInt8, "action", "side") | _all(pl.Int128, "price", "size") | _all(pl.UInt64, "order_id") | _BOOK_FLAGS
    ),
    "depth10": _schema(_all(pl.List(LEVEL), "bids", "asks") | _BOOK_FLAGS),
    "mark_price": _schema(_all(pl.Int128, "value")),
    "index_price": _schema(_all(pl.Int128, "value")),
    "funding_rate": _schema(_all(pl.String, "rate") | _all(pl.UInt16, "interval") | _all(pl.Int64, "next_funding_ns")),
    "status": _schema(
        _all(pl.String, "action", "reason", "trading_event")
        | _all(pl.Boolean, "is_trading", "is_quoting", "is_short_sell_restricted")
    ),
    "close": _schema(_all(pl.Int128, "close_price") | _all(pl.UInt8, "close_type")),
    "greeks": _schema(
        _all(pl.String, "convention")
        | _all(pl.Float64, "delta", "gamma", "vega", "theta", "rho")
        | _all(pl.Float64, "mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest")
    ),
}

# What reader.scan adds with positions=True.
POSITIONS: Final = pl.Schema({"file": pl.String, "row": pl.Int64})
