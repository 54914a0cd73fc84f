"""The closes that bars of a timeframe should have inside trading sessions, numbered without listing them.

A grid is a table of segments, at most an hour of one session each (or one period: quality_app.gaps.period_grid);
expected closes are numbered 0, 1, 2 … over all segments. So a decade of one-minute bars costs some 60,000 segments,
a decade of milliseconds as many, and a timestamp's number is a binary search. Pure: no Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from quality_app.checks.trading_time import Int64s
from quality_app.gaps.hours import Hours

__all__ = ["DAY_NS", "HOUR_NS", "Anchor", "Grid", "Int64s", "NoGrid", "bar_grid", "segment_table"]

Anchor = Literal["clock", "session", "period"]

HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = 24 * HOUR_NS


class NoGrid(Exception):
    """Why no expected closes can be told; the message is for people."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Segments of expected closes, in order; arrays have one entry per segment unless said otherwise.

    Attributes:
        anchor: What the closes are aligned to: the UTC clock, each session's open, or periods of session days.
        interval_ns: Distance of the closes inside a segment.
        first: First close.
        count: How many closes.
        begins: When the first of the bars begins to trade.
        from_ns, to_ns: Times from `from_ns` until before `to_ns` stand for closes of this segment, each for the
            nearest one: a bar that was recorded a little late counts for its interval. They do not overlap.
        before: Expected closes in all segments before this one.
        bucket: Time of week, for comparing activity: 64 × weekday of the session + hour since its day's open.
        block: Number of the uninterrupted stretch of trading that the segment belongs to.
        day: Number of the session day.
        dates: Session days since 1970-01-01, by number.
        total: Expected closes in all segments.
        hours: The trading hours that the grid was made from.

    """

    anchor: Anchor
    interval_ns: int
    first: Int64s
    count: Int64s
    begins: Int64s
    from_ns: Int64s
    to_ns: Int64s
    before: Int64s
    bucket: Int64s
    block: Int64s
    day: Int64s
    dates: Int64s
    total: int
    hours: Hours

    def numbers(self, segment: Int64s, ts: Int64s) -> Int64s:
        """Return the numbers of the closes that times stand for, given their segments."""
        nearest = (ts - self.first[segment] + self.interval_ns // 2) // self.interval_ns
        number: Int64s = self.before[segment] + np.clip(nearest, 0, self.count[segment] - 1)
        return number

    def close_of(self, index: Int64s) -> Int64s:
        """Return the times of expected closes, UNIX nanoseconds."""
        at = self.segment_of(index)
        return self.first[at] + (index - self.before[at]) * self.interval_ns

    def segment_of(self, index: Int64s) -> Int64s:
        """Return the segments that expected closes belong to."""
        return np.searchsorted(self.before, index, side="right").astype(np.int64) - 1

    def ends(self) -> Int64s:
        """Return the number after the last close of each segment."""
        return self.before + self.count

    def first_at_or_after(self, ns: int) -> int:
        """Return the number of the first expected close at or after a time; `total` when there is none."""
        last = self.first + (self.count - 1) * self.interval_ns
        at = int(np.searchsorted(last, ns, side="left"))
        if at == len(last):
            return self.total
        return int(self.before[at]) + max(-((int(self.first[at]) - ns) // self.interval_ns), 0)

    def traded(self, first: Int64s, last: Int64s) -> Int64s:
        """Return the trading time, in ns, of the bars from one number to another, inclusive."""
        at = self.segment_of(first)
        starts = self.begins[at] + (first - self.before[at]) * self.interval_ns
        return self.hours.trading.open_ns(self.until(last)) - self.hours.trading.open_ns(starts)

    def alive(self, start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
        """Return the numbers of the first and last bar that trade at all between two times; None: no limit."""
        low = 0 if start_ns is None else self.first_at_or_after(start_ns + 1)
        high = self.total if end_ns is None else self.first_at_or_after(end_ns + self.interval_ns)
        return low, high - 1

    def until(self, index: Int64s) -> Int64s:
        """Return when the trading of bars ends: at their close."""
        return self.close_of(index)


def bar_grid(hours: Hours, interval_ns: int, anchor: Anchor, origin_ns: int = 0) -> Grid:
    """Return the grid of bars inside session days; raises NoGrid where no close is expected.

    Args:
        hours: Trading hours.
        interval_ns: Length of a bar.
        anchor: `clock`: closes are multiples of the interval after `origin_ns`; where a session ends between two,
            the bar that closes after it is expected. `session`: closes count from each session's open, and the
            session's last bar may be shorter.
        origin_ns: Any close of the clock.

    """
    if not len(hours.opens):
        raise NoGrid("The calendar has no session in this range.")
    pieces = -(-(hours.closes - hours.opens) // HOUR_NS)
    owner = np.repeat(np.arange(len(hours.opens)), pieces)
    hour = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = hours.opens[owner] + hour * HOUR_NS
    stop = np.minimum(start + HOUR_NS, hours.closes[owner])
    ends_session = stop == hours.closes[owner]
    origin = hours.opens[owner] if anchor == "session" else np.full(len(owner), origin_ns, np.int64)
    low, high = (start - origin) // interval_ns + 1, (stop - origin) // interval_ns
    if anchor == "clock":
        ends_block = np.append(hours.starts_block[1:], True)[owner] & ends_session
        high = np.where(ends_block, -(-(stop - origin) // interval_ns), high)
        # Where a break is shorter than a bar, the bar that spans it belongs to the session before.
        low = np.maximum(low, np.append(low[0], np.maximum.accumulate(high)[:-1] + 1))
    first, count = origin + low * interval_ns, high - low + 1
    length = np.full(len(owner), interval_ns, np.int64)
    half = np.full(len(owner), interval_ns // 2, np.int64)
    if anchor == "session":
        rest = (stop - origin) % interval_ns
        short = np.flatnonzero(ends_session & (rest > 0))
        owner, start = np.append(owner, owner[short]), np.append(start, start[short])
        first, count = np.append(first, stop[short]), np.append(count, np.ones(len(short), np.int64))
        length, half = np.append(length, rest[short]), np.append(half, rest[short] // 2)
    order = np.argsort(first + np.maximum(count - 1, 0) * interval_ns, kind="stable")
    order = order[count[order] > 0]
    owner, start, first, count = owner[order], start[order], first[order], count[order]
    from_ns = first - half[order]
    to_ns = first + (count - 1) * interval_ns + interval_ns - interval_ns // 2
    return segment_table(hours, anchor, interval_ns, first, count, first - length[order], from_ns, to_ns, owner, start)


def segment_table(
    hours: Hours,
    anchor: Anchor,
    interval_ns: int,
    first: Int64s,
    count: Int64s,
    begins: Int64s,
    from_ns: Int64s,
    to_ns: Int64s,
    owner: Int64s,
    start: Int64s,
) -> Grid:
    """Number segments; `owner` are the trading intervals that they lie in and `start` is when they begin there."""
    if not len(first):
        raise NoGrid("The calendar has no session in this range.")
    day_starts = np.append(True, hours.days[1:] != hours.days[:-1])
    day = np.cumsum(day_starts) - 1
    since_open = start - hours.opens[day_starts][day[owner]]
    return Grid(
        anchor=anchor,
        interval_ns=interval_ns,
        first=first,
        count=count,
        begins=begins,
        from_ns=from_ns,
        to_ns=np.minimum(to_ns, np.append(from_ns[1:], np.iinfo(np.int64).max)),
        before=np.cumsum(count) - count,
        bucket=_weekday(hours.days[owner]) * 64 + np.minimum(since_open // HOUR_NS, 63),
        block=(np.cumsum(hours.starts_block) - 1)[owner],
        day=day[owner],
        dates=hours.days[day_starts],
        total=int(count.sum()),
        hours=hours,
    )


def _weekday(days: Int64s) -> Int64s:
    """Weekday of days since 1970-01-01 (a Thursday); Monday is 0."""
    return (days + 3) % 7
