"""Columns that several checks share, computed once per batch."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import polars as pl

from catalog_app.store.schema import SCALE
from quality_app.checks.check import PRICE, WEEK, CheckContext
from quality_app.checks.seasons import hour_of_week

_HALF: Final = 0.5 / SCALE
_ONE: Final = 1.0 / SCALE


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
    """Add the columns of `needs` (PRICE: Float64; WEEK: Int16 hour of the week of ts_event in the context's zone)."""
    if PRICE in needs:
        frame = frame.with_columns(_PRICES[context.data_type]().alias(PRICE))
    if WEEK in needs:
        frame = frame.with_columns(hour_of_week(frame["ts_event"], context.zone).alias(WEEK))
    return frame
