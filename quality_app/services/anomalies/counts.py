"""How many anomalies wait for somebody's decision."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

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
