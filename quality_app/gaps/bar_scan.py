"""From the summaries of a bar dataset's files and its calendar to its gaps. Pure: no Django."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from quality_app.calendars import ALWAYS, SessionCalendar
from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.bars import Placed, Wanted, find_bar_gaps
from quality_app.gaps.found import GapScan, Unscannable
from quality_app.gaps.grid import DAY_NS, Grid, NoGrid, bar_grid
from quality_app.gaps.hours import Hours
from quality_app.gaps.illiquidity import ALPHA
from quality_app.gaps.period_grid import period_grid
from quality_app.gaps.severities import Severities
from quality_app.gaps.stamping import Rhythm, Stamp, rhythm_of, stamp_of, usual_offset
from quality_app.learned_sessions import SLICE_NS, TooLittleData, learn_sessions
from quality_app.sessions import sessions

# Uninterrupted stretches of bars, of which each costs up to 350 bytes while it is judged.
MOST_STRETCHES: Final = 2_000_000
# Hours and grids are kept for whole spans of so many days, so that datasets of about the same range share them.
_SPAN_NS: Final = 64 * DAY_NS
# A bar that closes with its session belongs to it, and holidays may lie between.
_MARGIN_NS: Final = 5 * DAY_NS
_LONGEST_DAYS: Final = {"DAY": 1, "WEEK": 7, "MONTH": 31, "YEAR": 366}


def scan_bars(
    times: Sequence[BarTimes],
    step: BarStep,
    calendar: SessionCalendar,
    start_ns: int | None = None,
    end_ns: int | None = None,
    life: tuple[int | None, int | None] = (None, None),
    *,
    severities: Severities | None = None,
    alpha: float = ALPHA,
) -> GapScan:
    """Find the gaps of a bar dataset; all times are UNIX nanoseconds, as the data stamps its bars.

    Args:
        times: Summaries of all files, in any order; files may overlap.
        step: What a bar lasts.
        calendar: Trading hours.
        start_ns: Wanted range, where bars before the first one count as missing too.
        end_ns: Wanted range, where bars after the last one count as missing too.
        life: When the contract begins and ends to trade: outside, nothing is expected.
        severities: What is medium and high; without it, from 10 and 60 minutes.
        alpha: See quality_app.gaps.illiquidity.

    Raises:
        Unscannable: no expected closes can be told.

    """
    if not any(len(one.starts) for one in times):
        raise Unscannable("The dataset has no rows.")
    if sum(len(one.starts) for one in times) > MOST_STRETCHES:
        raise Unscannable(f"The bars are interrupted more than {MOST_STRETCHES:,} times, too often to judge each gap.")
    whole = BarTimes.union(times)
    wanted = Wanted(start_ns, end_ns, *life)
    first, last = int(whole.starts[0]), int(whole.lasts.max())
    first = first if start_ns is None else min(first, start_ns)
    last = last if end_ns is None else max(last, end_ns)
    place = _place_inside_days if step.inside_day else _place_periods
    try:
        placed = place(whole, step, calendar, first, last)
    except (NoGrid, TooLittleData) as error:
        raise Unscannable(str(error)) from error
    return find_bar_gaps(placed, wanted, severities or Severities(), alpha)


def _place_inside_days(times: BarTimes, _: BarStep, calendar: SessionCalendar, first: int, last: int) -> Placed:
    interval_ns, offset = times.stride_ns, usual_offset(times)
    level = times.moved(-offset)
    if calendar.learned:
        hours, stamp = _learned(level)
    else:
        hours = _known_hours(calendar, (first - _MARGIN_NS) // _SPAN_NS, (last + _MARGIN_NS) // _SPAN_NS)
        stamp = stamp_of(level, hours)
    moved = level.moved(interval_ns if stamp == "open" else 0)
    rhythm = rhythm_of(moved, hours)
    if calendar.learned:
        grid = bar_grid(hours, interval_ns, rhythm.anchor, rhythm.origin_ns)
    else:
        span = (first - _MARGIN_NS) // _SPAN_NS, (last + _MARGIN_NS) // _SPAN_NS
        grid = _known_grid(calendar, *span, interval_ns, rhythm)
    return Placed(moved, grid, -offset + (interval_ns if stamp == "open" else 0), {"stamp": stamp})


def _place_periods(times: BarTimes, step: BarStep, calendar: SessionCalendar, first: int, last: int) -> Placed:
    margin = _MARGIN_NS + step.count * _LONGEST_DAYS[step.unit] * DAY_NS
    stamps = np.concatenate(list(times.batches(times.stride_ns)))
    if calendar.learned and step == BarStep(1, "DAY"):
        hours = Hours.of(learn_sessions([stamps], DAY_NS, int(stamps.min()), int(stamps.max())))
    else:
        # Which days of longer periods are traded need not be known.
        known = SessionCalendar(ALWAYS, "") if calendar.learned else calendar
        hours = _known_hours(known, (first - margin) // _SPAN_NS, (last + margin) // _SPAN_NS)
    grid = period_grid(hours, step, stamps)
    side = "close" if grid.label in {"session close", "period end"} else "open"
    sided = grid.sided and not calendar.learned
    return Placed(times, grid, 0, {"stamp": side if sided else "unknown", "label": grid.label})


def _learned(times: BarTimes) -> tuple[Hours, Stamp]:
    """Hours by the data's own activity, and the stamp under which there are fewer of them."""

    def learn(by_ns: int) -> Hours:
        moved = times.moved(by_ns)
        ends = int(moved.starts[0]), int(moved.lasts.max())
        return Hours.of(learn_sessions(moved.batches(SLICE_NS), times.stride_ns, *ends))

    closed, opened = learn(0), learn(times.stride_ns)
    shorter = _open_time(opened) - _open_time(closed)
    return (opened, "open") if shorter < 0 else (closed, "close" if shorter else "unknown")


def _open_time(hours: Hours) -> int:
    return int((hours.closes - hours.opens).sum())


@lru_cache(maxsize=16)
def _known_hours(calendar: SessionCalendar, first_span: int, last_span: int) -> Hours:
    return Hours.of(sessions(calendar, first_span * _SPAN_NS, (last_span + 1) * _SPAN_NS))


@lru_cache(maxsize=16)
def _known_grid(calendar: SessionCalendar, first_span: int, last_span: int, interval_ns: int, rhythm: Rhythm) -> Grid:
    return bar_grid(_known_hours(calendar, first_span, last_span), interval_ns, rhythm.anchor, rhythm.origin_ns)
