"""Missing bars inside trading sessions. Pure: no Django.

Bars are known by their close. Expected closes come from a grid over the sessions (quality_app.gaps.grid); a gap is a
maximal run of expected closes without a bar. Memory is bounded by the number of gaps and of session hours.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.gaps.grid import Grid, Int64s
from quality_app.gaps.illiquidity import Runs, classify
from quality_app.gaps.presence import find_present

MINUTE_NS: Final = 60_000_000_000
GAPS_SCHEMA: Final = pl.Schema(
    {"start_ns": pl.Int64, "end_ns": pl.Int64, "missing": pl.Int64, "cause": pl.String, "severity": pl.String}
)


class Disordered(Exception):
    """Closes decrease, so they must be sorted before they are scanned."""


@dataclass(frozen=True, slots=True)
class GapScan:
    """What is missing between the first and the last bar, or in the wanted range.

    Attributes:
        expected: Closes that sessions expect.
        present: Of these, how many are there.
        missing: Of these, how many are not; `expected - present`.
        illiquid: Of the missing, how many are explained by quiet trading.
        outside: Rows that belong to no expected close; information, not an error.
        gaps: start_ns (first missing close), end_ns (last missing close), missing, cause, severity.
        grid: What the closes were held against.
        first, last: The range that was scanned, in numbers of the grid; empty when `last` is below `first`.

    """

    expected: int
    present: int
    missing: int
    illiquid: int
    outside: int
    gaps: pl.DataFrame
    grid: Grid
    first: int
    last: int

    @property
    def completeness(self) -> Fraction | None:
        """1 - missing / expected, illiquid bars not counted as missing; None when nothing was expected."""
        return 1 - Fraction(self.missing - self.illiquid, self.expected) if self.expected else None

    def covers(self, start_ns: int, end_ns: int) -> bool:
        """Whether a close is expected from start_ns to end_ns, within the range that was scanned."""
        index = max(self.grid.first_at_or_after(start_ns), self.first)
        return index <= self.last and int(self.grid.close_of(np.array([index]))[0]) <= end_ns


class _Walk:
    """Follows sorted closes along the grid and collects the runs that they leave out."""

    def __init__(self, grid: Grid, low: int | None, high: int | None) -> None:
        self.grid = grid
        self.low, self.high = low, high
        self.previous = None if low is None else low - 1
        self.last_ts: int | None = None
        self.outside = self.present = 0
        self._starts: list[Int64s] = []
        self._ends: list[Int64s] = []

    def feed(self, ts: Int64s) -> None:
        """Take the next closes; raises Disordered."""
        if not len(ts):
            return
        if (self.last_ts is not None and ts[0] < self.last_ts) or np.any(ts[1:] < ts[:-1]):
            raise Disordered
        self.last_ts = int(ts[-1])
        found = find_present(ts, self.grid)
        self.outside += found.outside
        first = np.maximum(found.first, self.low or 0)
        last = np.minimum(found.last, self.grid.total if self.high is None else self.high)
        wanted = first <= last
        first, last = first[wanted], last[wanted]
        if not len(first):
            return
        if self.previous is None:
            self.low = int(first[0])
            self.previous = self.low - 1
        # What was reached before counts once.
        reached = np.maximum.accumulate(np.append(self.previous, last))
        before, first = reached[:-1], np.maximum(first, reached[:-1] + 1)
        self._collect(before, first)
        self.present += int(np.maximum(last - first + 1, 0).sum())
        self.previous = int(reached[-1])

    def finish(self) -> Runs:
        """Close the range and return the runs that were left out."""
        if self.previous is not None and self.high is not None:
            self._collect(np.array([self.previous]), np.array([self.high + 1]))
        nothing = np.array([], np.int64)
        return Runs(np.concatenate([nothing, *self._starts]), np.concatenate([nothing, *self._ends]))

    def _collect(self, before: Int64s, after: Int64s) -> None:
        """Note the closes between a present one and the next."""
        left_out = after - before > 1
        self._starts.append(before[left_out] + 1)
        self._ends.append(after[left_out] - 1)


def find_bar_gaps(
    batches: Iterable[Int64s], grid: Grid, start_ns: int | None = None, end_ns: int | None = None
) -> GapScan:
    """Find the runs of expected closes that have no bar.

    Args:
        batches: Bar closes, UNIX nanoseconds, in increasing order over all batches; repeats count once.
        grid: Expected closes, over sessions that cover the data and the wanted range.
        start_ns: Wanted range; without it, the scan begins with the first bar.
        end_ns: Wanted range; without it, the scan ends with the last bar.

    Raises:
        Disordered: closes decrease.

    """
    low = None if start_ns is None else grid.first_at_or_after(start_ns)
    high = None if end_ns is None else grid.first_at_or_after(end_ns + 1) - 1
    walk = _Walk(grid, low, high)
    for batch in batches:
        walk.feed(batch)
    runs = walk.finish()
    first = walk.low if walk.low is not None else 0
    last = walk.high if walk.high is not None else (walk.previous if walk.previous is not None else -1)
    expected = max(last - first + 1, 0) if walk.previous is not None else 0
    pieces, quiet = classify(runs, grid, first, last)
    gaps = _gaps(pieces, quiet, grid)
    illiquid = int(gaps.filter(pl.col("cause") == "illiquid")["missing"].sum())
    return GapScan(expected, walk.present, expected - walk.present, illiquid, walk.outside, gaps, grid, first, last)


def _gaps(runs: Runs, quiet: npt.NDArray[np.bool_], grid: Grid) -> pl.DataFrame:
    if not len(runs.start):
        return pl.DataFrame(schema=GAPS_SCHEMA)
    missing = runs.end - runs.start + 1
    lost_ns = missing * grid.interval_ns
    severity = np.where(lost_ns >= 10 * MINUTE_NS, "medium", "low")
    severity = np.where((lost_ns >= 60 * MINUTE_NS) | _whole_session(runs, grid), "high", severity)
    return pl.DataFrame(
        {
            "start_ns": grid.close_of(runs.start),
            "end_ns": grid.close_of(runs.end),
            "missing": missing,
            "cause": np.where(quiet, "illiquid", "unexplained"),
            "severity": np.where(quiet, "low", severity),
        },
        schema=GAPS_SCHEMA,
    )


def _whole_session(runs: Runs, grid: Grid) -> npt.NDArray[np.bool_]:
    """Whether a run covers every close of a session day."""
    starts_day = np.append(True, grid.day[1:] != grid.day[:-1])
    day_start = grid.before[starts_day]
    day_end = np.append(day_start[1:], grid.total) - 1
    first = np.searchsorted(day_start, runs.start, side="left")
    known = np.minimum(first, len(day_start) - 1)
    return (first < len(day_start)) & (day_end[known] <= runs.end)
