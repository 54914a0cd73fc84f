"""From gaps, fills and kept completeness to the shapes on the wire."""

from __future__ import annotations

from catalog_app.api.schemas import iso, iso_ns
from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from quality_app.api import gap_schemas
from quality_app.models import Gap, GapFill
from quality_app.services.gaps.filters import EXPECTED, FILLED, OPEN
from quality_app.services.gaps.periods import Period

NANOSECONDS = 1_000_000_000
HISTORY = "history"


def gap(row: Gap, expected: int | None) -> gap_schemas.GapInfo:
    """A gap; its dataset and store must be selected with it."""
    return gap_schemas.GapInfo(
        id=str(row.pk),
        dataset_id=str(row.dataset_id),
        store=row.dataset.store.name,
        instrument_id=row.instrument_id,
        data_type=row.data_type,
        timeframe=row.timeframe,
        unit=row.unit,
        start=iso_ns(row.start_ns) or "",
        end=iso_ns(row.end_ns) or "",
        start_ns=str(row.start_ns),
        end_ns=str(row.end_ns),
        severity=row.severity,
        reason=row.cause,
        missing=row.missing,
        expected=expected,
        lost_seconds=row.lost_ns / NANOSECONDS,
        state=_state(row),
        detected_at=iso(row.detected_at) or "",
        filled_at=iso(row.filled_at),
        expected_reason=row.expected_reason or None,
    )


def gap_detail(row: Gap, expected: int | None, fills: list[GapFill]) -> gap_schemas.GapDetail:
    """A gap in full; who marked it must be selected with it."""
    return gap_schemas.GapDetail(
        **gap(row, expected).model_dump(),
        details={name: value for name, value in row.details.items() if name != HISTORY},
        history=row.details.get(HISTORY, []),
        expected_by=row.expected_by.username if row.expected_by else None,
        expected_at=iso(row.expected_at),
        fills=[_fill(one) for one in fills],
    )


def completeness(
    dataset: Dataset, periods: list[gap_schemas.CompletePeriod], cursor: str | None
) -> gap_schemas.CompletenessPage:
    """A page of days or months of a dataset."""
    return gap_schemas.CompletenessPage(
        dataset_id=str(dataset.pk),
        unit=Gap.Unit.BARS if dataset.data_type == DataType.BAR else Gap.Unit.SECONDS,
        completeness=None if dataset.completeness is None else float(dataset.completeness),
        last_scanned=iso(dataset.last_scanned),
        periods=periods,
        next_cursor=cursor,
    )


def period(found: Period, form: str) -> gap_schemas.CompletePeriod:
    """A day or month; `form` writes its date."""
    exact = found.completeness
    return gap_schemas.CompletePeriod(
        period=found.first.strftime(form),
        expected=found.expected,
        missing=found.missing,
        explained=found.explained,
        completeness=None if exact is None else float(exact),
    )


def _fill(row: GapFill) -> gap_schemas.FillInfo:
    return gap_schemas.FillInfo(
        fill_id=str(row.pk),
        kind=row.kind,
        rows=row.rows,
        source=row.source,
        operation_id=str(row.operation_id) if row.operation_id else None,
        by_policy=row.by_policy,
        job_id=str(row.job_id) if row.job_id else None,
        created_at=iso(row.created_at) or "",
        created_by=row.created_by.username if row.created_by else None,
        undone_at=iso(row.undone_at),
    )


def _state(row: Gap) -> str:
    """A filled gap is filled, whatever was said of it before."""
    if row.filled_at is not None:
        return FILLED
    return OPEN if row.expected_at is None else EXPECTED
