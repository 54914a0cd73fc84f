"""Quotes that stand unchanged for too long while their market is open."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.check import PRICE, WEEK, Check, CheckContext, Values, session_facts
from quality_app.checks.param import Param
from quality_app.checks.seasonal import TOO_LITTLE, by_hour, profile_facts, seasonal, usual
from quality_app.checks.trading_time import Int64s, TradingTime

Floats = npt.NDArray[np.float64]

SECOND_NS: Final = 1_000_000_000
# Rows back to which a repeated quote is followed; before that its age counts from there.
LOOK_BACK: Final = 2_000
# Of so many rows one is looked at to leave out stretches in which no quote stands for long.
_EVERY: Final = 8
_QUOTE: Final = ("bid_price", "ask_price", "bid_size", "ask_size")


def _stale(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    marks = np.zeros(len(frame), np.bool_)
    if not len(frame) or context.sessions is None:
        return pl.Series(marks, dtype=pl.Boolean)
    limits = _limits(context)
    ts = frame["ts_event"].to_numpy()
    rows = _in_long_runs(frame[PRICE], ts, int(limits.min()))
    if len(rows):
        came = ts[_first_of_quote(frame, rows)]
        clock = TradingTime(context.sessions)
        stood = clock.open_ns(_until(ts, rows)) - clock.open_ns(came)
        week = frame[WEEK].to_numpy()
        limit = np.maximum(limits[week[rows]], limits[week[_next(ts, rows)]])
        marks[rows[stood > limit]] = True
    return pl.Series(marks)


def _next(ts: Int64s, rows: Int64s) -> Int64s:
    return np.minimum(rows + 1, len(ts) - 1)


def _until(ts: Int64s, rows: Int64s) -> Int64s:
    """Until when each row stands: the next one."""
    return np.asarray(ts[_next(ts, rows)])


def _limits(context: CheckContext) -> Int64s:
    """How long a quote may stand at each hour of the week, in nanoseconds."""
    values = STALE.values(context)
    long = by_hour(usual(context, "wait").scale) * float(values["factor"])
    return (np.fmax(long, float(values["leastSeconds"])) * SECOND_NS).astype(np.int64)


def _in_long_runs(price: pl.Series, ts: Int64s, least: int) -> Int64s:
    """Rows that belong to a run of one mid that stands for more than the least limit, in order.

    All stale rows are among them.
    """
    mid = price.to_numpy()
    holes = price.null_count() > 0
    rows = _near_long_runs(mid, ts, least, holes=holes)
    if not len(rows):
        return rows
    own = mid[rows]
    repeats = _equal(own[1:], own[:-1], holes=holes) & (np.diff(rows) == 1)
    heads = np.append(0, np.flatnonzero(~repeats) + 1)
    lengths = np.diff(heads, append=len(rows))
    firsts = rows[heads]
    return rows[np.repeat(_spans(ts, firsts, _next(ts, firsts + lengths - 1)) > least, lengths)]


def _near_long_runs(mid: Floats, ts: Int64s, least: int, *, holes: bool) -> Int64s:
    """Rows around every run of one mid that stands for more than the least limit, and few others, in order.

    Every so-many-th row is looked at. Those that follow each other with one mid may be of one run, which lies between
    the one before them and the one after; all runs lie so, or between two neighbours.
    """
    seen = np.append(np.arange(0, len(ts) - 1, _EVERY), len(ts) - 1)
    changes = np.flatnonzero(~_equal(mid[seen[1:]], mid[seen[:-1]], holes=holes)) + 1
    before = seen[np.append(0, changes - 1)]
    after = seen[np.append(changes, len(seen) - 1)]
    long = _spans(ts, before, after) > least
    return _ranges(before[long], after[long] + 1)


def _spans(ts: Int64s, first: Int64s, last: Int64s) -> Int64s:
    """The time between the earliest and the latest row of each range, its last row included."""
    if bool((ts[1:] >= ts[:-1]).all()):
        return np.asarray(ts[last] - ts[first])
    # Of every two places, the second one ends the range of the first.
    places = np.column_stack([first, last]).ravel()
    earliest = np.minimum(np.minimum.reduceat(ts, places)[::2], ts[last])
    return np.asarray(np.maximum(np.maximum.reduceat(ts, places)[::2], ts[last]) - earliest)


def _ranges(starts: Int64s, stops: Int64s) -> Int64s:
    """All rows from each start until before its stop, each once; both are in order."""
    starts = np.maximum(starts, np.append(0, stops[:-1]))
    lengths = np.maximum(stops - starts, 0)
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths))


def _equal(mid: Floats, other: Floats, *, holes: bool) -> npt.NDArray[np.bool_]:
    """Tell which mids are equal; NaN stands for undefined, and differs from itself."""
    same = np.equal(mid, other)
    return same | (np.isnan(mid) & np.isnan(other)) if holes else same


def _first_of_quote(frame: pl.DataFrame, rows: Int64s) -> Int64s:
    """The row with which each row's quote came, at most LOOK_BACK before; rows are in order."""
    quotes = frame.select(_QUOTE)
    own, before = quotes[rows], quotes[np.maximum(rows - 1, 0)]
    differs = own.select(pl.any_horizontal(pl.col(name).ne_missing(before[name]) for name in _QUOTE)).to_series()
    came = differs.to_numpy() | np.append(True, np.diff(rows) != 1) | (rows == 0)
    first = np.maximum.accumulate(np.where(came, rows, -1))
    return np.asarray(np.maximum(first, rows - LOOK_BACK))


def _reach(values: Values) -> tuple[int, int]:
    return LOOK_BACK, 1


def _facts(context: CheckContext) -> dict[str, Any]:
    return {**profile_facts(context), **session_facts(context)}


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
    "of the week; hangs in the sample hardly stretch it, and closed hours take no time. Repeats are followed back over "
    "2,000 rows.",
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
