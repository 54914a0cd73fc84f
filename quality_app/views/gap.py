"""One gap: where it lies, why, what is on both sides of it, what it touches, what was done about it."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalog_app.services.series import can_draw
from quality_app.models import Gap
from quality_app.services.context import interval_of
from quality_app.services.gaps.expecting import MAX_REASON
from quality_app.services.gaps.fills import fills_of
from quality_app.services.gaps.impact import impact_of
from quality_app.services.gaps.others import others_in
from quality_app.services.gaps.session_days import expected_units, span_of
from quality_app.services.gaps.setting import setting_of
from quality_app.services.gaps.sides import sides_of
from quality_app.services.gaps.why import why

# The chart shows at least so much on either side: what a human needs to see the market's pace.
LEAST_MARGIN_NS = 30 * 60 * 1_000_000_000
BARS_AROUND = 30


@require_safe
@permission_required("quality_app.view_gap", raise_exception=True)
def gap(request: HttpRequest, gap_id: UUID) -> HttpResponse:
    """One gap in full; other data of its instrument comes after, since files may have to be read for it."""
    found = _gap(gap_id)
    span = span_of(found)
    margin = max(2 * (span[1] - span[0]), LEAST_MARGIN_NS, BARS_AROUND * (interval_of(found.dataset) or 0))
    context = {
        "gap": found,
        "dataset": found.dataset,
        "covers_ns": span[1] - span[0] + 1,
        "expected": expected_units([found])[found.pk],
        "setting": setting_of(found, span),
        "why": why(found, span),
        "sides": sides_of(found.dataset, span),
        "impact": impact_of(found),
        "fills": fills_of(found),
        "history": found.details.get("history", [])[::-1],
        "decisions": found.details.get("decisions", [])[::-1],
        "can_draw": can_draw(found.dataset),
        "chart": (max(span[0] - margin, 0), span[1] + margin),
        "max_reason": MAX_REASON,
    }
    return render(request, "quality/gap.html", context)


@require_safe
@permission_required(("quality_app.view_gap", "catalog_app.view_dataset"), raise_exception=True)
def others(request: HttpRequest, gap_id: UUID) -> HttpResponse:
    """Other datasets of the instrument that have rows where the gap is: a part of the gap's page."""
    found = _gap(gap_id)
    held = others_in(found.dataset, span_of(found))
    return render(request, "quality/gap_others.html", {"gap": found, "others": held})


@require_safe
@permission_required("quality_app.view_gap", raise_exception=True)
def interval(request: HttpRequest, gap_id: UUID) -> JsonResponse:
    """JSON: the gap as what a chart shades."""
    found = _gap(gap_id)
    start, end = span_of(found)
    return JsonResponse({"intervals": [{"startNs": str(start), "endNs": str(end)}]})


def _gap(gap_id: UUID) -> Gap:
    related = ("dataset__store", "dataset__definition", "expected_by")
    return get_object_or_404(Gap.objects.select_related(*related), pk=gap_id)
