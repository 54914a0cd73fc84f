"""Trading sessions as half-open intervals in UNIX nanoseconds. Pure: no Django.

Exchange hours, holidays, early closes and breaks come from pandas-market-calendars; the FX week is New York 17:00 on
Sunday to 17:00 on Friday; crypto never closes; people may define hours and change days (quality_app.custom_hours).
Hours that no calendar covers are learned from the data (quality_app.learned_sessions).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar
from quality_app.custom_hours import ChangedDay, CustomHours, Span, intervals, parse_spans
from quality_app.exchange_hours import exchange_sessions, exchange_zone, holidays

DAY_NS: Final = 86_400_000_000_000
NEW_YORK: Final = "America/New_York"
SESSIONS_SCHEMA: Final = pl.Schema({"open_ns": pl.Int64, "close_ns": pl.Int64, "day": pl.Date})
# Nanoseconds reach from 1677 to 2262; these years lie within them whole.
FIRST_YEAR: Final = 1678
LAST_YEAR: Final = 2261
# A year to ask whether sessions of a calendar begin on the evening before.
_USUAL_YEAR: Final = 2024
_FX_DAY: Final = parse_spans("17:00-17:00", evening=True)


def sessions(calendar: SessionCalendar, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Return the trading intervals [open_ns, close_ns) that intersect [start_ns, end_ns], with their session day.

    Times are UNIX nanoseconds, UTC. Intervals do not overlap and are in order; breaks split a day's session into
    several with the same `day`. Raises ValueError for a learned calendar: its sessions come from the data; and
    UnknownCalendar, a ValueError, for a name that gives no hours.
    """
    if calendar.learned:
        raise ValueError("A learned calendar has no hours of its own: use learn_sessions with the data.")
    if end_ns < start_ns:
        return pl.DataFrame(schema=SESSIONS_SCHEMA)
    found = _disjoint(calendar, *_years_around(start_ns, end_ns))
    first = int(np.searchsorted(found["close_ns"].to_numpy(), start_ns, "right"))
    return found.slice(first, max(0, int(np.searchsorted(found["open_ns"].to_numpy(), end_ns, "right")) - first))


def within_life(hours: pl.DataFrame, start_ns: int | None, end_ns: int | None) -> pl.DataFrame:
    """Clip sessions to a contract's life, from its activation until before its expiry, UNIX ns; None is unbounded."""
    first, stop = hours["open_ns"], hours["close_ns"]
    if start_ns is not None:
        first = first.clip(lower_bound=start_ns)
    if end_ns is not None:
        stop = stop.clip(upper_bound=end_ns)
    return hours.with_columns(first, stop).filter(pl.col("open_ns") < pl.col("close_ns"))


def check_changed(calendar: SessionCalendar) -> None:
    """Raise BadHours where hours of a changed day cannot be, UnknownCalendar where the calendar has none to change."""
    if calendar.changed:
        evening = begins_evening_before(calendar)
        for one in calendar.changed:
            parse_spans(one.hours, evening)


