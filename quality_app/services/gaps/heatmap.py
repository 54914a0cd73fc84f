"""How much of each day is there: years at a glance, a cell for each day."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min

from catalog_app.models import Dataset
from quality_app.models import MonthCompleteness
from quality_app.services.gaps.completeness import SHARE
from quality_app.services.gaps.filters import Filters
from quality_app.services.gaps.listing import in_scope

CELL: Final = 13
LEFT, TOP, BELOW = 40, 18, 22
WIDTH: Final = LEFT + 54 * CELL
HEIGHT: Final = TOP + 7 * CELL + BELOW
YEARS = 4
# Months of datasets that are read for their days; beyond, months are all that is drawn.
DAY_ROWS = 8_000
# Least share of a day that is there -> kind of cell.
LEVELS: Final = ((1.0, "full"), (0.99, "most"), (0.9, "some"), (0.5, "half"), (1e-12, "little"), (0.0, "nothing"))
LEGEND: Final = (
    ("full", "complete"),
    ("most", "≥ 99 %"),
    ("some", "≥ 90 %"),
    ("half", "≥ 50 %"),
    ("little", "below"),
    ("nothing", "nothing there"),
    ("closed", "closed"),
    ("unknown", "not scanned"),
)


@dataclass(slots=True)
class _Sum:
    share: float = 0.0
    datasets: int = 0
    incomplete: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """A cell: `share` of what was expected is there, as a mean over `datasets`, `incomplete` of which lack something.

    `missing` counts units for whatever cause. `kind` is a level, `closed`, `unknown` or `outside` of any data.
    """

    day: date
    x: int
    y: int
    kind: str
    share: float | None = None
    datasets: int = 0
    incomplete: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Month:
    """A month's share; None where it is unknown. `x` is where its first week stands."""

    month: date
    x: int
    share: float | None

    @property
    def kind(self) -> str:
        """Its level, or `unknown`."""
        return "unknown" if self.share is None else level(self.share)


@dataclass(frozen=True, slots=True)
class Year:
    """A year of days; without days where too many datasets are meant."""

    year: int
    months: list[Month]
    days: list[Day] = field(default_factory=list)

    @property
    def lacking(self) -> list[Day]:
        """The days in which something is missing, for whatever cause."""
        return [day for day in self.days if day.missing]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """The years that are shown, the newest first, and those before and after; `datasets` of `scanned` are known."""

    years: list[Year]
    earlier: int | None
    later: int | None
    has_days: bool
    datasets: int
    scanned: int


def heatmap(filters: Filters, until: int | None) -> Heatmap:
    """The days of the datasets that the filters choose, in at most YEARS years up to `until` (default: the newest).

    Each dataset counts once in a day, whatever its size. Quiet trading, halts and gaps that are expected do not lower a
    share.
    """
    scope = in_scope(filters)
    found = Dataset.objects.filter(filters.of_datasets())
    ends: dict[str, Any] = found.aggregate(Count("pk"), Min("start_date"), Max("end_date"))
    kept = MonthCompleteness.objects.filter(scope).order_by()
    months: dict[date, tuple[int, float | None]] = {
        month: (rows, share) for month, rows, share in kept.values_list("month").annotate(rows=Count("*"), share=SHARE)
    }
    scanned = kept.values("dataset").distinct().count()
    first, last = _years(months, ends["start_date__min"], ends["end_date__max"])
    newest = min(max(until or last, first), last)
    shown = range(newest, max(first, newest - YEARS + 1) - 1, -1)
    wanted = sum(rows for month, (rows, _) in months.items() if month.year in shown)
    has_days = wanted <= DAY_ROWS
    cover = (_day(ends["start_date__min"]), _day(ends["end_date__max"]))
    sums = _days(kept.filter(month__range=(date(shown[-1], 1, 1), date(newest, 12, 31)))) if has_days else {}
    years = [_year(year, months, sums, cover, has_days) for year in shown] if months or ends["pk__count"] else []
    return Heatmap(
        years,
        newest - YEARS if newest - YEARS >= first else None,
        min(newest + YEARS, last) if newest < last else None,
        has_days,
        ends["pk__count"],
        scanned,
    )


def level(share: float) -> str:
    """The kind of a cell of which a share is there."""
    return next(name for least, name in LEVELS if share >= least)


def _days(rows: Any) -> dict[date, _Sum]:
    sums: dict[date, _Sum] = defaultdict(_Sum)
    for month, days in rows.values_list("month", "days").iterator(chunk_size=2000):
        for number, (expected, missing, explained) in days.items():
            if not expected:
                continue
            one = sums[month.replace(day=int(number))]
            one.share += 1 - (missing - explained) / expected
            one.datasets += 1
            one.incomplete += missing > explained
            one.missing += missing
    return sums


def _year(
    year: int,
    months: Mapping[date, tuple[int, float | None]],
    sums: Mapping[date, _Sum],
    cover: tuple[date | None, date | None],
    has_days: bool,
) -> Year:
    begin = date(year, 1, 1)
    firsts = [date(year, number, 1) for number in range(1, 13)]
    lines = [Month(one, _x(one, begin), months[one][1] if one in months else None) for one in firsts]
    days = [_cell(day, begin, months, sums.get(day), cover) for day in _each(year)] if has_days else []
    return Year(year, lines, days)


def _cell(
    day: date,
    begin: date,
    months: Mapping[date, Any],
    found: _Sum | None,
    cover: tuple[date | None, date | None],
) -> Day:
    x, y = _x(day, begin), TOP + day.weekday() * CELL
    if found is not None:
        # A hair of a float must not make a whole day look incomplete, nor hide that something is missing.
        share = found.share / found.datasets if found.incomplete else 1.0
        kind = "most" if found.incomplete and share >= 1 else level(share)
        return Day(day, x, y, kind, min(share, 1.0), found.datasets, found.incomplete, found.missing)
    start, end = cover
    if start is None or end is None or not start <= day <= end:
        return Day(day, x, y, "outside")
    return Day(day, x, y, "closed" if day.replace(day=1) in months else "unknown")


def _x(day: date, begin: date) -> int:
    return LEFT + (day.timetuple().tm_yday - 1 + begin.weekday()) // 7 * CELL


def _each(year: int) -> Iterator[date]:
    first, length = date(year, 1, 1), 365 + calendar.isleap(year)
    return (first + timedelta(number) for number in range(length))


def _years(months: Iterable[date], start: Any, end: Any) -> tuple[int, int]:
    known = [month.year for month in months] + [moment.year for moment in (start, end) if moment]
    return (min(known), max(known)) if known else (1970, 1970)


def _day(moment: Any) -> date | None:
    return moment.date() if moment else None
