"""Missing bars inside trading sessions. Pure: no Django.

Bars are known by their close. Expected closes come from a grid over the sessions (quality_app.gaps.grid); a gap is a
maximal run of expected closes without a bar. Memory is bounded by the number of gaps and of session hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.found import BY_DAY, DAYS, GAPS, GapScan
from quality_app.gaps.grid import Grid, Int64s
from quality_app.gaps.illiquidity import Flags, Judged, Runs, classify
from quality_app.gaps.presence import Presence, find_present
from quality_app.gaps.severities import Severities


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be there, UNIX nanoseconds: stamps of the first and last bar; when the contract trades."""

    start_ns: int | None = None
    end_ns: int | None = None
    life_start_ns: int | None = None
    life_end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """Bars and the grid that they are held against; closes of the grid are stamps of the data and `shift_ns`."""

    times: BarTimes
    grid: Grid
    shift_ns: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Range:
    """The range that is scanned, in numbers of the grid; empty when `last` is below `first`."""

    first: int
    last: int


def find_bar_gaps(placed: Placed, wanted: Wanted, severities: Severities, alpha: float) -> GapScan:
    """Find the runs of expected closes that have no bar.

    Args:
        placed: The data and its grid, whose sessions cover the data and the wanted range.
        wanted: Without ends, the scan reaches from the first to the last bar.
        severities: From what length gaps are medium and high.
        alpha: See quality_app.gaps.illiquidity.

    """
    grid = placed.grid
    found = find_present(placed.times, grid)
    low, high = grid.alive(wanted.life_start_ns, wanted.life_end_ns)
    living = _within(found, low, high)
    outside = found.outside + _bars(found) - _bars(living)
    scope = _range(living, grid, placed.shift_ns, wanted, low, high)
    runs = _left_out(_within(living, scope.first, scope.last), scope)
    judged = classify(runs, grid, scope.first, scope.last, alpha)
    gaps = _gaps(judged, placed, severities)
    quiet = gaps["cause"] == "illiquid"
    return GapScan(
        unit="bars",
        expected=max(scope.last - scope.first + 1, 0),
        missing=int(gaps["missing"].sum()),
        illiquid=int(gaps["missing"].filter(quiet).sum()),
        outside=outside,
        gaps=gaps,
        days=_days(grid, scope),
        by_day=_by_day(judged, grid),
        covers=lambda start_ns, end_ns: _covers(placed, scope, start_ns, end_ns),
        facts={
            "anchor": grid.anchor,
            **placed.facts,
            "alpha": alpha,
            "severities": {"mediumNs": severities.medium_ns, "highNs": severities.high_ns},
        },
    )


def _range(living: Presence, grid: Grid, shift_ns: int, wanted: Wanted, low: int, high: int) -> _Range:
    """The wanted range inside the contract's life; without an end, the first or last bar is it."""
    has_bars = len(living.first) > 0
    if wanted.start_ns is not None:
        low = max(low, grid.first_at_or_after(wanted.start_ns + shift_ns))
    elif has_bars:
        low = int(living.first[0])
    if wanted.end_ns is not None:
        high = min(high, grid.first_at_or_after(wanted.end_ns + shift_ns + 1) - 1)
    elif has_bars:
        high = int(living.last[-1])
    is_told = has_bars or (wanted.start_ns is not None and wanted.end_ns is not None)
    return _Range(low, high) if is_told else _Range(0, -1)


def _within(found: Presence, low: int, high: int) -> Presence:
    """The part of the runs from one number to another."""
    meets = (found.last >= low) & (found.first <= high)
    return Presence(np.maximum(found.first[meets], low), np.minimum(found.last[meets], high), found.outside)


def _bars(found: Presence) -> int:
    return int((found.last - found.first + 1).sum())


def _left_out(present: Presence, scope: _Range) -> Runs:
    """Runs between the present ones, and at both ends of the range."""
    start = np.append(scope.first, present.last + 1)
    end = np.append(present.first - 1, scope.last)
    some = start <= end
    return Runs(start[some], end[some])


def _covers(placed: Placed, scope: _Range, start_ns: int, end_ns: int) -> bool:
    """Whether a bar with a stamp from start_ns to end_ns is expected, within the range that was scanned."""
    grid = placed.grid
    index = max(grid.first_at_or_after(start_ns + placed.shift_ns), scope.first)
    return index <= scope.last and int(grid.close_of(np.array([index]))[0]) <= end_ns + placed.shift_ns


def _gaps(judged: Judged, placed: Placed, severities: Severities) -> pl.DataFrame:
    runs, grid = judged.gaps, placed.grid
    if not len(runs.start):
        return pl.DataFrame(schema=GAPS)
    quiet, lost = pl.col("quiet"), pl.col("lost_ns")
    is_high = pl.col("whole") | (lost >= severities.high_ns)
    level = pl.when(is_high).then(pl.lit("high")).when(lost >= severities.medium_ns).then(pl.lit("medium"))
    columns = {
        "start_ns": grid.close_of(runs.start) - placed.shift_ns,
        "end_ns": grid.close_of(runs.end) - placed.shift_ns,
        "missing": runs.end - runs.start + 1,
        "lost_ns": grid.traded(runs.start, runs.end),
        "quiet": judged.quiet,
        "whole": _whole_session(runs, grid),
    }
    return pl.DataFrame(columns).select(
        "start_ns",
        "end_ns",
        "missing",
        "lost_ns",
        pl.lit("bars").alias("unit"),
        pl.when(quiet).then(pl.lit("illiquid")).otherwise(pl.lit("unexplained")).alias("cause"),
        pl.when(quiet).then(pl.lit("low")).otherwise(level.otherwise(pl.lit("low"))).alias("severity"),
    )


def _whole_session(runs: Runs, grid: Grid) -> Flags:
    """Whether a run covers every close of a session day."""
    starts_day = np.append(True, grid.day[1:] != grid.day[:-1])
    day_start = grid.before[starts_day]
    day_end = np.append(day_start[1:], grid.total) - 1
    first = np.searchsorted(day_start, runs.start, side="left")
    known = np.minimum(first, len(day_start) - 1)
    return (first < len(day_start)) & (day_end[known] <= runs.end)


def _days(grid: Grid, scope: _Range) -> pl.DataFrame:
    inside = np.minimum(grid.ends(), scope.last + 1) - np.maximum(grid.before, scope.first)
    some = inside > 0
    day = grid.day[some]
    begins, expected = _by(inside[some], day)
    return pl.DataFrame({"day": grid.dates[day[begins]].astype(np.int32), "expected": expected}).cast(DAYS)


def _by_day(judged: Judged, grid: Grid) -> pl.DataFrame:
    day = grid.day[judged.segment]
    begins, missing = _by(judged.missing, judged.gap, day)
    dates = grid.dates[day[begins]].astype(np.int32)
    return pl.DataFrame({"gap": judged.gap[begins], "day": dates, "missing": missing}).cast(BY_DAY)


def _by(amounts: Int64s, *keys: Int64s) -> tuple[Int64s, Int64s]:
    """Where keys differ from those before, and the sums from there on."""
    if not len(amounts):
        return amounts, amounts
    begins = np.flatnonzero(np.any([np.append(True, key[1:] != key[:-1]) for key in keys], axis=0))
    return begins, np.add.reduceat(amounts, begins)
