"""The history of measured numbers: a point is written where a number changed, and lines are read from the points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import reduce
from itertools import batched
from operator import or_
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q

from catalog_app.models import Dataset
from quality_app.models import QualityMetric
from quality_app.services import events

# Name -> value (None is unknown) and what led to it.
type Measured = Mapping[str, tuple[Decimal | None, Mapping[str, Any]]]

STORAGE = ("rows", "size_bytes")
CHECK = "check."
MAX_POINTS = 1000
_STEP = Decimal("1e-8")
_CHUNK = 200
# Points of a bucket that downsampling keeps: first, least, greatest, last, and the first unknown one.
_KEPT = 5


def record(dataset: Dataset, values: Measured, at: datetime) -> int:
    """Keep what changed since the last point of each name, in four queries, and tell open pages once committed.

    Returns how many points were written. A point is never older than the one before: clocks step back.
    """
    with transaction.atomic():
        written = _record([(dataset, values)], at)
        events.announce()
    return written


def record_many(measured: Iterable[tuple[Dataset, Measured]], at: datetime) -> int:
    """Keep what changed of many datasets, in four queries for each 200 of them."""
    written = 0
    for chunk in batched(measured, _CHUNK):
        with transaction.atomic():
            written += _record(chunk, at)
    if written:
        events.announce()
    return written


def record_storage(at: datetime) -> int:
    """Keep `rows` and `size_bytes` of every dataset where they changed; the daily tick."""
    return record_many(((dataset, storage_of(dataset)) for dataset in Dataset.objects.order_by("pk").iterator()), at)


def storage_of(dataset: Dataset) -> Measured:
    """A dataset's `rows`, unknown while none was read, and `size_bytes`."""
    rows = None if dataset.record_count is None else Decimal(dataset.record_count)
    return {"rows": (rows, {}), "size_bytes": (Decimal(dataset.size_bytes), {})}


def _record(measured: Sequence[tuple[Dataset, Measured]], at: datetime) -> int:
    keys = [dataset.pk for dataset, _ in measured]
    # Whoever measures the same dataset at the same time waits: a name has one latest point.
    list(Dataset.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))
    found = QualityMetric.objects.filter(dataset__in=keys, is_latest=True)
    latest = {(row.dataset_id, row.metric_name): row for row in found.only(*_IDENTITY)}
    points, over = [], []
    for dataset, values in measured:
        for name, (value, details) in values.items():
            before = latest.get((dataset.pk, name))
            rounded = None if value is None else value.quantize(_STEP, ROUND_HALF_EVEN)
            if rounded == (before.metric_value if before else None):
                continue
            if before is not None:
                over.append(before.pk)
            moment = max(at, before.timestamp) if before else at
            points.append(
                QualityMetric(
                    dataset=dataset,
                    instrument_id=dataset.instrument_id,
                    metric_name=name,
                    metric_value=rounded,
                    timestamp=moment,
                    details=dict(details),
                    is_latest=True,
                    is_finding=name.startswith(CHECK) and bool(rounded),
                )
            )
    for some in batched(over, _CHUNK):
        QualityMetric.objects.filter(pk__in=some).update(is_latest=False, is_finding=False)
    QualityMetric.objects.bulk_create(points, batch_size=_CHUNK)
    return len(points)


_IDENTITY = ("dataset", "metric_name", "metric_value", "timestamp")


@dataclass(frozen=True, slots=True)
class Point:
    """A value from its time on; None is unknown. `details` say what led to it."""

    at: datetime
    value: Decimal | None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one dataset over a range: `points` in order of time, of `total` that there are.

    The first point is the value that held when the range began, at the range's begin, where there was one.
    """

    dataset_id: UUID
    name: str
    points: list[Point]
    total: int

    @property
    def is_thinned(self) -> bool:
        """Whether points were left out."""
        return len(self.points) < self.total


def series(
    datasets: Collection[UUID],
    names: Collection[str],
    start: datetime | None,
    end: datetime,
    max_points: int = MAX_POINTS,
) -> list[Series]:
    """Read the lines of these metrics of these datasets within [start, end], in three queries.

    Downsampling is honest: of each of the equal buckets of time the first, least, greatest and last point are kept
    as they were measured, and the first unknown one; no value is made up. Lines without a point are left out.

    Raises:
        ValueError: `max_points` is below 5.

    """
    if max_points < _KEPT:
        raise ValueError(f"max_points must be at least {_KEPT}.")
    mine = QualityMetric.objects.filter(dataset__in=datasets, metric_name__in=names)
    within = mine.filter(timestamp__lte=end)
    lines: dict[tuple[UUID, str], list[Point]] = defaultdict(list)
    if start is not None:
        for row in _held(mine, start):
            lines[row.dataset_id, row.metric_name].append(Point(start, row.metric_value, row.details))
        within = within.filter(timestamp__gte=start)
    rows = within.order_by("timestamp").values_list("dataset_id", "metric_name", "timestamp", "metric_value", "details")
    for dataset_id, name, at, value, details in rows.iterator(chunk_size=2000):
        lines[dataset_id, name].append(Point(at, value, details))
    return [
        Series(dataset_id, name, thin(points, max_points), len(points)) for (dataset_id, name), points in lines.items()
    ]


def names_of(datasets: Collection[UUID]) -> list[str]:
    """The metrics that these datasets have points of."""
    found = QualityMetric.objects.filter(dataset__in=datasets, is_latest=True)
    return sorted(found.order_by().values_list("metric_name", flat=True).distinct())


def thin(points: list[Point], max_points: int) -> list[Point]:
    """Keep at most `max_points` of points in order: of each bucket its first, least, greatest, last, first unknown."""
    if len(points) <= max_points:
        return points
    begin, span = points[0].at, points[-1].at - points[0].at
    buckets = max_points // _KEPT
    width = span / buckets or timedelta(microseconds=1)
    kept: list[Point] = []
    for bucket in _buckets(points, begin, width, buckets):
        known = [point for point in bucket if point.value is not None]
        unknown = [point for point in bucket if point.value is None][:1]
        extremes = [min(known, key=_value), max(known, key=_value)] if known else []
        wanted = {id(point) for point in (bucket[0], bucket[-1], *extremes, *unknown)}
        kept += [point for point in bucket if id(point) in wanted]
    return kept


def _buckets(points: list[Point], begin: datetime, width: timedelta, number: int) -> Iterator[list[Point]]:
    bucket: list[Point] = []
    position = 0
    for point in points:
        own = min((point.at - begin) // width, number - 1)
        if own != position and bucket:
            yield bucket
            bucket = []
        position = own
        bucket.append(point)
    yield bucket


def _value(point: Point) -> Decimal:
    return point.value or Decimal(0)


def _held(mine: Any, start: datetime) -> Iterable[QualityMetric]:
    """The last point of each line before a time; of two at the same time, the one that counts."""
    before = mine.filter(timestamp__lt=start)
    last = before.order_by().values_list("dataset_id", "metric_name").annotate(last=Max("timestamp"))
    wanted = [Q(dataset=key, metric_name=name, timestamp=at) for key, name, at in last]
    if not wanted:
        return ()
    rows = mine.filter(reduce(or_, wanted)).order_by("is_latest")
    return {(row.dataset_id, row.metric_name): row for row in rows}.values()
