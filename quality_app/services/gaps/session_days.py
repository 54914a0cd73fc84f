"""Where a gap lies: the times at which its rows would be, the session days that it touches, what was expected then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

import numpy as np
import polars as pl

from catalog_app.models import Dataset
from quality_app.calendars import ALWAYS, SessionCalendar
from quality_app.gaps.grid import Int64s
from quality_app.models import Gap, MonthCompleteness
from quality_app.services.calendars import Calendars
from quality_app.services.context import interval_of
from quality_app.services.gaps.periods import Period, day_periods
from quality_app.services.scores import GAP_SCAN
from quality_app.sessions import sessions

_OPEN, _CLOSE = "open", "close"
_UTC_DAYS = SessionCalendar(ALWAYS, "UTC days")


def span_of(gap: Gap) -> tuple[int, int]:
    """First and last time (ns UTC, inclusive) at which a row would lie in a gap; its dataset is selected with it.

    Of bars that is the time that the missing ones stand for: finer data that they are made of counts.
    """
    return _span(gap, interval_of(gap.dataset), stamp_of(gap.dataset))


def stamp_of(dataset: Dataset) -> str:
    """Whether a dataset's bars carry the time of their open or close, as its last scan found: close where unknown."""
    return str(dataset.metadata.get(GAP_SCAN, {}).get("stamp", _CLOSE))


def session_hours(calendar: SessionCalendar, span: tuple[int, int]) -> pl.DataFrame:
    """Sessions (open_ns, close_ns, day) that meet a span; UTC days where a calendar's hours are learned."""
    return sessions(_UTC_DAYS if calendar.learned else calendar, span[0], max(span[0], span[1] - 1))


def expected_units(gaps: Iterable[Gap]) -> dict[UUID, int | None]:
    """Units that sessions expect on the session days that each gap touches; None where that is unknown.

    Their datasets and definitions must be selected with them. Costs three queries.
    """
    by_dataset: dict[UUID, list[Gap]] = {}
    for gap in gaps:
        by_dataset.setdefault(gap.dataset_id, []).append(gap)
    kept, stamps, calendars = _days_by_dataset(by_dataset), _stamps(by_dataset), Calendars.load()
    found: dict[UUID, int | None] = {}
    for key, mine in by_dataset.items():
        found |= dict.fromkeys([gap.pk for gap in mine])
        counted = [gap for gap in mine if gap.unit != Gap.Unit.ROWS]
        if counted and key in kept:
            dataset = counted[0].dataset
            spans = [_span(gap, interval_of(dataset), stamps[key]) for gap in counted]
            units = _expected(np.array(spans, np.int64), calendars.of(dataset), kept[key])
            found |= dict(zip([gap.pk for gap in counted], units, strict=True))
    return found


def _expected(spans: Int64s, calendar: SessionCalendar, kept: Mapping[date, Period]) -> list[int | None]:
    """The units of the session days that each span meets."""
    hours = session_hours(calendar, (int(spans[:, 0].min()), int(spans[:, 1].max())))
    # A day with a break has several sessions, and counts once.
    _, opening, number = np.unique(hours["day"].to_physical().to_numpy(), return_index=True, return_inverse=True)
    units = [kept[day].expected if day in kept else 0 for day in hours["day"].gather(opening)]
    sums = np.append(0, np.cumsum(units)).astype(np.int64)
    begin, until = _touched(hours, spans)
    return [
        int(sums[number[last - 1] + 1] - sums[number[first]]) or None if first < last else None
        for first, last in zip(begin, until, strict=True)
    ]


def _span(gap: Gap, interval_ns: int | None, stamp: str) -> tuple[int, int]:
    if gap.unit != Gap.Unit.BARS:
        return gap.start_ns + 1, max(gap.start_ns + 1, gap.end_ns - 1)
    rest = max((interval_ns or 1) - 1, 0)
    return (gap.start_ns, gap.end_ns + rest) if stamp == _OPEN else (gap.start_ns - rest, gap.end_ns)


def _touched(hours: pl.DataFrame, spans: Int64s) -> tuple[Int64s, Int64s]:
    """The sessions [begin, until) that each span meets."""
    begin = np.searchsorted(hours["close_ns"].to_numpy(), spans[:, 0], side="right")
    until = np.searchsorted(hours["open_ns"].to_numpy(), spans[:, 1], side="left")
    return begin, until


def _days_by_dataset(keys: Iterable[UUID]) -> dict[UUID, dict[date, Period]]:
    found: dict[UUID, dict[date, Period]] = {}
    for row in MonthCompleteness.objects.filter(dataset__in=list(keys)):
        found.setdefault(row.dataset_id, {}).update((day.first, day) for day in day_periods(row.month, row.days))
    return found


def _stamps(keys: Iterable[UUID]) -> dict[UUID, str]:
    rows = Dataset.objects.filter(pk__in=list(keys)).values_list("pk", f"metadata__{GAP_SCAN}__stamp")
    return {key: stamp or _CLOSE for key, stamp in rows}
