"""What a scan for gaps found, of any kind of data. Pure: no Django."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal

import polars as pl

Unit = Literal["bars", "seconds", "rows"]
Cause = Literal["halt", "outage", "illiquid", "unexplained"]

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
# By session day: units that were expected, of these missing, of these explained by quiet trading.
DAYS: Final = pl.Schema({"day": pl.Date, "expected": pl.Int64, "missing": pl.Int64, "illiquid": pl.Int64})


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
        days: Schema DAYS; sums up to `expected`, `missing` and `illiquid`.
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
