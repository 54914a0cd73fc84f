"""How many anomalies wait for somebody's decision."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from catalog_app.models import Dataset
from quality_app.models import Anomaly
from quality_app.services.anomalies.standing import Standing, with_standing
from quality_app.services.standing import Scope


@dataclass(frozen=True, slots=True)
class OpenAnomalies:
    """Open anomalies: all of them, and the critical ones among them."""

    total: int
    critical: int


def open_anomalies(scope: Scope) -> OpenAnomalies:
    """Count the open anomalies of a scope, in one query."""
    found = with_standing(Anomaly.objects.filter(scope.restriction("dataset__")))
    rows = found.filter(standing=Standing.OPEN).order_by().values_list("severity").annotate(Count("pk"))
    counts = dict(rows)
    return OpenAnomalies(sum(counts.values()), counts.get(Anomaly.Severity.CRITICAL, 0))


@dataclass(frozen=True, slots=True)
class CheckAnomalies:
    """Anomalies that a check still finds in a dataset: all, and those that wait for a decision."""

    total: int
    open: int


def anomalies_by_check(dataset: Dataset) -> dict[str, CheckAnomalies]:
    """Count a dataset's anomalies by check, in one query; repaired ones and those that are gone are left out."""
    found = with_standing(Anomaly.objects.filter(dataset=dataset))
    found = found.exclude(standing__in=(Standing.GONE, Standing.REPAIRED)).order_by()
    rows = found.values_list("check_id").annotate(
        total=Count("pk"), waiting=Count("pk", filter=Q(standing=Standing.OPEN))
    )
    return {check_id: CheckAnomalies(total, waiting) for check_id, total, waiting in rows}
