"""The grid of day bars: one expected bar per session day, however the vendor stamps it. Pure: no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from quality_app.gaps.grid import DAY_NS, OUTSIDE, Grid, Int64s, NoGrid

Stamp = Literal["session", "midnight after", "midnight before"]
_STAMPS: Final[tuple[Stamp, ...]] = ("session", "midnight after", "midnight before")


@dataclass(frozen=True, slots=True)
class DayGrid(Grid):
    """Session days; `labels` are the stamps that their bars are expected to carry.

    Attributes:
        stamp: `session`: after the session's open and no later than the next one's; `midnight after` and
            `midnight before`: UTC midnight that ends or starts the session day.
        opens: Open of each session day.
        dates: Session days since 1970-01-01.
        labels: Expected stamps.

    """

    stamp: Stamp
    opens: Int64s
    dates: Int64s
    labels: Int64s

    def index_of(self, ts: Int64s) -> Int64s:
        """Return the numbers of the session days that stamps belong to, or OUTSIDE."""
        return _days_of(ts, self.stamp, self.opens, self.dates)

    def close_of(self, index: Int64s) -> Int64s:
        """Return the stamps that the bars of session days are expected to carry, UNIX nanoseconds."""
        return self.labels[index]


def day_grid(sessions: pl.DataFrame, sample: Int64s) -> DayGrid:
    """Return the grid of one-day bars, stamped in the way that fits the sample best.

    Args:
        sessions: Trading intervals (open_ns, close_ns, day) in order, UNIX nanoseconds.
        sample: Stamps of the data, UNIX nanoseconds.

    """
    if sessions.is_empty():
        raise NoGrid("The calendar has no session in this range.")
    days = sessions.group_by("day").agg(pl.col("open_ns").min(), pl.col("close_ns").max()).sort("day")
    opens, closes = days["open_ns"].to_numpy(), days["close_ns"].to_numpy()
    dates = days["day"].to_physical().cast(pl.Int64).to_numpy()
    stamp = max(_STAMPS, key=lambda name: len(np.unique(_days_of(sample, name, opens, dates))))
    base = {"session": closes, "midnight after": (dates + 1) * DAY_NS, "midnight before": dates * DAY_NS}[stamp]
    number = np.arange(len(opens))
    zero = np.zeros(len(opens), np.int64)
    return DayGrid(
        anchor="day",
        interval_ns=DAY_NS,
        origin=base,
        first_k=zero,
        last_k=zero,
        limit=base,
        before=number,
        bucket=(dates + 3) % 7,
        block=zero,
        day=number,
        total=len(opens),
        stamp=stamp,
        opens=opens,
        dates=dates,
        labels=base + (_usual_offset(sample, opens, base) if stamp == "session" else 0),
    )


def _days_of(ts: Int64s, stamp: Stamp, opens: Int64s, dates: Int64s) -> Int64s:
    if stamp == "session":
        return np.searchsorted(opens, ts, side="left").astype(np.int64) - 1
    wanted = (ts - 1) // DAY_NS if stamp == "midnight after" else ts // DAY_NS
    at = np.minimum(np.searchsorted(dates, wanted), len(dates) - 1)
    return np.where(dates[at] == wanted, at, OUTSIDE)


def _usual_offset(sample: Int64s, opens: Int64s, closes: Int64s) -> int:
    """Most common distance of a stamp from its session's close."""
    at = np.searchsorted(opens, sample, side="left") - 1
    distances = (sample - closes[at])[at >= 0]
    if not len(distances):
        return 0
    values, counts = np.unique(distances, return_counts=True)
    return int(values[np.argmax(counts)])
