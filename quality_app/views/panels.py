"""A dataset's checks and gaps: panels of its page, and pages of their own."""

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog_app.models import Dataset
from catalog_app.views.htmx import render_page, wants_fragment
from quality_app.services.panels import SHOWN, check_panel, gap_intervals, gap_panel

GAPS_PER_PAGE = 50


@require_safe
@permission_required("quality_app.view_checkresult", raise_exception=True)
def checks(request: HttpRequest, catalog_id: UUID) -> HttpResponse:
    """What the latest run found, row by row, and the sum that led to the score."""
    dataset = _dataset(catalog_id)
    context = {"dataset": dataset, "panel": check_panel(dataset), "is_part": _is_part(request)}
    return render_page(request, "quality/checks.html", "checks", context)


@require_safe
@permission_required("quality_app.view_gap", raise_exception=True)
def gaps(request: HttpRequest, catalog_id: UUID) -> HttpResponse:
    """What is missing: `show` is open (default), unexplained, explained, expected or filled."""
    dataset = _dataset(catalog_id)
    shown = request.GET.get("show", "open")
    shown = shown if shown in SHOWN else "open"
    panel = gap_panel(dataset, shown)
    page = Paginator(panel.gaps, GAPS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"dataset": dataset, "panel": panel, "shown": shown, "page": page, "is_part": _is_part(request)}
    return render_page(request, "quality/gaps.html", "gaps", context)


@require_safe
@permission_required("quality_app.view_gap", raise_exception=True)
def intervals(request: HttpRequest, catalog_id: UUID) -> JsonResponse:
    """JSON: the largest open gaps that trading does not explain, for the chart."""
    return JsonResponse({"intervals": gap_intervals(_dataset(catalog_id))})


def _is_part(request: HttpRequest) -> bool:
    """Whether the answer goes into another page, whose address must stay."""
    htmx = getattr(request, "htmx", None)
    return (
        wants_fragment(request) and htmx is not None and (htmx.current_url_abs_path or "").split("?")[0] != request.path
    )


def _dataset(catalog_id: UUID) -> Dataset:
    return get_object_or_404(Dataset.objects.select_related("store", "definition"), pk=catalog_id)
