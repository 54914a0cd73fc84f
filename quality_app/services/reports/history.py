"""What the kept measurements say of earlier states: at one moment, and as a trend of a whole scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Min, OuterRef, QuerySet, Subquery

from catalog_app.models import Dataset
from quality_app.models import QualityMetric

DIMENSIONS: Final = ("completeness", "accuracy", "consistency", "timeliness")
SCORES: Final = ("overall", *DIMENSIONS)
AMOUNTS: Final = ("rows", "size_bytes")
NAMES: Final = (*SCORES, *AMOUNTS)

# Last measured values by metric, then by dataset.
type State = dict[str, dict[UUID, Decimal]]
type Point = tuple[UUID, str, Decimal | None, datetime]


@dataclass(slots=True)
class Trend:
    """A metric over the ticks: the sum of the datasets with a value by then, and how many they are."""

    sums: list[Decimal] = field(default_factory=list)
    measured: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class History:
    """Measurements of a scope.

    Attributes:
        since: the first measurement in the scope; None when there is none.
        at_start: the last values at the period's start; what was not measured by then is missing.
        at_end: the last values at its end.
        ticks: the moments of the trends.
        trends: one for each metric.

    """

    since: datetime | None
    at_start: State
    at_end: State
    ticks: list[datetime]
    trends: dict[str, Trend]


def read_history(
    datasets: QuerySet[Dataset], start: datetime, end: datetime, trend_start: datetime, steps: int
) -> History:
    """Read a scope's measurements up to `end`, in three queries, with `steps` equal steps from `trend_start`."""
    keys = datasets.order_by().values("pk")
    points = QualityMetric.objects.filter(dataset__in=keys, metric_name__in=NAMES)
    since = points.aggregate(first=Min("timestamp"))["first"]
    # A young history fills the whole chart.
    trend_start = min(max(trend_start, since or trend_start), end)
    state = _state_at(datasets, trend_start)
    ticks = [trend_start + (end - trend_start) * number / steps for number in range(steps + 1)]
    later = points.filter(timestamp__gt=trend_start, timestamp__lte=end).order_by("timestamp", "is_latest")
    columns = ("dataset_id", "metric_name", "metric_value", "timestamp")
    at_start, trends = _fold(state, later.values_list(*columns).iterator(5000), ticks, start)
    reaches = since is not None and since <= start
    return History(since, at_start if reaches else {name: {} for name in NAMES}, state, ticks, trends)


def _state_at(datasets: QuerySet[Dataset], moment: datetime) -> State:
    """The last values at a moment: one look into the index for each dataset and metric, however long the history."""
    mine = QualityMetric.objects.filter(dataset=OuterRef("pk"), timestamp__lte=moment).order_by(
        "-timestamp", "-is_latest"
    )
    latest = {f"at_{name}": Subquery(mine.filter(metric_name=name).values("metric_value")[:1]) for name in NAMES}
    state: State = {name: {} for name in NAMES}
    for key, *values in datasets.order_by().annotate(**latest).values_list("pk", *latest):
        for name, value in zip(NAMES, values, strict=True):
            if value is not None:
                state[name][key] = value
    return state


def _fold(
    state: State, points: Iterator[Point], ticks: list[datetime], start: datetime
) -> tuple[State, dict[str, Trend]]:
    """Apply the points in order of time; return the state at `start` and the trends. `state` becomes the last one."""
    sums = {name: sum(values.values(), Decimal(0)) for name, values in state.items()}
    trends = {name: Trend() for name in NAMES}
    at_start: State | None = None
    tick = 0

    def pass_by(moment: datetime | None) -> None:
        nonlocal at_start, tick
        if at_start is None and (moment is None or moment > start):
            at_start = {name: dict(values) for name, values in state.items()}
        while tick < len(ticks) and (moment is None or moment > ticks[tick]):
            for name, trend in trends.items():
                trend.sums.append(sums[name])
                trend.measured.append(len(state[name]))
            tick += 1

    for key, name, value, moment in points:
        pass_by(moment)
        sums[name] -= state[name].pop(key, Decimal(0))
        if value is not None:  # null says that it is unknown from then on
            sums[name] += value
            state[name][key] = value
    pass_by(None)
    return at_start or {}, trends


def mean(values: Mapping[UUID, Decimal] | list[Decimal]) -> Decimal | None:
    """Return the mean of scores, rounded down to four decimals; None when there is none."""
    known = list(values.values()) if isinstance(values, Mapping) else values
    return rounded(sum(known, Decimal(0)), len(known))


def rounded(total: Decimal, number: int) -> Decimal | None:
    """Return total / number, rounded down to four decimals; None without a number."""
    if not number:
        return None
    return Decimal(int(total.scaleb(8)) * 10_000 // (number * 10**8)).scaleb(-4)
