"""Bars from simulated points, and coarser bars from finer ones.

Until they become canonical, prices are whole price increments and volumes whole size
increments (Int64). Bars are stamped at their close; coarser grids start at 00:00 UTC.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from catalog_app.demo.calendars import MINUTE_NS
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS

TIMEFRAMES: Final = {"1-MINUTE": 1, "5-MINUTE": 5, "1-HOUR": 60, "1-DAY": 1440}
BAR_COLUMNS: Final = ("open", "high", "low", "close", "volume", "ts")


def bars_from_points(
    opens: NDArray[np.int64], points: NDArray[np.int64], seen: NDArray[np.bool_], volume: NDArray[np.int64]
) -> pl.DataFrame:
    """Make one-minute bars of the points that were seen; a minute in which nothing was seen has no bar.

    Args:
        opens: Opening time of each minute, ns.
        points: Prices in increments, one row per minute.
        seen: Which points traded (or were quoted).
        volume: Volume of each minute in size increments.

    """
    kept = np.flatnonzero(seen.any(axis=1))
    points, seen = points[kept], seen[kept]
    rows = np.arange(kept.size)
    last = seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    limits = np.iinfo(np.int64)
    return pl.DataFrame(
        {
            "open": points[rows, seen.argmax(axis=1)],
            "high": np.where(seen, points, limits.min).max(axis=1),
            "low": np.where(seen, points, limits.max).min(axis=1),
            "close": points[rows, last],
            "volume": volume[kept],
            "ts": opens[kept] + MINUTE_NS,
        }
    )


def bars_from_ticks(ts: NDArray[np.int64], prices: NDArray[np.int64], sizes: NDArray[np.int64]) -> pl.DataFrame:
    """Aggregate ticks, in order of time, to one-minute bars."""
    ticks = pl.DataFrame({"price": prices, "size": sizes, "ts": (ts // MINUTE_NS + 1) * MINUTE_NS})
    price = pl.col("price")
    return (
        ticks.group_by("ts", maintain_order=True)
        .agg(open=price.first(), high=price.max(), low=price.min(), close=price.last(), volume=pl.col("size").sum())
        .select(BAR_COLUMNS)
    )


def coarser(bars: pl.DataFrame, minutes: int) -> pl.DataFrame:
    """Aggregate finer bars to a grid of so many minutes from midnight UTC."""
    interval = minutes * MINUTE_NS
    return (
        bars.with_columns(ts=((pl.col("ts") - 1) // interval + 1) * interval)
        .group_by("ts", maintain_order=True)
        .agg(
            open=pl.col("open").first(),
            high=pl.col("high").max(),
            low=pl.col("low").min(),
            close=pl.col("close").last(),
            volume=pl.col("volume").sum(),
        )
        .select(BAR_COLUMNS)
    )


def canonical_bars(bars: pl.DataFrame, price_increment: str, size_increment: str) -> pl.DataFrame:
    """Turn bars in increments into a canonical frame."""
    prices = {name: scaled(name, price_increment) for name in BAR_COLUMNS[:4]}
    frame = bars.select(**prices, volume=scaled("volume", size_increment), ts_event=pl.col("ts"), ts_init=pl.col("ts"))
    return frame.match_to_schema(CANONICAL["bar"])


def scaled(column: str, increment: str) -> pl.Expr:
    """Return a column of whole increments as raw fixed-point integers (Int128, scale 1e-16)."""
    return pl.col(column).cast(pl.Int128) * pl.lit(raw_increment(increment), dtype=pl.Int128)


def raw_increment(increment: str) -> int:
    """Return a decimal text such as 0.25 as a raw fixed-point integer (scale 1e-16)."""
    whole, _, fraction = increment.partition(".")
    return int(whole + fraction.ljust(SCALE_DIGITS, "0"))
