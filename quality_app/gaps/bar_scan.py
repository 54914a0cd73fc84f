"""From a bar dataset's closes and its calendar to its gaps. Pure: no Django."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from quality_app.calendars import SessionCalendar
from quality_app.gaps.bars import Disordered, GapScan, find_bar_gaps
from quality_app.gaps.day_grid import day_grid
from quality_app.gaps.grid import DAY_NS, Grid, Int64s, NoGrid, bar_grid
from quality_app.learned_sessions import TooLittleData, learn_sessions
from quality_app.sessions import sessions

# Closes that may be sorted in memory when they are out of order: 8 bytes each, and as much again to sort.
SORT_LIMIT: Final = 40_000_000

Batches = Callable[[], Iterable[Int64s]]


class Unscannable(Exception):
    """Why completeness is unknown; the message is for people."""


@dataclass(frozen=True, slots=True)
class BarSeries:
    """What a scan needs to know of a bar dataset; times are UNIX nanoseconds.

    `batches` gives the closes anew at each call; `first_ns` and `last_ns` are the first and last of them.
    """

    batches: Batches
    rows: int
    interval_ns: int | None
    first_ns: int
    last_ns: int


def scan_bars(
    series: BarSeries, calendar: SessionCalendar, start_ns: int | None = None, end_ns: int | None = None
) -> GapScan:
    """Find the gaps of a bar dataset in one pass over its closes (two where hours are learned).

    Args:
        series: The dataset.
        calendar: Its trading hours.
        start_ns: Wanted range, where bars before the first one count as missing too.
        end_ns: Wanted range, where bars after the last one count as missing too.

    Raises:
        Unscannable: no expected closes can be told.

    """
    if series.interval_ns is None:
        raise Unscannable("Bars of this aggregation have no fixed length, so no bar is expected at a given time.")
    if series.interval_ns > DAY_NS:
        raise Unscannable("Bars longer than a day are not scanned yet.")
    if not series.rows:
        raise Unscannable("The dataset has no rows.")
    try:
        grid = _grid(series, series.interval_ns, calendar, start_ns, end_ns)
    except (NoGrid, TooLittleData) as error:
        raise Unscannable(str(error)) from error
    try:
        return find_bar_gaps(series.batches(), grid, start_ns, end_ns)
    except Disordered:
        return find_bar_gaps([_sorted(series)], grid, start_ns, end_ns)


def _grid(
    series: BarSeries, interval_ns: int, calendar: SessionCalendar, start_ns: int | None, end_ns: int | None
) -> Grid:
    sample = next(iter(chain(series.batches(), [np.array([], np.int64)])))
    if calendar.learned:
        hours = learn_sessions(series.batches(), interval_ns, series.first_ns, series.last_ns)
    else:
        # A day more on both sides: a bar that closes with its session belongs to it, and day bars are stamped late.
        first = min(series.first_ns, series.first_ns if start_ns is None else start_ns)
        last = max(series.last_ns, series.last_ns if end_ns is None else end_ns)
        hours = sessions(calendar, first - 4 * DAY_NS, last + DAY_NS)
    return day_grid(hours, sample) if interval_ns == DAY_NS else bar_grid(hours, interval_ns, sample)


def _sorted(series: BarSeries) -> Int64s:
    if series.rows > SORT_LIMIT:
        raise Unscannable(f"Rows are out of order, and more than {SORT_LIMIT:,} of them cannot be sorted in memory.")
    closes = np.concatenate(list(series.batches()))
    closes.sort()
    return closes
