"""What every section of a report is made of, read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from catalog_app.models import Dataset
from quality_app.models import QualityReport, ValidationRun
from quality_app.services.reports.document import Value
from quality_app.services.reports.history import AMOUNTS, DIMENSIONS, History, read_history
from quality_app.services.reports.scope import Scope

# How far back the trends go, and in how many steps.
TRENDS: Final[Mapping[str, tuple[timedelta, int]]] = {
    QualityReport.Period.DAILY: (timedelta(days=14), 28),
    QualityReport.Period.WEEKLY: (timedelta(weeks=12), 24),
}
CUSTOM_STEPS: Final = 24
# Up to here the period's end is the present, and the catalog itself says how things are.
PRESENT: Final = timedelta(minutes=2)
# Rows that a table of single datasets, gaps or anomalies shows.
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Run:
    """A validation: its key, and how many rows it saw."""

    key: UUID
    rows: int


@dataclass(frozen=True, slots=True)
class Facts:
    """A scope, a period, and what is known of its datasets at the period's end.

    Attributes:
        datasets: with the scores of the period's end. Never to be saved.
        runs: the latest validation by then, of the datasets that have one.
        is_present: whether the end is the present; else row counts and sizes are those of the history.

    """

    scope: Scope
    period: str
    start: datetime
    end: datetime
    datasets: list[Dataset]
    runs: Mapping[UUID, Run]
    history: History
    is_present: bool

    @property
    def keys(self) -> QuerySet[Dataset, Any]:
        """The datasets' keys, as a subquery."""
        return self.scope.datasets().order_by().values("pk")

    @property
    def latest_runs(self) -> QuerySet[Dataset, Any]:
        """The keys of each dataset's latest validation by the period's end, as a subquery."""
        runs = ValidationRun.objects.filter(dataset=OuterRef("pk"), finished_at__lte=self.end)
        newest = Subquery(runs.order_by("-finished_at").values("pk")[:1])
        return self.scope.datasets().order_by().annotate(newest=newest).values("newest")

    @property
    def reaches_start(self) -> bool:
        """Whether anything was measured by the period's start."""
        return self.history.since is not None and self.history.since <= self.start


def collect(scope: Scope, period: str, start: datetime, end: datetime, now: datetime) -> Facts:
    """Read what a report needs of all datasets, in four queries."""
    length, steps = TRENDS.get(period, (end - start, CUSTOM_STEPS))
    history = read_history(scope.datasets(), start, end, min(end - length, start), steps)
    found = scope.datasets().select_related("store").defer("metadata", "problem", "store__sync_error")
    datasets = list(found.order_by("venue", "instrument_id", "data_type", "timeframe", "pk"))
    is_present = end >= now - PRESENT
    if not is_present:
        for dataset in datasets:
            _as_of_the_end(dataset, history)
    else:
        _end_in_the_present(history, datasets)
    return Facts(scope, period, start, end, datasets, _runs(scope, end), history, is_present)


def _runs(scope: Scope, end: datetime) -> dict[UUID, Run]:
    runs = ValidationRun.objects.filter(dataset=OuterRef("pk"), finished_at__lte=end).order_by("-finished_at")
    newest = {name: Subquery(runs.values(column)[:1]) for name, column in (("run", "pk"), ("seen", "rows"))}
    found: Any = scope.datasets().order_by().annotate(**newest).values_list("pk", *newest)
    return {key: Run(run, seen) for key, run, seen in found if run is not None}


def _as_of_the_end(dataset: Dataset, history: History) -> None:
    """Give a dataset the values that were measured last by the period's end."""
    last = history.at_end
    dataset.quality_score = last["overall"].get(dataset.pk)
    for name in DIMENSIONS:
        setattr(dataset, name, last[name].get(dataset.pk))
    rows, size = (last[name].get(dataset.pk) for name in AMOUNTS)
    dataset.record_count = None if rows is None else int(rows)
    dataset.size_bytes = 0 if size is None else int(size)


def _end_in_the_present(history: History, datasets: list[Dataset]) -> None:
    """Let the trends end with what the catalog says now: measurements of amounts are up to a day old."""
    columns = {"overall": "quality_score", "rows": "record_count"}
    for name, trend in history.trends.items():
        known = [value for one in datasets if (value := getattr(one, columns.get(name, name))) is not None]
        trend.sums[-1], trend.measured[-1] = sum(map(Decimal, known), Decimal(0)), len(known)


def named(dataset: Dataset) -> dict[str, Value]:
    """Return the values of a row that say which dataset it is about."""
    return {"dataset": dataset.title, "datasetId": str(dataset.pk), "store": dataset.store.name}


def score_text(value: Decimal | None) -> str | None:
    """Return a score as it is kept: four decimals."""
    return None if value is None else f"{value:.4f}"


def share_text(part: int, whole: int) -> str | None:
    """Return a share as decimal text, rounded down to four decimals; None of nothing."""
    return f"{Decimal(part * 10_000 // whole).scaleb(-4):.4f}" if whole else None


def rate_text(part: int, whole: int) -> str | None:
    """Return a rate of findings as decimal text, rounded up to ten decimals: what is found is never written as 0."""
    return f"{Decimal(-(-part * 10**10 // whole)).scaleb(-10):.10f}" if whole else None


def of(part: int, whole: int, noun: str) -> str:
    """Return what a number was measured on: `12 of 15 datasets`."""
    return f"{part:,} of {whole:,} {noun}"


def grouped(datasets: Iterable[Dataset], key: Callable[[Dataset], str]) -> list[tuple[str, list[Dataset]]]:
    """Return the datasets by a key, in its order."""
    groups: dict[str, list[Dataset]] = {}
    for dataset in datasets:
        groups.setdefault(key(dataset), []).append(dataset)
    return sorted(groups.items())
