"""Completeness as a table: by venue, by dataset, by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models import Avg, Count, ExpressionWrapper, F, FloatField, Q, QuerySet, Sum
from django.db.models.functions import Cast, NullIf

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.services.browse import NONE
from quality_app.models import MonthCompleteness
from quality_app.services.gaps.filters import Filters
from quality_app.services.gaps.listing import in_scope
from quality_app.services.gaps.moments import day_of

BY: Final = {"venue": "Venue", "dataset": "Dataset", "month": "Month"}
# 1 - (missing - explained) / expected of a row, as a mean over rows; for reading only.
SHARE: Final = Avg(
    ExpressionWrapper(
        1.0 - Cast(F("missing") - F("explained"), FloatField()) / NullIf(Cast("expected", FloatField()), 0.0),
        output_field=FloatField(),
    )
)
_BARS = Q(dataset__data_type=DataType.BAR)


@dataclass(slots=True)
class Line:
    """A venue, dataset or month. `share` is a mean over its `known` datasets; None where it is unknown.

    Sums are of bars, and of seconds of trading for other data: they do not add up to one number.
    """

    label: str
    query: str = ""
    key: UUID | None = None
    venue: str = ""
    dataset: Dataset | None = None
    datasets: int = 0
    known: int = 0
    share: float | None = None
    expected: dict[str, int] = field(default_factory=lambda: {"bars": 0, "seconds": 0})
    missing: dict[str, int] = field(default_factory=lambda: {"bars": 0, "seconds": 0})
    explained: dict[str, int] = field(default_factory=lambda: {"bars": 0, "seconds": 0})

    def add(self, unit: str, expected: int, missing: int, explained: int) -> None:
        """Add units of one kind."""
        self.expected[unit] += expected
        self.missing[unit] += missing
        self.explained[unit] += explained


def completeness(filters: Filters, by: str) -> list[Line]:
    """The lines of the table: those with the lowest share first, months the newest first. In three queries at most."""
    kept = _months(filters)
    if by == "month":
        return _by_month(kept, filters)
    lines = _by_dataset(kept, filters)
    found = lines if by == "dataset" else _by_venue(lines, filters)
    return sorted(found, key=lambda line: (line.share is None, line.share or 0.0, line.label))


def with_datasets(lines: Sequence[Line]) -> None:
    """Look up the datasets of lines, such as those of a page, in one query."""
    keys = [line.key for line in lines if line.key]
    known = Dataset.objects.select_related("store").defer("metadata").in_bulk(keys) if keys else {}
    for line in lines:
        line.dataset = known.get(line.key) if line.key else None


def _months(filters: Filters) -> QuerySet[MonthCompleteness]:
    kept = MonthCompleteness.objects.filter(in_scope(filters)).order_by()
    if filters.start_ns is not None:
        kept = kept.filter(month__gte=day_of(filters.start_ns).replace(day=1))
    if filters.end_ns is not None:
        kept = kept.filter(month__lte=day_of(filters.end_ns))
    return kept


def _by_dataset(kept: QuerySet[MonthCompleteness], filters: Filters) -> list[Line]:
    sums: dict[UUID, tuple[int, int, int]] = {
        key: (expected, missing, explained)
        for key, expected, missing, explained in kept.values_list("dataset").annotate(
            Sum("expected"), Sum("missing"), Sum("explained")
        )
    }
    lines = []
    columns = ("pk", "venue", "instrument_id", "data_type", "timeframe")
    for key, venue, *rest in Dataset.objects.filter(filters.of_datasets()).order_by().values_list(*columns):
        line = Line(" ".join(rest), f"?dataset={key}", key, venue, datasets=1)
        expected, missing, explained = sums.get(key, (0, 0, 0))
        if expected:
            line.known, line.share = 1, 1 - (missing - explained) / expected
            line.add("bars" if rest[1] == DataType.BAR else "seconds", expected, missing, explained)
        lines.append(line)
    return lines


def _by_venue(lines: Sequence[Line], filters: Filters) -> list[Line]:
    venues: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        venues[line.venue].append(line)
    result = []
    for venue, held in venues.items():
        whole = Line(venue or "None", filters.scope_query(venue=venue or NONE), datasets=len(held))
        shares = [line.share for line in held if line.share is not None]
        whole.known, whole.share = len(shares), sum(shares) / len(shares) if shares else None
        for line in held:
            for unit in whole.expected:
                whole.add(unit, line.expected[unit], line.missing[unit], line.explained[unit])
        result.append(whole)
    return result


def _by_month(kept: QuerySet[MonthCompleteness], filters: Filters) -> list[Line]:
    names = ("expected", "missing", "explained")
    sums: dict[str, Any] = {f"{name}_bars": Sum(name, filter=_BARS, default=0) for name in names}
    sums |= {f"{name}_seconds": Sum(name, filter=~_BARS, default=0) for name in names}
    rows: Any = kept.values("month").annotate(rows=Count("*"), share=SHARE, **sums)
    lines = []
    for row in rows.order_by("-month"):
        line = Line(f"{row['month']:%Y-%m}", datasets=row["rows"], known=row["rows"], share=row["share"])
        for unit in line.expected:
            line.add(unit, *(row[f"{name}_{unit}"] for name in names))
        lines.append(line)
    return lines
