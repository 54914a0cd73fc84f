"""The open UTC hours of a range, and which hour of the week each is. Pure: no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.seasons import hour_of_week
from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.grid import HOUR_NS, Int64s

WEEK_HOURS: Final = 168


@dataclass(frozen=True, slots=True)
class OpenHours:
    """The UTC hours of a range that are open, wholly or in part, in order.

    Attributes:
        clock: Time while the market is open.
        hours: UTC hours since 1970.
        edges: Open nanoseconds until the start of each, and until the end of the last.
        week: The hour of the week of each, 0 to 167, in the market's zone.

    """

    clock: TradingTime
    hours: Int64s
    edges: Int64s
    week: Int64s

    @classmethod
    def between(cls, clock: TradingTime, start_ns: int, end_ns: int, zone: str) -> OpenHours:
        """Return the open hours that a range (UNIX ns) touches."""
        hours = np.arange(start_ns // HOUR_NS, end_ns // HOUR_NS + 1)
        edges = clock.open_ns(np.append(hours, hours[-1] + 1) * HOUR_NS)
        is_open = edges[1:] > edges[:-1]
        hours = hours[is_open]
        edges = np.append(edges[:-1][is_open], edges[-1])
        week = hour_of_week(pl.Series(hours * HOUR_NS), zone).to_numpy().astype(np.int64)
        return cls(clock, hours, edges, week)

    def at(self, hours: Int64s) -> Int64s:
        """Return the places of the last open hours that are not after UTC hours."""
        return np.asarray(np.maximum(np.searchsorted(self.hours, hours, side="right") - 1, 0))

    def contain(self, hours: Int64s) -> npt.NDArray[np.bool_]:
        """Tell which UTC hours are open."""
        return np.asarray(self.hours[self.at(hours)] == hours) if len(self.hours) else np.zeros(len(hours), np.bool_)

    def open_between(self, start: Int64s, end: Int64s) -> npt.NDArray[np.float64]:
        """Return the open nanoseconds between times (UNIX ns)."""
        return np.asarray((self.clock.open_ns(end) - self.clock.open_ns(start)).astype(np.float64))
