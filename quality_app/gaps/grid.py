"""The closes that bars of a timeframe should have inside trading sessions, numbered without listing them.

A grid is a table of segments, at most an hour of one session each; expected closes are numbered 0, 1, 2 … over all
segments. So a decade of one-minute bars costs some 60,000 segments, and a timestamp's number is a binary search.
Pure: no Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Int64s = npt.NDArray[np.int64]
Anchor = Literal["clock", "session", "day"]

HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = 24 * HOUR_NS
OUTSIDE: Final = -1


class NoGrid(Exception):
    """Why no expected closes can be told; the message is for people."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Segments of expected closes, in order; arrays have one entry per segment unless said otherwise.

    Attributes:
        anchor: What the closes are aligned to: the UTC clock, each session's open, or whole session days.
        interval_ns: Length of a bar.
        origin: Time of the close number zero that `first_k` and `last_k` count from.
        first_k, last_k: First and last close of the segment, in intervals after `origin`.
        limit: Close of the session: a last, shortened bar of a session-anchored grid ends there.
        before: Expected closes in all segments before this one.
        bucket: Time of week, for comparing activity: weekday of the session and hour since its day's open.
        block: Number of the uninterrupted stretch of trading that the segment belongs to.
        day: Number of the session day.
        total: Expected closes in all segments.

    """

    anchor: Anchor
    interval_ns: int
    origin: Int64s
    first_k: Int64s
    last_k: Int64s
    limit: Int64s
    before: Int64s
    bucket: Int64s
    block: Int64s
    day: Int64s
    total: int

    def index_of(self, ts: Int64s) -> Int64s:
        """Return the numbers of the expected closes that times stand for, or OUTSIDE.

        Times are rounded to the nearest close, so a bar that was recorded a little late counts for its interval.
        The result does not decrease (besides OUTSIDE) where `ts` does not.
        """
        half = self.interval_ns // 2
        past = self.origin + self.last_k * self.interval_ns + (self.interval_ns - half)
        segment = np.searchsorted(past, ts, side="right")
        inside = segment < len(past)
        at = np.where(inside, segment, 0)
        k = (ts - self.origin[at] + half) // self.interval_ns
        index = np.where(inside & (k >= self.first_k[at]), self.before[at] + k - self.first_k[at], OUTSIDE)
        return self._with_short_bars(ts, index) if self.anchor == "session" else index

    def close_of(self, index: Int64s) -> Int64s:
        """Return the times of expected closes, UNIX nanoseconds."""
        at = self.segment_of(index)
        k = self.first_k[at] + index - self.before[at]
        return np.minimum(self.origin[at] + k * self.interval_ns, self.limit[at])

    def segment_of(self, index: Int64s) -> Int64s:
        """Return the segments that expected closes belong to."""
        return np.searchsorted(self.before, index, side="right").astype(np.int64) - 1

    def ends(self) -> Int64s:
        """Return the number after the last close of each segment."""
        return np.append(self.before[1:], self.total).astype(np.int64)

    def first_at_or_after(self, ns: int) -> int:
        """Return the number of the first expected close at or after a time; `total` when there is none."""
        return _bisect(self, ns)

    def _with_short_bars(self, ts: Int64s, index: Int64s) -> Int64s:
        """A session's last bar may be shorter than the interval: its close is the session's."""
        last = np.flatnonzero(np.append(self.limit[1:] != self.limit[:-1], True))
        limits = self.limit[last]
        found = np.minimum(np.searchsorted(limits, ts), len(limits) - 1)
        return np.where(limits[found] == ts, self.ends()[last][found] - 1, index)


def bar_grid(sessions: pl.DataFrame, interval_ns: int, sample: Int64s) -> Grid:
    """Return the grid of bars of an interval below a day; raises NoGrid where it cannot be told.

    Args:
        sessions: Trading intervals (open_ns, close_ns, day) in order, UNIX nanoseconds.
        interval_ns: Length of a bar.
        sample: Some closes of the data: they decide whether the grid follows the clock or the session's open,
            where the two differ (one-hour bars of an exchange that opens at half past).

    """
    if DAY_NS % interval_ns:
        raise NoGrid("The bar's step does not divide a day, so its closes are not told by sessions.")
    if sessions.is_empty():
        raise NoGrid("The calendar has no session in this range.")
    opens, closes = _column(sessions, "open_ns"), _column(sessions, "close_ns")
    anchor: Anchor = "clock"
    if np.any(opens % interval_ns) or np.any(closes % interval_ns):
        at = np.maximum(np.searchsorted(opens, sample, side="left") - 1, 0)
        by_session = np.count_nonzero(((sample - opens[at]) % interval_ns == 0) | (sample == closes[at]))
        anchor = "session" if by_session > np.count_nonzero(sample % interval_ns == 0) else "clock"
    return _segments(sessions, interval_ns, anchor)


def _segments(sessions: pl.DataFrame, interval_ns: int, anchor: Anchor) -> Grid:
    opens, closes, days = _column(sessions, "open_ns"), _column(sessions, "close_ns"), _column(sessions, "day")
    new_block = np.append(True, opens[1:] != closes[:-1])
    ends_block = np.append(new_block[1:], True)
    pieces = -(-(closes - opens) // HOUR_NS)
    owner = np.repeat(np.arange(len(opens)), pieces)
    hour = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = opens[owner] + hour * HOUR_NS
    stop = np.minimum(start + HOUR_NS, closes[owner])
    is_last = stop == closes[owner]
    origin = opens[owner] if anchor == "session" else np.zeros(len(owner), np.int64)
    first = (start - origin) // interval_ns + 1
    rounds_up = is_last & (ends_block[owner] | (anchor == "session"))
    last = np.where(rounds_up, -(-(stop - origin) // interval_ns), (stop - origin) // interval_ns)
    if anchor == "clock":
        # Where a break is shorter than a bar, the bar that spans it belongs to the session before.
        first = np.maximum(first, np.append(first[0], np.maximum.accumulate(last)[:-1] + 1))
    limit = closes[owner] if anchor == "session" else np.full(len(owner), np.iinfo(np.int64).max)
    day_starts = np.append(True, days[1:] != days[:-1])
    day = np.cumsum(day_starts) - 1
    first_open = opens[day_starts][day]
    bucket = _weekday(days[owner]) * 64 + np.minimum((start - first_open[owner]) // HOUR_NS, 63)
    keep = last >= first
    counts = (last - first + 1)[keep]
    block = np.cumsum(new_block) - 1
    return Grid(
        anchor=anchor,
        interval_ns=interval_ns,
        origin=origin[keep],
        first_k=first[keep],
        last_k=last[keep],
        limit=limit[keep],
        before=np.cumsum(counts) - counts,
        bucket=bucket[keep],
        block=block[owner][keep],
        day=day[owner][keep],
        total=int(counts.sum()),
    )


def _bisect(grid: Grid, ns: int) -> int:
    low, high = 0, grid.total
    while low < high:
        middle = (low + high) // 2
        if int(grid.close_of(np.array([middle]))[0]) < ns:
            low = middle + 1
        else:
            high = middle
    return low


def _column(frame: pl.DataFrame, name: str) -> Int64s:
    return frame[name].to_physical().cast(pl.Int64).to_numpy()


def _weekday(days: Int64s) -> Int64s:
    """Weekday of days since 1970-01-01 (a Thursday); Monday is 0."""
    return (days + 3) % 7
