"""Data that holes are put into: times of rows, when rows are expected, and where files meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.calendars import SessionCalendar
from quality_app.sessions import DAY_NS, sessions, zone_of

Int64s = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MINUTE_NS: Final = 60_000_000_000
HOUR_NS: Final = 60 * MINUTE_NS
# Its clocks tell the FX week, and when most exchanges of the world see others change.
NEW_YORK: Final = "America/New_York"
# Share of the bars of an hour of the week that is there where trading is called liquid.
LIQUID: Final = 0.99


@dataclass(frozen=True, slots=True)
class Clock:
    """How many expected waits have passed by a time (UNIX ns), counted from the first: both ascend."""

    times: Int64s
    waits: npt.NDArray[np.float64]

    def at(self, times: Int64s | int) -> npt.NDArray[np.float64]:
        """Return the expected waits that have passed by times."""
        return np.interp(np.asarray(times, np.float64), self.times, self.waits)

    def when(self, waits: float) -> int:
        """Return when so many expected waits have passed."""
        return int(np.interp(waits, self.waits, self.times))


@dataclass(frozen=True)
class Series:
    """One dataset: times of its rows in order (bars: closes), UNIX ns, and the hours that it trades.

    minutes: of a bar, 0 for ticks, which have a clock. cuts: first times of its files, besides the first file. real:
    nobody made it up.
    """

    name: str
    data_type: str
    times: Int64s
    calendar: SessionCalendar
    real: bool
    minutes: int = 0
    clock: Clock | None = None
    cuts: Int64s = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def step_ns(self) -> int:
        """Length of a bar; 0 for ticks."""
        return self.minutes * MINUTE_NS

    @property
    def zone(self) -> str:
        """IANA time zone of its hours."""
        return zone_of(self.calendar)

    @cached_property
    def hours(self) -> pl.DataFrame:
        """Sessions around its rows."""
        return sessions(self.calendar, int(self.times[0]) - DAY_NS, int(self.times[-1]) + DAY_NS)

    @cached_property
    def stretches(self) -> tuple[Int64s, Int64s]:
        """Opens and closes of uninterrupted trading: sessions that touch are one."""
        opens, closes = self.hours["open_ns"].to_numpy(), self.hours["close_ns"].to_numpy()
        begins = np.append(True, opens[1:] != closes[:-1])
        return opens[begins], closes[np.append(begins[1:], True)]

    def files(self, times: Int64s) -> Iterator[Int64s]:
        """Split rows as its files do; files without rows do not exist."""
        for part in np.split(times, np.searchsorted(times, self.cuts)):
            if len(part):
                yield part


def expected_closes(series: Series) -> Int64s:
    """Every close that sessions expect from the first to the last bar, listed one by one."""
    step = series.step_ns
    hours = zip(series.hours["open_ns"], series.hours["close_ns"], strict=True)
    closes = np.concatenate([np.arange(opens + step, closes + 1, step) for opens, closes in hours])
    within: Int64s = closes[(closes >= series.times[0]) & (closes <= series.times[-1])]
    return within


def liquid_closes(series: Series, closes: Int64s, present: Flags) -> Flags:
    """Which expected closes lie in hours of the week in which next to no bar is missing."""
    hour = hour_of_week(closes - 1, series.zone)
    share = np.bincount(hour, present, 168) / np.maximum(np.bincount(hour, minlength=168), 1)
    return share[hour] >= LIQUID


def hour_of_week(times: Int64s, zone: str) -> Int64s:
    """Hours since Monday 00:00 on the wall clock of a zone."""
    local = pl.Series(times).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone).dt
    return ((local.weekday().cast(pl.Int64) - 1) * 24 + local.hour().cast(pl.Int64)).to_numpy()


def clock_changes(zone: str, start_ns: int, end_ns: int) -> Int64s:
    """Times, to the hour, at which a zone's clocks are set within a range."""
    hours = np.arange(start_ns // HOUR_NS * HOUR_NS, end_ns, HOUR_NS)
    local = pl.Series(hours).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone).dt
    offset = (local.base_utc_offset() + local.dst_offset()).cast(pl.Int64).to_numpy()
    changes: Int64s = hours[1:][offset[1:] != offset[:-1]]
    return changes
