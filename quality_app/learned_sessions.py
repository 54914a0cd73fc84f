"""Sessions learned from the times at which a dataset has bars. Pure: no Django.

A slice of the week (a quarter of an hour, or the bar's own length where that is longer) counts as open in a week
when it has bars in more than half of the five weeks around that week, or in that week and one more of them. So a
change to daylight saving time is followed, and an outage of a week or two is not taken for closed hours, but one of
three weeks is; a holiday looks like an outage.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.gaps.grid import DAY_NS, Int64s
from quality_app.sessions import SESSIONS_SCHEMA

WEEK_NS: Final = 7 * DAY_NS
# 1970-01-05 was a Monday.
_FIRST_MONDAY_NS: Final = 4 * DAY_NS
SLICE_NS: Final = 15 * 60 * 1_000_000_000
LEAST_WEEKS: Final = 2
_REACH: Final = 2


class TooLittleData(Exception):
    """The data is too short to learn sessions from; the message is for people."""


@dataclass(slots=True)
class _Activity:
    """Which slices of which weeks hold bars."""

    slice_ns: int
    first_week: int
    active: npt.NDArray[np.bool_]

    def add(self, closes: Int64s, interval_ns: int) -> None:
        """Mark the slices in which bars opened: the close of a session is outside it."""
        since = closes - interval_ns - _FIRST_MONDAY_NS
        self.active[since // WEEK_NS - self.first_week, since % WEEK_NS // self.slice_ns] = True


def learn_sessions(batches: Iterable[Int64s], interval_ns: int, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Return sessions (open_ns, close_ns, day) between the first and the last close, UNIX nanoseconds.

    Memory is one flag per slice: 35 kB a year.

    Args:
        batches: All bar closes, in any order.
        interval_ns: Length of a bar.
        start_ns: First close.
        end_ns: Last close.

    Raises:
        TooLittleData: below two weeks.

    """
    if end_ns - start_ns < LEAST_WEEKS * WEEK_NS:
        raise TooLittleData(
            "No calendar is known for this venue, and the data is too short to learn its hours: two weeks are needed."
        )
    slice_ns = max(SLICE_NS, interval_ns)
    if WEEK_NS % slice_ns:
        raise TooLittleData("No calendar is known for this venue, and bars of this length do not divide a week.")
    first = (start_ns - interval_ns - _FIRST_MONDAY_NS) // WEEK_NS
    last = (end_ns - interval_ns - _FIRST_MONDAY_NS) // WEEK_NS
    activity = _Activity(slice_ns, first, np.zeros((last - first + 1, WEEK_NS // slice_ns), np.bool_))
    for closes in batches:
        activity.add(closes, interval_ns)
    return _sessions(activity, start_ns - interval_ns, end_ns)


def _sessions(activity: _Activity, start_ns: int, end_ns: int) -> pl.DataFrame:
    weeks, slices = activity.active.shape
    starts = (activity.first_week + np.arange(weeks))[:, None] * WEEK_NS + np.arange(slices) * activity.slice_ns
    starts = starts + _FIRST_MONDAY_NS
    observed = (starts + activity.slice_ns > start_ns) & (starts < end_ns)
    seen, possible = _around(activity.active & observed), _around(observed)
    is_open = observed & ((2 * seen > possible) | (activity.active & (seen >= 2)))
    opens = starts[is_open]
    closes = opens + activity.slice_ns
    # Slices of one UTC day that touch are one session.
    begins = (
        np.append(True, (opens[1:] != closes[:-1]) | (opens[1:] % DAY_NS == 0)) if len(opens) else np.array([], bool)
    )
    ends = np.append(begins[1:], True) if len(opens) else begins
    return pl.DataFrame(
        {"open_ns": opens[begins], "close_ns": closes[ends], "day": (opens[begins] // DAY_NS).astype(np.int32)},
        schema_overrides={"open_ns": pl.Int64, "close_ns": pl.Int64},
    ).cast(SESSIONS_SCHEMA)


def _around(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count the flags of each slice in the weeks from two before to two after."""
    counted = np.cumsum(np.pad(flags.astype(np.int64), ((_REACH + 1, _REACH), (0, 0))), axis=0)
    return counted[2 * _REACH + 1 :] - counted[: -(2 * _REACH + 1)]
