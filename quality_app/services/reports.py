"""What is known of a dataset's quality, as JSON for API and commands."""

from __future__ import annotations

from typing import Any

from catalog_app.models import Dataset
from quality_app.models import CheckResult, ValidationRun
from quality_app.services.validation import latest_run

_DIMENSIONS = ("completeness", "accuracy", "timeliness", "consistency")


def quality_report(dataset: Dataset) -> dict[str, Any]:
    """Return the QualityReport of a dataset's latest run; scores are numbers from 0 to 1, or null where unknown."""
    run = latest_run(dataset)
    return {
        "datasetId": str(dataset.pk),
        "instrumentId": dataset.instrument_id,
        "dataType": dataset.data_type,
        "timeframe": dataset.timeframe,
        "rows": run.rows if run else None,
        "metrics": quality_metrics(dataset),
        "anomalies": [],
        "validationResults": [_validation_result(run, result) for result in run.results.all()] if run else [],
        "notRun": run.not_run if run else [],
        "generatedAt": run.finished_at if run else None,
    }


def quality_metrics(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset's QualityMetrics."""
    values = {name: getattr(dataset, name) for name in _DIMENSIONS}
    return {
        **{name: None if value is None else float(value) for name, value in values.items()},
        "overall": None if dataset.quality_score is None else float(dataset.quality_score),
        "lastUpdated": dataset.last_validated,
        "unknown": [name for name, value in values.items() if value is None],
    }


def has_findings(report: dict[str, Any]) -> bool:
    """Whether a check found something; information does not count."""
    return any(not result["passed"] for result in report["validationResults"])


def _validation_result(run: ValidationRun, result: CheckResult) -> dict[str, Any]:
    return {
        "checkName": result.check_id,
        "passed": result.severity == "info" or not result.violations,
        "message": result.message,
        "timestamp": run.finished_at,
        "severity": result.severity,
        "dimension": result.dimension or None,
        "violations": result.violations,
        "rows": result.rows,
        "score": None if result.score is None else float(result.score),
        "params": result.params,
        "version": result.version,
        "samples": result.samples,
    }
