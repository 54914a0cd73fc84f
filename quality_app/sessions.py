"""Trading sessions as half-open intervals in UNIX nanoseconds. Pure: no Django.

Exchange hours, holidays, early closes and breaks come from pandas-market-calendars; the FX week is New York 17:00 on
Sunday to 17:00 on Friday; crypto never closes. Hours that no calendar covers are learned from the data
(quality_app.learned_sessions).
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas_market_calendars as market_calendars
import polars as pl

from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar

DAY_NS: Final = 86_400_000_000_000
NEW_YORK: Final = ZoneInfo("America/New_York")
SESSIONS_SCHEMA: Final = pl.Schema({"open_ns": pl.Int64, "close_ns": pl.Int64, "day": pl.Date})


def sessions(calendar: SessionCalendar, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Return the trading intervals [open_ns, close_ns) that intersect [start_ns, end_ns], with their session day.

    Times are UNIX nanoseconds, UTC. Intervals do not overlap and are in order; breaks split a day's session into
    several with the same `day`. Raises ValueError for a learned calendar: its sessions come from the data.
    """
    if calendar.learned:
        raise ValueError("A learned calendar has no hours of its own: use learn_sessions with the data.")
    if end_ns < start_ns:
        return pl.DataFrame(schema=SESSIONS_SCHEMA)
    # A session may belong to a day of the next year or, over holidays, start days before.
    first, last = _date(start_ns - 4 * DAY_NS).year, _date(end_ns + 4 * DAY_NS).year
    frames = [_year(calendar.name, year) for year in range(first, last + 1)]
    return pl.concat(frames).filter((pl.col("close_ns") > start_ns) & (pl.col("open_ns") <= end_ns))


@lru_cache(maxsize=64)
def zone_of(calendar: SessionCalendar) -> str:
    """Return the IANA time zone in which a calendar's hours are told; UTC for what never closes or is learned."""
    if calendar.name == FX_WEEK:
        return NEW_YORK.key
    if calendar.name == ALWAYS or calendar.learned:
        return "UTC"
    return str(market_calendars.get_calendar(calendar.name).tz)


@lru_cache(maxsize=512)
def _year(name: str, year: int) -> pl.DataFrame:
    """Sessions whose day lies in a year."""
    if name == ALWAYS:
        return _always(year)
    if name == FX_WEEK:
        return _fx_week(year)
    return _exchange(name, year)


def _always(year: int) -> pl.DataFrame:
    days = pl.date_range(date(year, 1, 1), date(year, 12, 31), eager=True)
    opens = days.cast(pl.Int32).cast(pl.Int64) * DAY_NS
    return pl.DataFrame({"open_ns": opens, "close_ns": opens + DAY_NS, "day": days})


def _fx_week(year: int) -> pl.DataFrame:
    """One session per weekday, from 17:00 of the day before; Christmas and New Year's Day are closed."""
    days = [date(year, 1, 1) + timedelta(n) for n in range(366)]
    trading = [d for d in days if d.year == year and d.weekday() < 5 and (d.month, d.day) not in {(1, 1), (12, 25)}]
    return pl.DataFrame(
        {
            "open_ns": [_new_york_five(d - timedelta(1)) for d in trading],
            "close_ns": [_new_york_five(d) for d in trading],
            "day": trading,
        },
        schema=SESSIONS_SCHEMA,
    )


def _new_york_five(day: date) -> int:
    """17:00 in New York as UNIX nanoseconds."""
    return int(datetime(day.year, day.month, day.day, 17, tzinfo=NEW_YORK).timestamp()) * 1_000_000_000


def _exchange(name: str, year: int) -> pl.DataFrame:
    schedule = market_calendars.get_calendar(name).schedule(f"{year}-01-01", f"{year}-12-31")
    if schedule.empty:
        return pl.DataFrame(schema=SESSIONS_SCHEMA)

    def ns(column: str) -> npt.NDArray[np.int64]:
        # pandas 3 keeps microseconds unless told otherwise.
        return np.asarray(schedule[column].dt.as_unit("ns").astype("int64"), np.int64)

    days = pl.Series("day", [stamp.date() for stamp in schedule.index], dtype=pl.Date)
    opens, closes = ns("market_open"), ns("market_close")
    if "break_start" not in schedule:
        parts = [pl.DataFrame({"open_ns": opens, "close_ns": closes, "day": days})]
    else:
        # The library also marks breaks of no length where an exchange dropped its break.
        has_break = (schedule["break_start"] < schedule["break_end"]).to_numpy()
        starts, ends = np.where(has_break, ns("break_start"), closes), np.where(has_break, ns("break_end"), closes)
        parts = [
            pl.DataFrame({"open_ns": opens, "close_ns": np.minimum(starts, closes), "day": days}),
            pl.DataFrame({"open_ns": np.maximum(ends, opens), "close_ns": closes, "day": days}),
        ]
    return pl.concat(parts).filter(pl.col("open_ns") < pl.col("close_ns")).sort("open_ns")


def _date(ns: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)).date()
