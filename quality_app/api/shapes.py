"""From rows of the database to the shapes of quality on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog_app.api import shapes as catalog_shapes
from catalog_app.api.schemas import QualityMetrics, iso, iso_ns
from catalog_app.models import Dataset
from catalog_app.services.search import DIMENSIONS
from quality_app.api import finding_schemas, schemas
from quality_app.models import (
    Anomaly,
    CheckResult,
    QualityReport,
    Reconciliation,
    ReconciliationRun,
    ValidationRun,
)
from quality_app.services import quality_report as reports
from quality_app.services.history.metrics import Series
from quality_app.services.integrity import Integrity
from quality_app.services.validation.changes import ResultLine, RunChanges
from quality_app.services.validation.listing import RunLine


def scores_of(dataset: Dataset) -> QualityMetrics:
    """The scores of a dataset now."""
    values = {name: getattr(dataset, name) for name in DIMENSIONS} | {"overall": dataset.quality_score}
    return catalog_shapes.metrics(values, iso(dataset.last_validated))


def dataset_quality(dataset: Dataset, run_id: Any, *, is_stale: bool) -> schemas.DatasetQuality:
    """The scores of one dataset; its store must be selected with it."""
    return schemas.DatasetQuality(
        dataset_id=str(dataset.pk),
        store=dataset.store.name,
        data_type=dataset.data_type,
        timeframe=dataset.timeframe,
        metrics=scores_of(dataset),
        is_stale=is_stale,
        latest_run_id=str(run_id) if run_id else None,
        open_gap_count=dataset.open_gap_count,
    )


def run_info(line: RunLine) -> schemas.RunInfo:
    """A run with the sums of its results; its dataset and store must be selected with it."""
    run, dataset = line.run, line.run.dataset
    return schemas.RunInfo(
        run_id=str(run.pk),
        dataset_id=str(dataset.pk),
        instrument_id=dataset.instrument_id,
        data_type=dataset.data_type,
        timeframe=dataset.timeframe,
        store=dataset.store.name,
        job_id=str(run.job_id) if run.job_id else None,
        started_at=iso(run.started_at) or "",
        finished_at=iso(run.finished_at) or "",
        rows=run.rows,
        check_count=line.checks,
        failing_checks=line.failing,
        critical_checks=line.critical,
        violations=line.violations,
        not_run_count=len(run.not_run),
    )


def report_of_run(
    line: RunLine, changes: RunChanges, scores: Mapping[str, Decimal | None], anomalies: list[Anomaly]
) -> schemas.QualityReportInfo:
    """A run in full."""
    run = line.run
    return schemas.QualityReportInfo(
        **run_info(line).model_dump(),
        metrics=catalog_shapes.metrics(scores, iso(run.finished_at)),
        anomalies=[anomaly(row) for row in anomalies],
        validation_results=[_result(run, one, one.result) for one in changes.lines if one.result],
        not_run=[schemas.CheckLeftOut(**entry) for entry in run.not_run],
        files=[
            schemas.FileIdentity(path=file["path"], size=file["size"], mtime_ns=str(file["mtimeNs"]))
            for file in run.files
        ],
        compared_with=str(changes.before.pk) if changes.before else None,
        no_longer_run=[one.check_id for one in changes.lines if one.result is None],
        generated_at=iso(run.finished_at) or "",
    )


def anomaly(row: Anomaly) -> schemas.AnomalyInfo:
    """An anomaly with its `standing`."""
    found = reports.anomaly_json(row)
    found["timestamp"] = iso_ns(row.ts_init_ns)
    for name in ("firstSeenAt", "lastSeenAt"):
        found[name] = iso(found[name])
    return schemas.AnomalyInfo.model_validate(found)


def integrity(instrument_id: str, found: Integrity, now: str) -> finding_schemas.IntegrityReport:
    """An integrity report; unknown while nothing was checked."""
    is_known = found.checked > 0
    return finding_schemas.IntegrityReport(
        instrument_id=instrument_id,
        total_records=found.total,
        checked_records=found.checked,
        valid_records=found.checked - found.invalid if is_known else None,
        invalid_records=found.invalid if is_known else None,
        invalid_records_at_least=found.least if is_known else None,
        exact=found.exact,
        duplicate_records=found.duplicates,
        missing_records=found.missing,
        missing_fields=found.missing_fields,
        data_range_issues=[
            finding_schemas.RangeIssue(
                dataset_id=str(result.run.dataset_id),
                check=result.check_id,
                count=result.violations,
                message=result.message,
            )
            for result in found.ranges
        ],
        cross_validation_results=[
            finding_schemas.CrossValidation(
                dataset_id=str(cross.dataset_id),
                source=cross.source,
                reconciliation_id=str(cross.reconciliation_id),
                matched=cross.matched,
                discrepancy=cross.discrepancy,
                at=iso(cross.at) or "",
            )
            for cross in found.crosses
        ],
        is_stale=found.is_stale,
        generated_at=now,
    )


def trend_series(line: Series) -> schemas.TrendSeries:
    """One line of a trend."""
    return schemas.TrendSeries(
        dataset_id=str(line.dataset_id),
        metric=line.name,
        points=[
            schemas.TrendPoint(
                time=iso(point.at) or "",
                value=None if point.value is None else float(point.value),
                details=dict(point.details),
            )
            for point in line.points
        ],
        total_points=line.total,
    )


def report_info(row: QualityReport) -> schemas.ReportInfo:
    """A kept report without its content; its author must be selected with it."""
    return schemas.ReportInfo(
        report_id=str(row.pk),
        scope=row.scope,
        key=row.key,
        label=row.label,
        period=row.period,
        start=iso(row.start) or "",
        end=iso(row.end) or "",
        score=None if row.score is None else float(row.score),
        created_at=iso(row.created_at) or "",
        created_by=row.created_by.username if row.created_by else None,
        job_id=str(row.job_id) if row.job_id else None,
        expires_at=iso(row.expires_at),
    )


def reconciliation(row: Reconciliation, latest: ReconciliationRun | None) -> finding_schemas.ReconciliationInfo:
    """A reconciliation; its sources must be fetched with it."""
    return finding_schemas.ReconciliationInfo(
        reconciliation_id=str(row.pk),
        name=row.name,
        instrument_id=row.instrument_id,
        enabled=row.enabled,
        on_change=row.on_change,
        counts_in_score=row.counts_in_score,
        interval_ns=None if row.interval_ns is None else str(row.interval_ns),
        tolerance_ns=str(row.tolerance_ns),
        limit_ticks=str(row.limit_ticks),
        limit_bp=str(row.limit_bp),
        sources=[
            finding_schemas.ReconciliationSourceInfo(
                dataset_id=str(source.dataset_id),
                label=source.label,
                price=source.price,
                shift_ns=str(source.shift_ns),
            )
            for source in row.sources.all()
        ],
        latest_run_id=str(latest.pk) if latest else None,
        last_run_at=iso(latest.finished_at) if latest else None,
    )


def reconciliation_run(row: ReconciliationRun) -> finding_schemas.ReconciliationRunInfo:
    """One comparison."""
    return finding_schemas.ReconciliationRunInfo(
        run_id=str(row.pk),
        started_at=iso(row.started_at) or "",
        finished_at=iso(row.finished_at) or "",
        range=catalog_shapes.date_range(row.start_ns, row.end_ns),
        measures=row.measures,
        sources=row.sources,
        pairs=row.pairs,
        votes=row.votes,
    )


def _result(run: ValidationRun, line: ResultLine, result: CheckResult) -> schemas.ValidationResult:
    found = reports.validation_result(run, result, run.dataset)
    return schemas.ValidationResult.model_validate(found | {"timestamp": iso(run.finished_at), "change": line.change})
