"""What is known of datasets' quality, as JSON for API and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog_app.models import Dataset
from quality_app.checks.registry import CHECKS
from quality_app.models import Anomaly, CheckResult, ValidationRun
from quality_app.services.anomalies.standing import Standing, with_standing
from quality_app.services.scores import SCORE
from quality_app.services.validation.run import latest_run

DIMENSIONS = ("completeness", "accuracy", "timeliness", "consistency")
MOST_ANOMALIES = 200


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
        "anomalies": [anomaly_json(row) for row in open_anomalies(dataset)],
        "validationResults": [validation_result(run, result, dataset) for result in run.results.all()] if run else [],
        "notRun": run.not_run if run else [],
        "generatedAt": run.finished_at if run else None,
    }


def quality_metrics(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset's QualityMetrics."""
    values = {name: getattr(dataset, name) for name in DIMENSIONS}
    return {
        **{name: None if value is None else float(value) for name, value in values.items()},
        "overall": None if dataset.quality_score is None else float(dataset.quality_score),
        "lastUpdated": dataset.last_validated,
        "unknown": [name for name, value in values.items() if value is None],
    }


def has_findings(report: dict[str, Any]) -> bool:
    """Whether a check found something; information and what somebody suppressed or explained do not count."""
    return any(is_finding(result) for result in report["validationResults"])


def is_finding(result: Mapping[str, Any]) -> bool:
    """Whether a validation result is one that somebody should look at."""
    return not result["passed"] and result["suppressed"] is None and result["violations"] > result["explained"]


def validation_result(run: ValidationRun, result: CheckResult, dataset: Dataset) -> dict[str, Any]:
    """Return the ValidationResult of a check, with what people decided about its findings by now."""
    score = dataset.metadata.get(SCORE, {})
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
        "suppressed": score.get("suppressed", {}).get(result.check_id),
        "explained": min(score.get("explained", {}).get(result.check_id, 0), result.violations),
        "samples": result.samples,
    }


def open_anomalies(dataset: Dataset) -> list[Anomaly]:
    """Return a dataset's open anomalies, at most 200, the newest rows first, each with `standing`."""
    found = with_standing(Anomaly.objects.filter(dataset=dataset)).filter(standing=Standing.OPEN)
    return list(found.order_by("-ts_init_ns", "pk")[:MOST_ANOMALIES])


def anomaly_json(row: Anomaly) -> dict[str, Any]:
    """Return the Anomaly shape; the row must have `standing`. Times in nanoseconds are text."""
    return {
        "id": str(row.pk),
        "datasetId": str(row.dataset_id),
        "instrumentId": row.instrument_id,
        "dataType": row.data_type,
        "timeframe": row.timeframe,
        "timestampNs": str(row.ts_init_ns),
        "type": row.type,
        "severity": row.severity,
        "description": description_of(row),
        "value": row.value or None,
        "expectedValue": row.expected or None,
        "check": row.check_id,
        "file": row.file,
        "row": row.row,
        "values": row.values,
        "state": row.standing,  # type: ignore[attr-defined]
        "reason": row.reason,
        "firstSeenAt": row.first_seen_at,
        "lastSeenAt": row.last_seen_at,
    }


def description_of(row: Anomaly) -> str:
    """What is odd about a row, in a sentence."""
    check = CHECKS.get(row.check_id)
    rule = check.explanation if check else "This check was retired."
    if row.value and row.expected:
        return f"{row.value} where {row.expected} was expected. {rule}"
    return rule
