"""Which gaps a halt or an outage explains. Pure: no Django."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog_app.store.schema import INT64_MAX
from quality_app.checks.trading_time import Int64s, TradingTime
from quality_app.gaps.spans import merged, shared

type Bools = npt.NDArray[np.bool_]

# One part in so many of a gap's trading time may lie outside of what explains it: 90 % must lie within.
_TENTH: Final = 10


def with_causes(
    gaps: pl.DataFrame,
    halts: pl.DataFrame,
    outages: pl.DataFrame,
    trading: TradingTime | None,
    bar_ns: int = 0,
) -> pl.DataFrame:
    """Return gaps (schema GAPS) with the cause of those that a halt or an outage explains.

    A gap is `halt` where halts cover at least 90 % of its trading time, else `outage` where outages do; the others
    keep their cause. Halts have low severity; an outage keeps the severity that the gap has. A gap without trading
    time, such as a jump of a sequence between two rows of the same time, keeps its cause.

    Args:
        gaps: What was found.
        halts: Schema SPANS, in any order; they may overlap.
        outages: The same; an `end_ns` of null lasts.
        trading: The sessions; None counts all time.
        bar_ns: Length of a bar: its gap begins that long before the first missing close. 0 for ticks.

    """
    if gaps.is_empty() or (halts.is_empty() and outages.is_empty()):
        return gaps
    start, end = gaps["start_ns"].to_numpy() - bar_ns, gaps["end_ns"].to_numpy()
    halted = _explained(start, end, halts, trading)
    out = _explained(start, end, outages, trading) & ~halted
    causes = gaps.with_columns(pl.Series("halted", halted), pl.Series("out", out))
    return causes.with_columns(
        cause=pl.when("halted").then(pl.lit("halt")).when("out").then(pl.lit("outage")).otherwise("cause"),
        severity=pl.when("halted").then(pl.lit("low")).otherwise("severity"),
    ).select(gaps.columns)


def _explained(start: Int64s, end: Int64s, spans: pl.DataFrame, trading: TradingTime | None) -> Bools:
    """Tell which stretches [start, end) have at least nine tenths of their trading time within spans."""
    if spans.is_empty():
        return np.zeros(len(start), np.bool_)
    lasting = pl.col("end_ns").fill_null(INT64_MAX)
    blocks = merged(spans.select("start_ns", lasting))
    within = blocks if trading is None else shared(blocks, trading)
    length = end - start if trading is None else trading.open_ns(end) - trading.open_ns(start)
    covered = within.open_ns(end) - within.open_ns(start)
    return (length > 0) & (covered >= length - length // _TENTH)
