"""Columns that several checks share, computed once per batch."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import numpy as np
import polars as pl

from catalog_app.store.schema import PRICE_COLUMNS, SCALE
from quality_app.checks.check import NARROW, PRICE, WEEK, CheckContext
from quality_app.checks.narrow import narrow, narrowed
from quality_app.checks.seasons import hour_of_week

_HALF: Final = 0.5 / SCALE
_ONE: Final = 1.0 / SCALE
# Rows whose arrays stay in a core's cache.
_BLOCK: Final = 16_384


def _single(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64) * _ONE


def _mid(bid: pl.Expr, ask: pl.Expr) -> pl.Expr:
    return (bid.cast(pl.Float64) + ask.cast(pl.Float64)) * _HALF


def _best(side: str) -> pl.Expr:
    return pl.col(side).list.first().struct.field("price")


# What stands for the price of a row, in price units; null when undefined.
_PRICES: Final[Mapping[str, Callable[[], pl.Expr]]] = {
    "quote": lambda: _mid(pl.col("bid_price"), pl.col("ask_price")),
    "trade": lambda: _single("price"),
    "bar": lambda: _single("close"),
    "depth10": lambda: _mid(_best("bids"), _best("asks")),
    "mark_price": lambda: _single("value"),
    "index_price": lambda: _single("value"),
    "close": lambda: _single("close_price"),
}
TYPES_WITH_PRICE: Final = tuple(_PRICES)


def prepare(frame: pl.DataFrame, needs: Collection[str], context: CheckContext) -> pl.DataFrame:
    """Add the columns of `needs`, without expressions where rows are many: those wait for the threads that decode.

    PRICE: Float64. WEEK: Int16, hour of the week of ts_event in the context's zone. NARROW: prices as Int64.
    """
    if NARROW in needs:
        names = PRICE_COLUMNS[context.data_type]
        frame = frame.hstack([narrowed(frame[name]).alias(f"{NARROW}{name}") for name in names])
    if PRICE in needs:
        frame = frame.hstack([_price(frame, context.data_type).alias(PRICE)])
    if WEEK in needs:
        frame = frame.hstack([hour_of_week(frame["ts_event"], context.zone).alias(WEEK)])
    return frame


def _price(frame: pl.DataFrame, data_type: str) -> pl.Series:
    """What stands for the price; from the narrow columns where they hold all values, which is much cheaper."""
    bid, ask = narrow(frame, "bid_price"), narrow(frame, "ask_price")
    if bid is None or ask is None:
        return frame.select(_PRICES[data_type]()).to_series().rechunk()
    mid, asks = bid.to_numpy().astype(np.float64), ask.to_numpy()
    for start in range(0, len(mid), _BLOCK):
        part = mid[start : start + _BLOCK]
        part += asks[start : start + _BLOCK].astype(np.float64)
        part *= _HALF
    return pl.Series(mid)
