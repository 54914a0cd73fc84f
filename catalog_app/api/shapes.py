"""From rows of the database to shapes on the wire."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from catalog_app.api.schemas import (
    DataFileInfo,
    DatasetMetadata,
    DateRange,
    InstrumentMetadata,
    JobInfo,
    QualityMetrics,
    iso,
    iso_ns,
)
from catalog_app.formats.export_columns import NAMES, TIMES
from catalog_app.models import DataFile, Dataset, Job
from catalog_app.services.jobs.queries import seconds_left
from catalog_app.services.search import DIMENSIONS, Found

_LEVELS = frozenset({"bids", "asks"})


def date_range(start_ns: int | None, end_ns: int | None) -> DateRange:
    """Bounds in UNIX nanoseconds as a range."""
    return DateRange(start=iso_ns(start_ns), end=iso_ns(end_ns))


def metrics(scores: Mapping[str, Any], last_updated: str | None) -> QualityMetrics:
    """Scores by dimension and `overall`; those that are None are listed as unknown."""
    known = {name: None if scores[name] is None else float(scores[name]) for name in (*DIMENSIONS, "overall")}
    return QualityMetrics(
        **known, last_updated=last_updated, unknown=[name for name, value in known.items() if value is None]
    )


def dataset(row: Dataset) -> DatasetMetadata:
    """A dataset; its store must be selected with it."""
    scores = {name: getattr(row, name) for name in DIMENSIONS} | {"overall": row.quality_score}
    return DatasetMetadata(
        dataset_id=str(row.pk),
        store=row.store.name,
        path=row.path,
        instrument_id=row.instrument_id,
        venue=row.venue,
        data_type=row.data_type,
        timeframe=row.timeframe,
        bar_type=row.bar_type,
        dialect=row.dialect,
        state=row.state,
        problem=row.problem,
        date_range=date_range(row.start_ns, row.end_ns),
        record_count=row.record_count,
        unread_files=row.listed_count,
        file_size=row.size_bytes,
        file_count=row.file_count,
        price_precision=row.price_precision,
        size_precision=row.size_precision,
        quality=metrics(scores, iso(row.last_validated)),
        open_gap_count=row.open_gap_count,
        last_validated=iso(row.last_validated),
        last_scanned=iso(row.last_scanned),
        last_updated=iso(row.indexed_at),
    )


def instrument(found: Found) -> InstrumentMetadata:
    """An instrument with its datasets."""
    held, definition = found.datasets, found.definition
    rows: Counter[str] = Counter()
    for row in held:
        rows[row.data_type] += row.record_count or 0
    is_known = not held or any(row.record_count is not None for row in held)
    symbol = found.instrument_id.rpartition(".")[0] or found.instrument_id
    return InstrumentMetadata(
        instrument_id=found.instrument_id,
        venue=found.venue,
        symbol=definition.symbol if definition else symbol,
        asset_class=definition.asset_class if definition else "",
        currency=definition.currency if definition else "",
        data_type=rows.most_common(1)[0][0] if rows else "",
        data_types=sorted(rows),
        timeframes=sorted({row.timeframe for row in held if row.timeframe}),
        date_range=date_range(_least(r.start_ns for r in held), _greatest(r.end_ns for r in held)),
        record_count=rows.total() if is_known else None,
        unread_files=sum(row.listed_count for row in held),
        quality_score=_score(row.quality_score for row in held),
        last_updated=iso(max((row.indexed_at for row in held), default=None)),
        file_size=sum(row.size_bytes for row in held),
        datasets=[dataset(row) for row in held],
    )


def data_file(row: DataFile) -> DataFileInfo:
    """A file of a dataset."""
    return DataFileInfo(
        path=row.path,
        role=row.role,
        size_bytes=row.size_bytes,
        rows=row.rows,
        row_groups=row.row_groups,
        date_range=date_range(row.start_ns, row.end_ns),
        dialect=row.dialect,
        price_precision=row.price_precision,
        size_precision=row.size_precision,
        state=row.state,
        problem=row.problem,
    )


def market_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of market data: camelCase names, ISO times with nanoseconds, sides and actions by name."""
    return {_camel(name): _value(name, value) for name, value in row.items()}


def job(row: Job) -> JobInfo:
    """A job; its user must be selected with it."""
    return JobInfo(
        job_id=str(row.pk),
        kind=row.kind,
        title=row.title,
        state=row.state,
        stage=row.stage,
        done=row.done,
        total=row.total,
        unit=row.unit,
        rate=row.rate,
        seconds_left=seconds_left(row),
        attempt=row.attempt,
        max_attempts=row.max_attempts,
        cancel_requested=row.cancel_requested,
        parameters=row.parameters,
        result=row.result,
        error=row.error,
        user=row.user.username if row.user else None,
        retry_of=str(row.retry_of_id) if row.retry_of_id else None,
        created_at=iso(row.created_at) or "",
        started_at=iso(row.started_at),
        heartbeat_at=iso(row.heartbeat_at),
        finished_at=iso(row.finished_at),
    )


def _value(name: str, value: Any) -> Any:
    if name in TIMES:
        return iso_ns(value)
    if name in _LEVELS and isinstance(value, list):
        return [{_camel(key): part for key, part in level.items()} for level in value]
    return NAMES[name].get(value, value) if name in NAMES else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _greatest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _score(values: Iterable[Decimal | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(min(known)) if known else None
