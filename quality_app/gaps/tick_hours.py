"""Trading hours learned from the hours that have rows. Pure: no Django.

quality_app.learned_sessions tells the open hours of each week; where the market closes or opens within an hour, the
edge of the session is taken from the rows: the last one before the closed hours, and the first one after them, if it
lies within EDGE_NS of the edge: an hour, and one more for the weeks around a change of the clocks. So a hole of less
than that beside closed hours is not found, and a holiday looks like a hole.
"""

from typing import Final

import numpy as np
import polars as pl

from quality_app.gaps.found import Unscannable
from quality_app.gaps.grid import HOUR_NS
from quality_app.gaps.tick_times import TickTimes
from quality_app.learned_sessions import TooLittleData, learn_sessions

EDGE_NS: Final = 2 * HOUR_NS


def learned_hours(times: TickTimes) -> pl.DataFrame:
    """Return sessions (open_ns, close_ns, day) from the first to the last row; raises Unscannable."""
    closes = (times.hours + 1) * HOUR_NS
    try:
        hours = learn_sessions([closes], HOUR_NS, int(closes[0]), int(closes[-1]))
    except TooLittleData as error:
        raise Unscannable(str(error)) from error
    return _to_rows(hours, times)


def _to_rows(hours: pl.DataFrame, times: TickTimes) -> pl.DataFrame:
    """Move the edges beside closed hours to the rows there."""
    opens, closes = hours["open_ns"].to_numpy().copy(), hours["close_ns"].to_numpy().copy()
    if not len(opens) or not len(times.wait_start):
        return hours
    shut = np.flatnonzero(opens[1:] > closes[:-1])
    # The last wait that starts before the market opens again is the one that spans the closed hours.
    at = np.searchsorted(times.wait_start, opens[shut + 1]) - 1
    spans = (at >= 0) & (times.wait_end[at] > closes[shut])
    start, end = times.wait_start[at], times.wait_end[at]
    early = spans & (start < closes[shut]) & (start >= closes[shut] - EDGE_NS)
    late = spans & (end > opens[shut + 1]) & (end <= opens[shut + 1] + EDGE_NS)
    closes[shut[early]] = start[early]
    opens[shut[late] + 1] = end[late]
    return hours.with_columns(pl.Series("open_ns", opens), pl.Series("close_ns", closes)).filter(
        pl.col("open_ns") < pl.col("close_ns")
    )
