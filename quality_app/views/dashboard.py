"""The quality dashboard: how good everything is, over time, and where to look first."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog_app.views.htmx import render_page
from quality_app.models import ValidationRun
from quality_app.services import dashboard as figures
from quality_app.services import standing
from quality_app.services.anomalies.counts import open_anomalies
from quality_app.services.standing import Scope
from quality_app.services.validation.listing import RunFilters, lines, runs

LAST_RUNS = 8
VENUES_SHOWN = 25
MOST_VENUES = 2000


@require_safe
@permission_required("quality_app.view_qualitymetric", raise_exception=True)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Everything, or a store, venue, data type, asset class; the address says which, and over which time."""
    scope, now = Scope.read(request.GET), timezone.now()
    venues = MOST_VENUES if request.GET.get("venues") == "all" else VENUES_SHOWN
    every = standing.groups()
    groups = scope.within(every)
    total = standing.total(groups)
    bars = figures.distribution(groups)
    context = {
        "scope": scope,
        "filters": figures.filters(every, scope),
        "total": total,
        "is_empty": not every,
        "bars": bars,
        "bands": figures.band_counts(bars),
        "dimensions": figures.dimension_lines(total),
        "trend": figures.trend(scope, now, request.GET.get("range", ""), total),
        "ranges": figures.RANGES,
        "heatmap": figures.heatmap(groups, scope),
        "venues_shown": venues,
        "venues_slice": f":{venues}",
        "now": now,
        **_lists(request, scope),
    }
    return render_page(request, "quality/dashboard.html", "body", context)


def _lists(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """What only those see who may see what is behind it."""
    may = request.user.has_perm
    may_see_results = may("quality_app.view_checkresult")
    return {
        "worst": figures.worst(scope),
        "failing": figures.failing_checks(scope) if may_see_results else [],
        "runs": lines(_last_runs(scope)) if may("quality_app.view_validationrun") and may_see_results else [],
        "jobs": figures.active_jobs() if may("catalog_app.view_job") else [],
        "anomalies": open_anomalies(scope) if may("quality_app.view_anomaly") else None,
    }


def _last_runs(scope: Scope) -> list[ValidationRun]:
    return list(runs(RunFilters(scope))[:LAST_RUNS])
