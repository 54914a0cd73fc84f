"""Open time by session day, in whole seconds. Pure: no Django.

Seconds are counted from the first session on, so that the parts of a stretch add up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.found import BY_DAY, DAYS
from quality_app.gaps.grid import Int64s

SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class OpenDays:
    """The sessions of a range, cut at its ends; in order, UNIX nanoseconds.

    Attributes:
        clock: Time while the market is open.
        opens, closes: Of each session.
        days: Its day, days since 1970-01-01.

    """

    clock: TradingTime
    opens: Int64s
    closes: Int64s
    days: Int64s

    @classmethod
    def between(cls, sessions: pl.DataFrame, clock: TradingTime, start_ns: int, end_ns: int) -> OpenDays:
        """Return the sessions (open_ns, close_ns, day) that meet a range."""
        opens, closes, days = (
            sessions[name].to_physical().cast(pl.Int64).to_numpy() for name in ("open_ns", "close_ns", "day")
        )
        inside = (closes > start_ns) & (opens < end_ns)
        return cls(clock, np.maximum(opens[inside], start_ns), np.minimum(closes[inside], end_ns), days[inside])

    def seconds(self, start: Int64s, end: Int64s) -> Int64s:
        """Return the whole open seconds between times."""
        return np.asarray(self.clock.open_ns(end) // SECOND_NS - self.clock.open_ns(start) // SECOND_NS)

    def expected(self) -> pl.DataFrame:
        """Return the seconds that each day expects; schema DAYS."""
        frame = pl.DataFrame({"day": self.days, "expected": self.seconds(self.opens, self.closes)})
        by_day = frame.group_by("day").sum().filter(pl.col("expected") > 0).sort("day")
        return by_day.with_columns(pl.col("day").cast(pl.Int32)).cast(DAYS)

    def missing(self, start: Int64s, end: Int64s) -> pl.DataFrame:
        """Return how the seconds of stretches spread over days; schema BY_DAY."""
        first = np.searchsorted(self.closes, start, side="right")
        count = np.maximum(np.searchsorted(self.opens, end, side="left") - first, 0)
        gap = np.repeat(np.arange(len(count)), count)
        session = first[gap] + np.arange(len(gap)) - np.repeat(np.cumsum(count) - count, count)
        lost = self.seconds(np.maximum(start[gap], self.opens[session]), np.minimum(end[gap], self.closes[session]))
        frame = pl.DataFrame({"gap": gap, "day": self.days[session], "missing": lost})
        by_day = frame.group_by("gap", "day").sum().filter(pl.col("missing") > 0).sort("gap", "day")
        return by_day.with_columns(pl.col("day").cast(pl.Int32)).cast(BY_DAY)

    def whole(self, start: Int64s, end: Int64s) -> npt.NDArray[np.bool_]:
        """Tell which stretches cover all sessions of a day."""
        if not len(self.days):
            return np.zeros(len(start), np.bool_)
        begins = np.flatnonzero(np.append(True, self.days[1:] != self.days[:-1]))
        ends = self.closes[np.append(begins[1:], len(self.days)) - 1]
        at = np.searchsorted(self.opens[begins], start)
        return np.asarray((at < len(begins)) & (ends[np.minimum(at, len(begins) - 1)] <= end))
