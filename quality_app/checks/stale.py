"""Quotes that stand unchanged for too long while their market is open."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import polars as pl

from quality_app.checks.check import PRICE, WEEK, Check, CheckContext, Values
from quality_app.checks.param import Param
from quality_app.checks.seasonal import TOO_LITTLE, by_hour, profile_facts, seasonal, usual
from quality_app.checks.trading_time import Int64s, TradingTime

SECOND_NS: Final = 1_000_000_000
# Rows back to which a repeated quote is followed; before that its age counts from there.
LOOK_BACK: Final = 2_000
_QUOTE: Final = ("bid_price", "ask_price", "bid_size", "ask_size")


def _stale(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    marks = np.zeros(len(frame), np.bool_)
    if not len(frame) or context.sessions is None:
        return pl.Series(marks, dtype=pl.Boolean)
    limits = _limits(context)
    ts = frame["ts_event"].to_numpy()
    # Until when each row stands: the next one.
    until = np.append(ts[1:], ts[-1])
    rows = _in_long_runs(frame[PRICE], ts, until, int(limits.min()))
    if len(rows):
        came = ts[_first_of_quote(frame, rows)]
        clock = TradingTime(context.sessions)
        stood = clock.open_ns(until[rows]) - clock.open_ns(came)
        week = frame[WEEK].to_numpy()
        limit = np.maximum(limits[week[rows]], limits[week[np.minimum(rows + 1, len(ts) - 1)]])
        marks[rows[stood > limit]] = True
    return pl.Series(marks)


def _limits(context: CheckContext) -> Int64s:
    """How long a quote may stand at each hour of the week, in nanoseconds."""
    values = STALE.values(context)
    long = by_hour(usual(context, "wait").scale) * float(values["factor"])
    return (np.fmax(long, float(values["leastSeconds"])) * SECOND_NS).astype(np.int64)


def _in_long_runs(price: pl.Series, ts: Int64s, until: Int64s, least: int) -> Int64s:
    """Rows that stand, or belong to a run of one mid that stands, for more than the least limit, in order.

    All stale rows are among them. Most rows change the mid, so that little is left to look at for runs.
    """
    mid = price.to_numpy()
    repeats = mid[1:] == mid[:-1]
    if price.null_count():
        # NaN stands for undefined, and differs from itself.
        repeats |= np.isnan(mid[1:]) & np.isnan(mid[:-1])
    alone = np.flatnonzero(until - ts > least)
    repeated = np.flatnonzero(repeats) + 1
    if not len(repeated):
        return alone
    heads = np.flatnonzero(np.diff(repeated, prepend=-1) != 1)
    # Not the first and last time of a run: ts_event need not be in order.
    earliest = np.minimum(np.minimum.reduceat(ts[repeated], heads), ts[repeated[heads] - 1])
    latest = np.maximum(np.maximum.reduceat(until[repeated], heads), until[repeated[heads] - 1])
    long = latest - earliest > least
    lengths = np.diff(heads, append=len(repeated))[long] + 1
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.union1d(alone, np.repeat(repeated[heads[long]] - 1, lengths) + within)


def _first_of_quote(frame: pl.DataFrame, rows: Int64s) -> Int64s:
    """The row with which each row's quote came, at most LOOK_BACK before; rows are in order."""
    before = np.maximum(rows - 1, 0)
    came = np.append(True, np.diff(rows) != 1) | (rows == 0)
    for name in _QUOTE:
        column = frame[name]
        came |= column.gather(rows).ne_missing(column.gather(before)).to_numpy()
    first = np.maximum.accumulate(np.where(came, rows, -1))
    return np.asarray(np.maximum(first, rows - LOOK_BACK))


def _reach(values: Values) -> tuple[int, int]:
    return LOOK_BACK, 1


def _facts(context: CheckContext) -> dict[str, Any]:
    return {**profile_facts(context), "calendar": context.calendar}


def _obstacle(context: CheckContext) -> str | None:
    if context.sessions is None:
        return "The sessions are unknown, so waiting cannot be told from closed hours."
    return TOO_LITTLE if seasonal(context, "wait") is None else None


STALE: Final = Check(
    id="price.stale",
    version=1,
    data_types=("quote",),
    dimension="timeliness",
    severity="major",
    limit=Fraction(1, 100),
    citation="Data desk rule: the 99.9 % waiting time of the hour of the week, in trading time",
    explanation="The quote, prices and sizes alike, stood unchanged for too long, whether it was repeated or nothing "
    "came: the feed hung. The limit is a multiple of the time within which 99.9 % of all quotes changed at that hour "
    "of the week, and closed hours take no time. Repeats are followed back over 2,000 rows.",
    example="An index's quote repeats 5,021.25 / 5,021.50 each second for ten minutes of the New York morning.",
    rule=_stale,
    params=(
        Param("factor", "Multiple of the 99.9 % waiting time", Decimal(3), "", Decimal(1), Decimal(1000)),
        Param("leastSeconds", "Never below", 60, "s", 1),
    ),
    facts=_facts,
    obstacle=_obstacle,
    needs=frozenset({PRICE, WEEK}),
    reach=_reach,
    looks_ahead=True,
)
CHECKS: Final = (STALE,)
