"""What a calendar's next days look like, in UTC and on the clock of its place; and who follows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from catalog_app.models import Dataset
from quality_app.calendars import SessionCalendar
from quality_app.services.calendars import Calendars
from quality_app.sessions import DAY_NS, sessions, zone_of

SHOWN_DAYS = 14
# Far enough for as many session days of a calendar that opens once a week.
_REACH_NS = 120 * DAY_NS


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """A session day: its spans as text, and whether its hours were changed; a closed day has no spans."""

    day: date
    utc: tuple[str, ...]
    local: tuple[str, ...]
    changed: bool


def preview(calendar: SessionCalendar, start_ns: int, days: int = SHOWN_DAYS) -> list[PreviewDay]:
    """Return the next session days that end after a time (UNIX ns), with the days between that were changed to closed.

    Raises ValueError for a learned calendar.
    """
    found = sessions(calendar, start_ns, start_ns + _REACH_NS)
    spans: dict[date, list[tuple[int, int]]] = {}
    for opens, closes, day in found.iter_rows():
        if day in spans or len(spans) < days:
            spans.setdefault(day, []).append((opens, closes))
    changed = {one.day for one in calendar.changed}
    today = datetime.fromtimestamp(start_ns // 10**9, UTC).date()
    last = max(spans, default=today + timedelta(days=days))
    shown = sorted({*spans, *(day for day in changed if today <= day <= last)})
    utc, local = ZoneInfo("UTC"), ZoneInfo(zone_of(calendar))
    return [
        PreviewDay(day, _told(spans.get(day, []), day, utc), _told(spans.get(day, []), day, local), day in changed)
        for day in shown
    ]


def followers(calendars: Calendars, name: str) -> int:
    """Return how many datasets follow the calendar of a name. Two queries at most."""
    rows = Dataset.objects.select_related("definition").defer("metadata", "definition__definition")
    return sum(calendars.of(dataset).name == name for dataset in rows.iterator())


def _told(spans: list[tuple[int, int]], day: date, zone: ZoneInfo) -> tuple[str, ...]:
    return tuple(f"{_moment(opens, day, zone)} to {_moment(closes, day, zone)}" for opens, closes in spans)


def _moment(ns: int, day: date, zone: ZoneInfo) -> str:
    """The time of day; with the weekday where it is another day than the session's."""
    moment = datetime.fromtimestamp(ns // 10**9, zone)
    return f"{moment:%H:%M}" if moment.date() == day else f"{moment:%a %H:%M}"
