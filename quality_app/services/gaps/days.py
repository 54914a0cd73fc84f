"""When a session day is: trading days need not begin at midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from catalog_app.models import Dataset
from quality_app.calendars import SessionCalendar
from quality_app.services.calendars import Calendars
from quality_app.services.gaps.filters import Filters
from quality_app.services.gaps.listing import NAMED
from quality_app.sessions import DAY_NS, sessions


def within_day(filters: Filters) -> Filters:
    """The filters with their session day as a stretch of time: of several datasets from first open to last close.

    Where hours are learned, and where more datasets are meant than can be looked at, a day is a UTC day.
    """
    if not filters.day:
        return filters
    day = date.fromisoformat(filters.day)
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000
    found = Dataset.objects.filter(filters.of_datasets()).select_related("definition").defer("metadata")
    known = Calendars.load()
    calendars = {known.of(dataset) for dataset in found.order_by()[:NAMED]}
    spans = [_span(calendar, day, start) for calendar in calendars] or [(start, start + DAY_NS - 1)]
    return filters.within(min(first for first, _ in spans), max(last for _, last in spans))


def _span(calendar: SessionCalendar, day: date, start_ns: int) -> tuple[int, int]:
    if not calendar.learned:
        around = sessions(calendar, start_ns - 2 * DAY_NS, start_ns + 3 * DAY_NS).filter(pl.col("day") == day)
        if len(around):
            return int(around["open_ns"][0]), int(around["close_ns"][-1])
    return start_ns, start_ns + DAY_NS - 1
