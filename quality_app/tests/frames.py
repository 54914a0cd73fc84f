"""Canonical frames for tests: values given as decimal text, positions added."""

from decimal import Decimal
from typing import Any

import polars as pl

from catalog_app.store.schema import CANONICAL, PRICE_COLUMNS, SCALE, SIZE_COLUMNS
from quality_app.checks.check import CheckContext

NOW_NS = 1_800_000_000_000_000_000
START_NS = 1_704_153_600_000_000_000  # Tuesday 2024-01-02: also FX trades
MONDAY_NS = 1_704_067_200_000_000_000  # 2024-01-01
MINUTE_NS = 60_000_000_000

CLEAN: dict[str, dict[str, Any]] = {
    "quote": {"bid_price": "1.10000", "ask_price": "1.10010", "bid_size": "5", "ask_size": "7"},
    "trade": {"price": "1.10000", "size": "3", "aggressor_side": 1, "trade_id": ""},
    "bar": {"open": "1.10000", "high": "1.10020", "low": "1.09990", "close": "1.10010", "volume": "9"},
}


def context(data_type: str, **known: Any) -> CheckContext:
    """What is known of a currency pair with five decimals."""
    facts: dict[str, Any] = {
        "price_precision": 5,
        "size_precision": 0,
        "price_increment": raw("0.00001"),
        "size_increment": raw("1"),
        "negative_prices_allowed": False,
        "interval_ns": MINUTE_NS if data_type == "bar" else None,
    }
    return CheckContext(data_type, NOW_NS, **{**facts, **known})


def raw(text: str) -> int:
    return int(Decimal(text) * SCALE)


def rows_of(data_type: str, count: int, start_ns: int = START_NS) -> list[dict[str, Any]]:
    """Clean rows, a minute apart."""
    return [
        {
            **CLEAN[data_type],
            **({"trade_id": f"T{n}"} if data_type == "trade" else {}),
            "ts_event": start_ns + (n + 1) * MINUTE_NS,
            "ts_init": start_ns + (n + 1) * MINUTE_NS,
        }
        for n in range(count)
    ]


def frame_of(data_type: str, rows: list[dict[str, Any]], file: str = "data/a.parquet") -> pl.DataFrame:
    """A canonical frame with positions."""
    decimals = {*PRICE_COLUMNS[data_type], *SIZE_COLUMNS[data_type]}
    columns = {
        name: pl.Series(name, [raw(row[name]) if name in decimals else row[name] for row in rows], dtype=dtype)
        for name, dtype in CANONICAL[data_type].items()
    }
    return pl.DataFrame(columns).with_columns(
        pl.lit(file).alias("file"), pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    )
