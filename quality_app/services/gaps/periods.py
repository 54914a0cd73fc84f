"""How complete each session day and month of a dataset is, as its last scan kept it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import islice

from django.db.models import QuerySet

from catalog_app.models import Dataset
from quality_app.models import MonthCompleteness


@dataclass(frozen=True, slots=True)
class Period:
    """Units of a session day or of a month, which begins at `first`."""

    first: date
    expected: int
    missing: int
    explained: int

    @property
    def good(self) -> int:
        """Units that are there or explained."""
        return self.expected - self.missing + self.explained

    @property
    def completeness(self) -> Fraction | None:
        """Share that is there or explained; None where nothing was expected."""
        return Fraction(self.good, self.expected) if self.expected else None


def months_of(dataset: Dataset, start: date | None, end: date | None, limit: int) -> list[Period]:
    """At most `limit` months that hold days from `start` to `end`, inclusive, in order."""
    rows = _months(dataset, start, end).defer("days")[:limit]
    return [Period(row.month, row.expected, row.missing, row.explained) for row in rows]


def days_of(dataset: Dataset, start: date | None, end: date | None, limit: int) -> list[Period]:
    """At most `limit` session days from `start` to `end`, inclusive, in order."""
    found = _days(_months(dataset, start, end).iterator(chunk_size=12))
    wanted = (day for day in found if (start is None or start <= day.first) and (end is None or day.first <= end))
    return list(islice(wanted, limit))


def day_periods(month: date, days: Mapping[str, Iterable[int]]) -> Iterator[Period]:
    """The session days of a month as it is kept: {day of the month: [expected, missing, explained]}."""
    for number in sorted(days, key=int):
        yield Period(month.replace(day=int(number)), *days[number])


def _days(months: Iterable[MonthCompleteness]) -> Iterator[Period]:
    for row in months:
        yield from day_periods(row.month, row.days)


def _months(dataset: Dataset, start: date | None, end: date | None) -> QuerySet[MonthCompleteness]:
    rows = MonthCompleteness.objects.filter(dataset=dataset).order_by("month")
    if start is not None:
        rows = rows.filter(month__gte=start.replace(day=1))
    return rows if end is None else rows.filter(month__lte=end)
