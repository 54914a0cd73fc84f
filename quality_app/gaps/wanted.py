"""Data that should exist, held against data that does: how much is there, how old it is. Pure: no Django."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from quality_app.checks.trading_time import Int64s, TradingTime

SECOND_NS: Final = 1_000_000_000
# Ends of a range that rolls on are told to the hour, so that what hangs on them does not change all the time.
STEP_NS: Final = 3600 * SECOND_NS

# One row for each pair of a declaration and a dataset: the wanted stretch, what the dataset spans, its last row (UNIX
# ns; first and last are inclusive, with the slack that its kind of data is given at each end).
PAIRS: Final = pl.Schema({"start_ns": pl.Int64, "end_ns": pl.Int64, "first_ns": pl.Int64, "last_ns": pl.Int64})
# Months of a pair (its row in PAIRS) that were scanned: bounds [month_ns, next_ns) and the share that is there.
MONTHS: Final = pl.Schema({"pair": pl.Int64, "month_ns": pl.Int64, "next_ns": pl.Int64, "share": pl.Float64})


@dataclass(frozen=True, slots=True)
class Wish:
    """A declaration's range: UNIX ns, inclusive; without an end until now, less the trading time it may be late."""

    start_ns: int
    end_ns: int | None
    max_age_ns: int | None = None


def end_of(wish: Wish, trading: TradingTime, now_ns: int) -> int | None:
    """Return up to when data is wanted now (UNIX ns); None where nothing is wanted yet.

    Without an end that is the moment from which `max_age_ns` of trading passed, or without a maximum age the end of
    the last session, and of markets that do not close every day the last midnight UTC.
    """
    if wish.end_ns is not None:
        end = min(wish.end_ns, now_ns)
    elif wish.max_age_ns is None:
        end = _last_session_end(trading, now_ns)
    else:
        end = moment_before(trading, now_ns, wish.max_age_ns)
    return end if end >= wish.start_ns else None


def union(wishes: Iterable[Wish], trading: TradingTime, now_ns: int) -> tuple[int | None, int | None]:
    """Return the range from the earliest wanted start to the latest wanted end; (None, None) without any.

    Ends that move with time are rounded down to the hour.
    """
    ranges = [(wish, end) for wish in wishes if (end := end_of(wish, trading, now_ns)) is not None]
    if not ranges:
        return None, None
    start = min(wish.start_ns for wish, _ in ranges)
    ends = [end if wish.end_ns is not None and wish.end_ns <= now_ns else end - end % STEP_NS for wish, end in ranges]
    return start, max(start, *ends)


def moment_before(trading: TradingTime, now_ns: int, open_ns: int) -> int:
    """Return the last time from which at most so much trading time passed until now; before all sessions, the first."""
    if not len(trading.opens):
        return now_ns - open_ns
    passed = int(trading.open_ns(_one(now_ns))[0]) - open_ns
    if passed <= 0:
        return int(trading.opens[0])
    before = np.cumsum(trading.closes - trading.opens)
    block = int(np.searchsorted(before, passed))
    return int(trading.closes[block] - (before[block] - passed))


def ages(trading: TradingTime, last_ns: Int64s, now_ns: Int64s) -> Int64s:
    """Return the trading time from each last row until its now, in ns; rows of the future have none."""
    return np.asarray(np.maximum(trading.open_ns(now_ns) - trading.open_ns(last_ns), 0), np.int64)


def covered(pairs: pl.DataFrame, months: pl.DataFrame, trading: TradingTime) -> tuple[Int64s, Int64s]:
    """Return the trading time (ns) that each pair covers, and that it wants.

    What lies outside of a dataset's span is missing; within it, scanned months count by the share that is there.
    """
    start, end = pairs["start_ns"].to_numpy(), pairs["end_ns"].to_numpy()
    first, last = pairs["first_ns"].to_numpy(), pairs["last_ns"].to_numpy()
    wanted = trading.open_ns(end) - trading.open_ns(start)
    held_start, held_end = np.maximum(start, first), np.minimum(end, last)
    held = _length(trading, held_start, held_end)
    at = months["pair"].to_numpy()
    opens, closes = months["month_ns"].to_numpy(), months["next_ns"].to_numpy()
    of_month = _length(trading, np.maximum(opens, start[at]), np.minimum(closes, end[at]))
    held_of_month = _length(trading, np.maximum(opens, held_start[at]), np.minimum(closes, held_end[at]))
    # A scan that reached over the ends has counted them as missing already: the lower of both holds.
    lost = np.maximum(held_of_month - np.ceil(of_month * months["share"].to_numpy()), 0)
    holes = np.bincount(at, lost, len(pairs)).astype(np.int64) if len(at) else np.zeros(len(pairs), np.int64)
    return np.maximum(held - holes, 0), wanted


def _last_session_end(trading: TradingTime, now_ns: int) -> int:
    block = int(np.searchsorted(trading.closes, now_ns, side="right")) - 1
    midnight = now_ns - now_ns % (24 * STEP_NS)
    is_open = block + 1 < len(trading.opens) and int(trading.opens[block + 1]) <= midnight
    return midnight if is_open or block < 0 else int(trading.closes[block])


def _length(trading: TradingTime, start: Int64s, end: Int64s) -> Int64s:
    return np.asarray(trading.open_ns(np.maximum(end, start)) - trading.open_ns(start), np.int64)


def _one(ns: int) -> Int64s:
    return np.array([ns], np.int64)
