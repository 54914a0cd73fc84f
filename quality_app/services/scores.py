"""Scores of a dataset from its latest validation and gap scan."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.checks.registry import CHECKS
from quality_app.models import CheckResult, QualityMetric, ValidationRun
from quality_app.scoring import Score, ScoredCheck, score_dataset

# Keys of Dataset.metadata that this app writes.
GAP_SCAN = "gapScan"
SCORE = "score"


def refresh_scores(dataset: Dataset) -> Score:
    """Compute a dataset's scores anew, save them with the sum that led to them, and keep them as metrics."""
    with transaction.atomic():
        row = Dataset.objects.select_for_update().get(pk=dataset.pk)
        run = ValidationRun.objects.filter(dataset=row).prefetch_related("results").first()
        score = score_dataset(_scored(run), completeness_of(row.metadata.get(GAP_SCAN)))
        changed = row.metadata.get(SCORE) != score.to_json()
        row.quality_score = score.overall
        for name, value in score.dimensions.items():
            setattr(row, name, value)
        row.last_validated = run.finished_at if run else None
        row.metadata = {**row.metadata, SCORE: score.to_json()}
        fields = ["quality_score", *score.dimensions, "last_validated", "metadata"]
        row.save(update_fields=fields)
        if changed:
            _keep_metrics(row, score)
    for name in fields:
        setattr(dataset, name, getattr(row, name))
    return score


def completeness_of(summary: dict[str, Any] | None) -> Fraction | None:
    """Return a scan's completeness, exactly; None when there was none or it could not tell."""
    if not summary or not summary.get("expected"):
        return None
    return 1 - Fraction(summary["missing"] - summary["illiquid"], summary["expected"])


def _scored(run: ValidationRun | None) -> list[ScoredCheck]:
    return [_scored_check(result) for result in run.results.all()] if run else []


def _scored_check(result: CheckResult) -> ScoredCheck:
    check = CHECKS.get(result.check_id)  # a check may have been retired since
    limit = check.limit if check else None
    return ScoredCheck(result.check_id, result.dimension, result.severity, result.rows, result.violations, limit)


def _keep_metrics(dataset: Dataset, score: Score) -> None:
    values: dict[str, Decimal | None] = {"overall": score.overall, **score.dimensions}
    now = timezone.now()
    QualityMetric.objects.bulk_create(
        QualityMetric(
            dataset=dataset, instrument_id=dataset.instrument_id, metric_name=name, metric_value=value, timestamp=now
        )
        for name, value in values.items()
        if value is not None
    )
