"""Where a gap lies in its sessions: local times, session days, and how complete those days are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from quality_app.calendars import SessionCalendar
from quality_app.models import Gap, MonthCompleteness
from quality_app.services.context import calendar_of
from quality_app.services.gaps.periods import Period, day_periods
from quality_app.services.gaps.session_days import session_hours
from quality_app.sessions import zone_of

# Session days that the page lists of a long gap.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class SessionDay:
    """A session day that a gap touches, its first open and last close in local time, and what was expected on it."""

    day: date
    opens: str
    closes: str
    units: Period | None


@dataclass(frozen=True, slots=True)
class Setting:
    """The calendar of a gap's dataset, the gap's ends in its zone, and its first session days of `day_count`."""

    calendar: SessionCalendar
    zone: str
    start: str
    end: str
    days: list[SessionDay]
    day_count: int

    @property
    def more(self) -> int:
        """Session days that are not listed."""
        return self.day_count - len(self.days)


def setting_of(gap: Gap, span: tuple[int, int]) -> Setting:
    """Find it, for the times at which the gap's rows would be; the gap's dataset and definition are selected with it.

    Days of learned hours are UTC days.
    """
    calendar = calendar_of(gap.dataset)
    zone = zone_of(calendar)
    hours = session_hours(calendar, span)
    days = hours.group_by("day").agg(pl.col("open_ns").min(), pl.col("close_ns").max()).sort("day")
    listed = days.head(SHOWN)
    kept = _kept(gap, listed["day"].to_list())
    return Setting(
        calendar=calendar,
        zone=zone,
        start=local_time(gap.start_ns, zone),
        end=local_time(gap.end_ns, zone),
        days=[
            SessionDay(day, local_time(opens, zone), local_time(closes, zone), kept.get(day))
            for opens, closes, day in listed.select("open_ns", "close_ns", "day").iter_rows()
        ],
        day_count=len(days),
    )


def local_time(ns: int, zone: str) -> str:
    """A time (ns UTC) to the second in an IANA time zone: `Tue 2024-01-09 10:41:00 EST`."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC).astimezone(ZoneInfo(zone))
    return f"{moment:%a %Y-%m-%d %H:%M:%S %Z}"


def _kept(gap: Gap, days: list[date]) -> Mapping[date, Period]:
    """What the last scan kept of days; nothing where the gap is counted in another unit than they are."""
    if gap.unit == Gap.Unit.ROWS:
        return {}
    months = {day.replace(day=1) for day in days}
    rows = MonthCompleteness.objects.filter(dataset=gap.dataset_id, month__in=months)
    return {one.first: one for row in rows for one in day_periods(row.month, row.days)}
