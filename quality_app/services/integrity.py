"""What is known to be right and wrong in an instrument's rows, from the latest runs, gap scans and reconciliations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, Q, Sum

from catalog_app.models import Dataset
from quality_app.checks.registry import CHECKS
from quality_app.models import CheckResult, Gap, ReconciliationShare, ValidationRun
from quality_app.services.standing import STALE

DUPLICATES = "row.duplicate"
SCHEMA = "file.schema"
# Checks of what values and times may be at all.
RANGES = frozenset(
    ("price.positive", "size.positive", "row.precision", "time.event_after_init", "time.future", "file.interval")
)


@dataclass(frozen=True, slots=True)
class Cross:
    """A dataset beside one other source; `discrepancy` is the share of matched points beyond the limit."""

    dataset_id: UUID
    source: str
    reconciliation_id: int
    matched: int
    discrepancy: float | None
    at: datetime


@dataclass(slots=True)
class Integrity:
    """Counts over the datasets. `invalid` is an upper and `least` a lower bound; the same where `exact`."""

    total: int | None = None
    checked: int = 0
    invalid: int = 0
    least: int = 0
    exact: bool = True
    duplicates: int | None = None
    missing: int = 0
    is_stale: bool = False
    missing_fields: list[str] = field(default_factory=list)
    ranges: list[CheckResult] = field(default_factory=list)
    crosses: list[Cross] = field(default_factory=list)


def integrity(datasets: Sequence[Dataset]) -> Integrity:
    """Sum up what is known of these datasets, in five queries."""
    keys = [dataset.pk for dataset in datasets]
    found = Integrity()
    rows = [dataset.record_count for dataset in datasets if dataset.record_count is not None]
    found.total = sum(rows) if rows or not datasets else None
    for run in _latest_runs(keys):
        found.checked += run.rows
        _count(found, run, list(run.results.all()))
    gaps = Gap.objects.filter(dataset__in=keys).unexplained().exclude(unit=Gap.Unit.SECONDS)
    found.missing = gaps.aggregate(total=Sum("missing", default=0))["total"]
    found.is_stale = Dataset.objects.filter(STALE, pk__in=keys).exists()
    found.crosses = list(_crosses(keys))
    return found


def _latest_runs(keys: Sequence[UUID]) -> Iterable[ValidationRun]:
    mine = ValidationRun.objects.filter(dataset__in=keys)
    newest = mine.order_by().values_list("dataset_id").annotate(Max("finished_at"))
    wanted = Q(pk=None)
    for key, at in newest:
        wanted |= Q(dataset=key, finished_at=at)
    runs = mine.filter(wanted).defer("files", "not_run").order_by("pk").prefetch_related("results")
    return {run.dataset_id: run for run in runs}.values()


def _count(found: Integrity, run: ValidationRun, results: Sequence[CheckResult]) -> None:
    marked = [result.violations for result in results if _marks_rows(result) and result.violations]
    found.invalid += min(sum(marked), run.rows)
    found.least += max(marked, default=0)
    found.exact &= len(marked) <= 1
    for result in results:
        if result.check_id == DUPLICATES:
            found.duplicates = (found.duplicates or 0) + result.violations
        if result.check_id == SCHEMA:
            found.missing_fields += [_reason(sample) for sample in result.samples]
        if result.check_id in RANGES and result.violations:
            found.ranges.append(result)


def _marks_rows(result: CheckResult) -> bool:
    check = CHECKS.get(result.check_id)
    return result.severity != "info" and (check is None or check.unit == "rows")


def _reason(sample: dict[str, Any]) -> str:
    return f"{sample['file']}: {sample['values'].get('reason', 'another schema')}"


def _crosses(keys: Sequence[UUID]) -> Iterable[Cross]:
    """Each dataset's pairs in the latest run of each reconciliation that it is in."""
    mine = ReconciliationShare.objects.filter(dataset__in=keys)
    latest = mine.order_by().values_list("run__reconciliation").annotate(Max("run__finished_at"))
    wanted = Q(pk=None)
    for reconciliation, at in latest:
        wanted |= Q(run__reconciliation=reconciliation, run__finished_at=at)
    for share in mine.filter(wanted).select_related("run").defer("run__series", "run__files", "run__votes"):
        sources = share.run.sources
        own = [at for at, source in enumerate(sources) if source["datasetId"] == str(share.dataset_id)]
        for pair in share.run.pairs:
            for at, other in ((pair["left"], pair["right"]), (pair["right"], pair["left"])):
                if at in own:
                    yield Cross(
                        share.dataset_id,
                        sources[other]["label"],
                        share.run.reconciliation_id,
                        pair["matched"],
                        pair["beyond"] / pair["matched"] if pair["matched"] else None,
                        share.run.finished_at,
                    )
