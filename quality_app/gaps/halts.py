"""From an instrument's status messages to the stretches in which it was halted. Pure: no Django."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from quality_app.gaps.spans import SPANS

# nautilus_trader.model.enums.MarketStatusAction. What is in neither list leaves trading as it was: a quoting or
# pre-open phase after a halt is still part of it.
HALTED: Final = ("HALT", "PAUSE", "SUSPEND", "NOT_AVAILABLE_FOR_TRADING")
NOT_HALTED: Final = ("TRADING", "PRE_CLOSE", "CLOSE", "POST_CLOSE")


def halt_spans(batches: Iterable[pl.DataFrame], until_ns: int) -> pl.DataFrame:
    """Return the halts (schema SPANS, in order) of status rows: `action`, `is_trading`, `ts_event`.

    A halt lasts from its message to the next one that says that trading goes on or that the day's trading is over.
    One that no message ends lasts until `until_ns`. Rows may be out of order by their batch; only changes of state
    are held in memory.
    """
    changes = [_changes(batch) for batch in batches]
    if not changes:
        return pl.DataFrame(schema=SPANS)
    # The later of two messages of the same time holds.
    states = (
        pl.concat(changes).sort("ts_event", maintain_order=True).unique("ts_event", keep="last", maintain_order=True)
    )
    states = states.filter((pl.col("halted") != pl.col("halted").shift(1)).fill_null(value=True))
    spans = states.with_columns(end_ns=pl.col("ts_event").shift(-1).fill_null(until_ns)).filter("halted")
    return spans.select(pl.col("ts_event").alias("start_ns"), "end_ns").filter(pl.col("end_ns") > pl.col("start_ns"))


def _changes(batch: pl.DataFrame) -> pl.DataFrame:
    """The rows of a batch after which it is otherwise than before, with what then holds."""
    halted = (
        pl.when(pl.col("action").is_in(HALTED))
        .then(pl.lit(value=True))
        .when(pl.col("action").is_in(NOT_HALTED) | pl.col("is_trading").fill_null(value=False))
        .then(pl.lit(value=False))
    )
    told = batch.select("ts_event", halted.alias("halted")).drop_nulls("halted").sort("ts_event", maintain_order=True)
    # The last of each run too: another batch may hold rows between.
    is_edge = (pl.col("halted") != pl.col("halted").shift(1)) | (pl.col("halted") != pl.col("halted").shift(-1))
    return told.filter(is_edge.fill_null(value=True))
