"""Canonical frames: one schema for every dialect.

Prices and sizes are Int128, raw x 10^-16 (null = undefined); ts_event and ts_init are Int64 nanoseconds since the
UNIX epoch, UTC. Enumerations are small integers. Precision is carried beside the frame.
"""

from typing import Final

import polars as pl

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

# Values of the aggressor_side column.
AGGRESSOR_SIDES: Final = {0: "NO_AGGRESSOR", 1: "BUYER", 2: "SELLER"}

PRICE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "quote": ("bid_price", "ask_price"),
    "trade": ("price",),
    "bar": ("open", "high", "low", "close"),
}
SIZE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "quote": ("bid_size", "ask_size"),
    "trade": ("size",),
    "bar": ("volume",),
}


def _schema(columns: dict[str, type[pl.DataType]]) -> pl.Schema:
    times: dict[str, type[pl.DataType]] = {"ts_event": pl.Int64, "ts_init": pl.Int64}
    return pl.Schema(columns | times)


def _raw(*names: str) -> dict[str, type[pl.DataType]]:
    return dict.fromkeys(names, pl.Int128)


CANONICAL: Final[dict[str, pl.Schema]] = {
    "quote": _schema(_raw("bid_price", "ask_price", "bid_size", "ask_size")),
    "trade": _schema({**_raw("price", "size"), "aggressor_side": pl.UInt8, "trade_id": pl.String}),
    "bar": _schema(_raw("open", "high", "low", "close", "volume")),
}

# What reader.scan adds with positions=True.
POSITIONS: Final = pl.Schema({"file": pl.String, "row": pl.Int64})
