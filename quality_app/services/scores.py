"""Scores of a dataset from its latest validation and gap scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.checks.registry import CHECKS
from quality_app.models import CheckResult, ValidationRun
from quality_app.scoring import Score, ScoredCheck, score_dataset
from quality_app.services.anomalies.recording import explained
from quality_app.services.history import metrics
from quality_app.services.reconciliation.outcome import PSEUDO_CHECK, consistency_of
from quality_app.services.rules import suppressions

# Keys of Dataset.metadata that this app writes.
GAP_SCAN = "gapScan"
SCORE = "score"


@dataclass(frozen=True, slots=True)
class Leave:
    """What does not count, by check: the reasons of suppressions, and rows that somebody explained."""

    suppressed: Mapping[str, str] = field(default_factory=dict)
    explained: Mapping[str, int] = field(default_factory=dict)


def refresh_scores(dataset: Dataset, confirmed_at: datetime | None = None) -> Score:
    """Compute a dataset's scores anew, save them with the sum that led to them, and keep them as metrics.

    `confirmed_at` is when the latest run was found to hold still: the dataset counts as validated then.
    """
    with transaction.atomic():
        row = Dataset.objects.select_for_update().get(pk=dataset.pk)
        run = ValidationRun.objects.filter(dataset=row).prefetch_related("results").first()
        leave = _leave(row)
        score = score_dataset(_scored(row, run, leave), completeness_of(row.metadata.get(GAP_SCAN)))
        row.quality_score = score.overall
        for name, value in score.dimensions.items():
            setattr(row, name, value)
        times = (row.last_validated, run.finished_at, confirmed_at) if run else ()
        row.last_validated = max((time for time in times if time is not None), default=None)
        left_out = {"suppressed": dict(leave.suppressed), "explained": dict(leave.explained)}
        row.metadata = {**row.metadata, SCORE: score.to_json() | left_out}
        fields = ["quality_score", *score.dimensions, "last_validated", "metadata"]
        row.save(update_fields=fields)
        metrics.record(row, _measured(score, run), timezone.now())
    for name in fields:
        setattr(dataset, name, getattr(row, name))
    return score


def completeness_of(summary: dict[str, Any] | None) -> Fraction | None:
    """Return a scan's completeness, exactly; None when there was none or it could not tell."""
    if not summary or not summary.get("expected"):
        return None
    return 1 - Fraction(summary["missing"] - summary["explained"], summary["expected"])


def _leave(dataset: Dataset) -> Leave:
    active = suppressions.active(dataset, timezone.now())
    return Leave({name: one.reason for name, one in active.items()}, explained(dataset))


def _scored(dataset: Dataset, run: ValidationRun | None, leave: Leave) -> list[ScoredCheck]:
    results = run.results.all() if run else ()
    checks = [_scored_check(result, leave) for result in results if result.check_id not in leave.suppressed]
    compared = consistency_of(dataset)
    return [*checks, ScoredCheck(PSEUDO_CHECK, "consistency", "major", *compared)] if compared else checks


def _scored_check(result: CheckResult, leave: Leave) -> ScoredCheck:
    check = CHECKS.get(result.check_id)  # a check may have been retired since
    limit = check.limit if check else None
    violations = max(0, result.violations - leave.explained.get(result.check_id, 0))
    return ScoredCheck(result.check_id, result.dimension, result.severity, result.rows, violations, limit)


def _measured(score: Score, run: ValidationRun | None) -> metrics.Measured:
    """What the history keeps: the scores, and the share of violating rows of every check."""
    values: dict[str, tuple[Decimal | None, Mapping[str, Any]]] = {"overall": (score.overall, {})}
    values |= {name: (value, {}) for name, value in score.dimensions.items()}
    for result in run.results.all() if run else ():
        rate = Decimal(result.violations) / result.rows if result.rows else None
        counts = {"violations": result.violations, "rows": result.rows}
        values[f"{metrics.CHECK}{result.check_id}"] = (rate, counts)
    return values
