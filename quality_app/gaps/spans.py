"""Stretches of time as columns: disjoint, in order, and what two sets of them share. Pure: no Django."""

from typing import Final

import numpy as np
import polars as pl

from quality_app.checks.trading_time import TradingTime

# Stretches [start_ns, end_ns), UNIX nanoseconds.
SPANS: Final = pl.Schema({"start_ns": pl.Int64, "end_ns": pl.Int64})


def merged(spans: pl.DataFrame) -> TradingTime:
    """Return stretches (schema SPANS, in any order, also overlapping) as blocks apart from each other."""
    ordered = spans.filter(pl.col("end_ns") > pl.col("start_ns")).sort("start_ns")
    reach = ordered["end_ns"].cum_max()
    first = (ordered["start_ns"] > reach.shift(1)).fill_null(value=True)
    blocks = ordered.select(
        pl.col("start_ns").filter(first).alias("open_ns"),
        # The reach before the next block, and at last the whole reach.
        reach.filter(first.shift(-1, fill_value=True)).alias("close_ns"),
    )
    return TradingTime(blocks)


def shared(left: TradingTime, right: TradingTime) -> TradingTime:
    """Return the time that lies in both."""
    edges = np.unique(np.concatenate((left.opens, left.closes, right.opens, right.closes)))
    starts, ends = edges[:-1], edges[1:]
    inside = left.contains(starts) & right.contains(starts) if len(starts) else np.zeros(0, np.bool_)
    return TradingTime(pl.DataFrame({"open_ns": starts[inside], "close_ns": ends[inside]}, schema=_BLOCKS))


_BLOCKS: Final = pl.Schema({"open_ns": pl.Int64, "close_ns": pl.Int64})