def overlapping_day(calendar: SessionCalendar) -> date | None:
    """Return the first changed day, or the day after one, whose hours begin before those before them end."""
    for one in calendar.changed:
        noon = int(datetime(one.day.year, one.day.month, one.day.day, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
        found = _years(calendar, *_years_around(noon, noon)).filter(
            pl.col("day").is_between(one.day - timedelta(days=2), one.day + timedelta(days=2))
        )
        wrong = found.filter(pl.col("open_ns") < _closed_before())["day"]
        if len(wrong):
            return date.fromisoformat(str(wrong[0]))
    return None


@lru_cache(maxsize=64)
def zone_of(calendar: SessionCalendar) -> str:
    """Return the IANA time zone in which a calendar's hours are told; UTC for what never closes or is learned."""
    if calendar.hours is not None:
        return calendar.hours.zone
    if calendar.name == FX_WEEK:
        return NEW_YORK
    if calendar.name == ALWAYS or calendar.learned:
        return "UTC"
    return exchange_zone(calendar.name)


@lru_cache(maxsize=64)
def begins_evening_before(calendar: SessionCalendar) -> bool:
    """Return whether sessions of a calendar begin on the evening before their day, as those of CME products do."""
    if calendar.hours is not None:
        return calendar.hours.evening
    if calendar.name == ALWAYS or calendar.learned:
        return False
    usual = _regular(calendar, _USUAL_YEAR).group_by("day").agg(pl.col("open_ns").min())
    opened = pl.from_epoch("open_ns", "ns").dt.replace_time_zone("UTC").dt.convert_time_zone(zone_of(calendar))
    return 2 * usual.filter(opened.dt.date() < pl.col("day")).height > usual.height


def _closed_before() -> pl.Expr:
    return pl.col("close_ns").cum_max().shift(1)


def _years_around(start_ns: int, end_ns: int) -> tuple[int, int]:
    """First and last year of which a session may touch a range."""
    # A session may belong to a day of the next year or, over holidays, start days before.
    first, last = (_date(ns).year for ns in (start_ns - 4 * DAY_NS, end_ns + 4 * DAY_NS))
    return max(first, FIRST_YEAR), min(last, LAST_YEAR)


@lru_cache(maxsize=256)
def _disjoint(calendar: SessionCalendar, first: int, last: int) -> pl.DataFrame:
    found = _years(calendar, first, last)
    if not calendar.changed:
        return found
    # Changed hours may reach into the sessions around them: what began first goes on.
    cut = found.with_columns(open_ns=pl.max_horizontal("open_ns", _closed_before()))
    return cut.filter(pl.col("open_ns") < pl.col("close_ns"))


def _years(calendar: SessionCalendar, first: int, last: int) -> pl.DataFrame:
    """Sessions of years, in order of their opening."""
    frames = [_year(calendar, year) for year in range(first, last + 1)]
    return pl.concat(frames).sort("open_ns") if frames else pl.DataFrame(schema=SESSIONS_SCHEMA)


@lru_cache(maxsize=2048)
def _year(calendar: SessionCalendar, year: int) -> pl.DataFrame:
    """Sessions whose day lies in a year, kept by the calendar's name and digest."""
    changed = [one for one in calendar.changed if one.day.year == year]
    regular = _regular(calendar, year)
    if not changed:
        return regular
    other = _changed(changed, zone_of(calendar), begins_evening_before(calendar))
    return pl.concat([regular.filter(~pl.col("day").is_in([one.day for one in changed])), other]).sort("open_ns")


def _regular(calendar: SessionCalendar, year: int) -> pl.DataFrame:
    if calendar.hours is not None:
        return _custom(calendar.hours, year)
    if calendar.name == ALWAYS:
        return _always(year)
    if calendar.name == FX_WEEK:
        return _fx_week(year)
    return exchange_sessions(calendar.name, year)


def _changed(days: Iterable[ChangedDay], zone: str, evening: bool) -> pl.DataFrame:
    return _frame(zone, ((one.day, parse_spans(one.hours, evening)) for one in days))


def _custom(hours: CustomHours, year: int) -> pl.DataFrame:
    week = [parse_spans(text, hours.evening) for text in hours.week]
    closed = holidays(hours.holidays_of, year) if hours.holidays_of else frozenset()
    return _frame(hours.zone, ((day, week[day.weekday()]) for day in _days(year) if day not in closed))


def _always(year: int) -> pl.DataFrame:
    days = pl.date_range(date(year, 1, 1), date(year, 12, 31), eager=True)
    opens = days.cast(pl.Int32).cast(pl.Int64) * DAY_NS
    return pl.DataFrame({"open_ns": opens, "close_ns": opens + DAY_NS, "day": days})


def _fx_week(year: int) -> pl.DataFrame:
    """One session per weekday, from 17:00 of the day before; Christmas and New Year's Day are closed."""
    closed = {date(year, 1, 1), date(year, 12, 25)}
    return _frame(NEW_YORK, ((day, _FX_DAY) for day in _days(year) if day.weekday() < 5 and day not in closed))


def _frame(zone: str, days: Iterable[tuple[date, tuple[Span, ...]]]) -> pl.DataFrame:
    return pl.DataFrame(list(intervals(zone, days)), SESSIONS_SCHEMA, orient="row").sort("open_ns")


def _days(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


def _date(ns: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)).date()
