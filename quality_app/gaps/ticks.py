"""Holes in data that comes when it comes: quotes, trades, books, prices, rates. Pure: no Django.

A hole is a wait between two rows, in open time, that is too long for what is usual at that time of the week
(quality_app.gaps.waits: how that is learned and what is too long), at least LEAST_NS, and among the longest of the
UTC hour in which it starts where it is below two minutes (quality_app.gaps.tick_times: LONG_NS, LONGEST). A wait
that is not too long, but above the minimum of its data type and ILLIQUID_WAITS expected waits, is told as *illiquid*.
Where too little is known to say what is usual, every wait above the minimum is *unexplained*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from quality_app.calendars import SessionCalendar
from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.found import GAPS, GapScan, Unscannable
from quality_app.gaps.grid import DAY_NS, HOUR_NS, Int64s
from quality_app.gaps.open_hours import OpenHours
from quality_app.gaps.severities import MINUTE_NS, Severities
from quality_app.gaps.tick_days import SECOND_NS, OpenDays
from quality_app.gaps.tick_hours import learned_hours
from quality_app.gaps.tick_times import TickTimes, joined
from quality_app.gaps.waits import FALSE_SHARE, Flags, Usual, usual
from quality_app.sessions import sessions, zone_of

LEAST_NS: Final = SECOND_NS
# Expected waits from which on a wait that is not improbable is worth telling.
ILLIQUID_WAITS: Final = 4.0
# What is a hole where the rate is unknown, and what is told as illiquid where it is known.
MINIMUM_NS: Final = {
    "quote": 2 * MINUTE_NS,
    "delta": 2 * MINUTE_NS,
    "depth10": 2 * MINUTE_NS,
    "mark_price": 2 * MINUTE_NS,
    "index_price": 2 * MINUTE_NS,
    "trade": 60 * MINUTE_NS,
    "funding_rate": 24 * HOUR_NS,
}
_REASONS: Final = {
    "status": "A status comes when it changes, so none is expected at a given time.",
    "close": "Closes come once a session or on expiry, so they are not scanned for gaps.",
    "bar": "Bars are scanned by their expected closes.",
}


@dataclass(frozen=True, slots=True)
class _Waits:
    """Waits that are told, and which of them are illiquid."""

    start: Int64s
    end: Int64s
    illiquid: Flags


def scan_ticks(
    times: Sequence[TickTimes],
    data_type: str,
    calendar: SessionCalendar,
    start_ns: int | None = None,
    end_ns: int | None = None,
    life: tuple[int | None, int | None] = (None, None),
    severities: Severities | None = None,
) -> GapScan:
    """Find the holes of a dataset from the summaries of its files.

    Args:
        times: Summaries, in any order.
        data_type: What the rows are: quote, trade, delta, depth10, mark_price, index_price, funding_rate.
        calendar: Trading hours; learned ones come from the hours that have rows.
        start_ns: Wanted range, UNIX ns: time before the first row counts too.
        end_ns: Wanted range, UNIX ns: time after the last row counts too.
        life: When the instrument begins and ends to trade, UNIX ns, where known: nothing is expected outside.
        severities: What is medium and high.

    Raises:
        Unscannable: nothing is expected at a given time, there are no rows, or its hours cannot be told.

    """
    if data_type not in MINIMUM_NS:
        raise Unscannable(_REASONS.get(data_type, "Data of this kind is not scanned for gaps."))
    whole = joined(times)
    if not whole.rows:
        raise Unscannable("The dataset has no rows.")
    low = max(whole.first_ns if start_ns is None else start_ns, life[0] if life[0] is not None else -(2**63))
    high = min(whole.last_ns if end_ns is None else end_ns, life[1] if life[1] is not None else 2**63 - 1)
    hours = _sessions(whole, calendar, min(low, whole.first_ns), max(high, whole.last_ns))
    clock = TradingTime(hours)
    open_hours = OpenHours.between(clock, min(low, whole.first_ns), max(high, whole.last_ns), zone_of(calendar))
    known = usual(whole, open_hours)
    waits = _told(_within(whole, low, high), clock, known, MINIMUM_NS[data_type])
    days = OpenDays.between(hours, clock, low, high)
    gaps = _gaps(waits, days, severities or Severities())
    expected = days.expected()

    def covers(from_ns: int, to_ns: int) -> bool:
        ends = clock.open_ns(np.array([max(from_ns, low), min(to_ns, high)]))
        return bool(ends[1] > ends[0])

    return GapScan(
        unit="seconds",
        expected=int(expected["expected"].sum()),
        missing=int(gaps["missing"].sum()),
        illiquid=int(gaps.filter(pl.col("cause") == "illiquid")["missing"].sum()),
        outside=int(whole.counts[~open_hours.contain(whole.hours)].sum()),
        gaps=gaps,
        days=expected,
        by_day=days.missing(waits.start, waits.end),
        covers=covers,
        facts=_facts(known, calendar, data_type, whole),
    )


def _sessions(times: TickTimes, calendar: SessionCalendar, low: int, high: int) -> pl.DataFrame:
    if calendar.learned:
        return learned_hours(times)
    return sessions(calendar, low - DAY_NS, max(high, low) + DAY_NS)


def _within(times: TickTimes, low: int, high: int) -> tuple[Int64s, Int64s]:
    """Return the waits of a range, with those at its ends."""
    start = np.concatenate([[min(low, times.first_ns)], times.wait_start, [times.last_ns]])
    end = np.concatenate([[times.first_ns], times.wait_end, [max(high, times.last_ns)]])
    start, end = np.maximum(start, low), np.minimum(end, high)
    return start[end > start], end[end > start]


def _told(waits: tuple[Int64s, Int64s], clock: TradingTime, known: Usual | None, minimum_ns: int) -> _Waits:
    start, end = waits
    lost = clock.open_ns(end) - clock.open_ns(start)
    candidate = lost >= LEAST_NS
    start, end, lost = start[candidate], end[candidate], lost[candidate]
    if known is None:
        told = lost >= minimum_ns
        return _Waits(start[told], end[told], np.zeros(int(told.sum()), np.bool_))
    hole = known.improbable(start, end)
    told = hole | ((lost >= minimum_ns) & (known.length(start, end) >= ILLIQUID_WAITS))
    return _Waits(start[told], end[told], ~hole[told])


def _gaps(waits: _Waits, days: OpenDays, severities: Severities) -> pl.DataFrame:
    lost = days.clock.open_ns(waits.end) - days.clock.open_ns(waits.start)
    severity = np.where(days.whole(waits.start, waits.end), "high", severities.of(lost))
    return pl.DataFrame(
        {
            "start_ns": waits.start,
            "end_ns": waits.end,
            "missing": days.seconds(waits.start, waits.end),
            "lost_ns": lost,
            "unit": ["seconds"] * len(lost),
            "cause": np.where(waits.illiquid, "illiquid", "unexplained"),
            "severity": np.where(waits.illiquid, "low", severity),
        },
        schema=GAPS,
    )


def _facts(known: Usual | None, calendar: SessionCalendar, data_type: str, times: TickTimes) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "hours": calendar.label,
        "hoursLearned": calendar.learned,
        "rows": times.rows,
        "disorderedRows": times.disordered,
        "minimumSeconds": MINIMUM_NS[data_type] // SECOND_NS,
        "rateKnown": known is not None,
    }
    if known is not None:
        low, middle, high = (float(value) / SECOND_NS for value in np.quantile(known.expected, [0, 0.5, 1]))
        facts["expectedWaitSeconds"] = {"least": low, "median": middle, "greatest": high}
        facts["tail"] = {"level": known.level, "scale": known.scale, "falseShare": FALSE_SHARE}
    return facts
