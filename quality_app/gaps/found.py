"""What a scan for gaps found, of any kind of data. Pure: no Django."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal

import polars as pl

Unit = Literal["bars", "seconds", "rows"]
Cause = Literal["halt", "outage", "illiquid", "unexplained"]

# Data types in which something can be missing; the others come when something happens.
SCANNED: Final = ("bar", "quote", "trade", "delta", "depth10", "mark_price", "index_price", "funding_rate")
# Bars: first and last missing close. Ticks: the last row before the hole, the first one after it.
# `missing` in units; `lost_ns` is the trading time that the hole covers.
GAPS: Final = pl.Schema(
    {
        "start_ns": pl.Int64,
        "end_ns": pl.Int64,
        "missing": pl.Int64,
        "lost_ns": pl.Int64,
        "unit": pl.String,
        "cause": pl.String,
        "severity": pl.String,
    }
)
# Units that each session day expects; days without any are left out.
DAYS: Final = pl.Schema({"day": pl.Date, "expected": pl.Int64})
# How the missing units of each gap (by its row in `gaps`, from 0) spread over session days.
BY_DAY: Final = pl.Schema({"gap": pl.Int64, "day": pl.Date, "missing": pl.Int64})


class Unscannable(Exception):
    """Why completeness is unknown; the message is for people."""


@dataclass(frozen=True, slots=True)
class GapScan:
    """What is missing between the first and the last row, or in the wanted range.

    Attributes:
        unit: What is counted: bars, or seconds of trading for rows that come when they come.
        expected: Units that sessions expect.
        missing: Of these, how many are not there.
        illiquid: Of the missing, how many are explained by quiet trading.
        outside: Rows that no session expects; information, not an error.
        gaps: Schema GAPS, in order of their start.
        days: Schema DAYS, in order; sums up to `expected`.
        by_day: Schema BY_DAY, by gap and day; sums up to each gap's `missing`. Gaps of the unit rows have none.
        facts: What people should know of how it was found, as JSON: anchor, stamp, alpha, thresholds.
        covers: Whether something is expected from one time to another (UNIX ns) within the range that was scanned.

    """

    unit: Unit
    expected: int
    missing: int
    illiquid: int
    outside: int
    gaps: pl.DataFrame
    days: pl.DataFrame
    by_day: pl.DataFrame
    covers: Callable[[int, int], bool]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def present(self) -> int:
        """Units that are there."""
        return self.expected - self.missing

    @property
    def completeness(self) -> Fraction | None:
        """1 - missing / expected, illiquid units not counted as missing; None when nothing was expected."""
        return 1 - Fraction(self.missing - self.illiquid, self.expected) if self.expected else None
