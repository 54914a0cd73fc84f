"""When the demo's markets are open.

NYSE and CME come from pandas-market-calendars; FX is a week from Sunday 17:00 to Friday
17:00 in New York; crypto never closes. All times are UNIX nanoseconds, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

MINUTE_NS = 60_000_000_000
DAY_NS = 86_400_000_000_000
NEW_YORK = "America/New_York"

_EXCHANGE_CALENDARS = {
    "nyse": "XNYS",
    "cme_equity": "CME Globex Equity",
    "cme_fx": "CMEGlobex_FX",
    "cme_energy": "CMEGlobex_CL",
    "cme_metal": "CMEGlobex_GC",
}


@dataclass(frozen=True)
class Grid:
    """The open minutes of a calendar, by their opening times, and what precedes each of them."""

    opens: NDArray[np.int64]
    closed_before: NDArray[np.float64]  # hours without trading directly before the minute, else 0


def day_ns(day: date) -> int:
    """Return midnight UTC of a day."""
    return (day - date(1970, 1, 1)).days * DAY_NS


@cache
def open_grid(calendar: str, first: date, last: date) -> Grid:
    """Return the open minutes from the first day to the end of the last one (UTC days).

    Raises:
        KeyError: when the calendar is unknown.

    """
    start, end = day_ns(first), day_ns(last) + DAY_NS
    spans = ((max(opens, start), min(closes, end)) for opens, closes in _sessions(calendar, first, last))
    minutes = [np.arange(opens, closes, MINUTE_NS, dtype=np.int64) for opens, closes in spans if opens < closes]
    opens = np.concatenate(minutes) if minutes else np.empty(0, dtype=np.int64)
    steps = np.diff(opens, prepend=opens[:1] - MINUTE_NS) - MINUTE_NS
    return Grid(opens, steps / 3.6e12)


def _sessions(calendar: str, first: date, last: date) -> list[tuple[int, int]]:
    if calendar == "crypto":
        return [(day_ns(first), day_ns(last) + DAY_NS)]
    if calendar == "fx":
        return _fx_weeks(first, last)
    return exchange_sessions(_EXCHANGE_CALENDARS[calendar], first, last)


def _fx_weeks(first: date, last: date) -> list[tuple[int, int]]:
    sunday = first - timedelta(days=(first.weekday() + 1) % 7)
    weeks = []
    while sunday <= last:
        weeks.append((_new_york_evening(sunday), _new_york_evening(sunday + timedelta(days=5))))
        sunday += timedelta(days=7)
    return weeks


def _new_york_evening(day: date) -> int:
    moment = datetime.combine(day, time(17), tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    return int(moment.timestamp()) * 1_000_000_000


def exchange_sessions(name: str, first: date, last: date) -> list[tuple[int, int]]:
    """Return the opening and closing times of a pandas-market-calendars calendar's sessions."""
    import pandas_market_calendars  # takes seconds to load

    # A session that opens in the evening bears the next day's date.
    table = pandas_market_calendars.get_calendar(name).schedule(first, last + timedelta(days=1))
    opens, closes = (table[column].dt.as_unit("ns").astype("int64") for column in ("market_open", "market_close"))
    return list(zip(opens.tolist(), closes.tolist(), strict=True))


@cache
def us_holidays(first: date, last: date) -> frozenset[date]:
    """Return the weekdays on which the NYSE does not open."""
    opened = {_utc_day(opens) for opens, _ in exchange_sessions("XNYS", first, last)}
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return frozenset(day for day in days if day.weekday() < 5 and day not in opened)


def _utc_day(ns: int) -> date:
    return datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC).date()


def local_clock(opens: NDArray[np.int64], zone: str) -> pl.DataFrame:
    """Return each minute's wall clock in a zone: columns minute (of the day), weekday (1 Monday) and date."""
    local = pl.col("opens").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    return pl.DataFrame({"opens": opens}).select(
        minute=local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute(),
        weekday=local.dt.weekday(),
        date=local.dt.date(),
    )
