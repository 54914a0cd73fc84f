"""Validation runs: all of them, and one with what it changed."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalog_app.models import Store
from catalog_app.models.dataset import DataType
from catalog_app.views.htmx import render_page
from quality_app.models import ValidationRun
from quality_app.services.validation import listing as run_list
from quality_app.services.validation.changes import run_changes

RUNS_PER_PAGE = 50
SEE_RUNS = ("quality_app.view_validationrun", "quality_app.view_checkresult")


@require_safe
@permission_required(SEE_RUNS, raise_exception=True)
def runs(request: HttpRequest) -> HttpResponse:
    """Runs, newest first; the filters are in the address."""
    filters = run_list.read_filters(request.GET)
    page = Paginator(run_list.runs(filters), RUNS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "active": filters.active(),
        "page": page,
        "lines": run_list.lines(page.object_list),
        "stores": Store.objects.values_list("name", flat=True),
        "types": DataType.choices,
        "outcomes": run_list.FOUND,
    }
    return render_page(request, "quality/runs.html", "rows", context)


@require_safe
@permission_required(SEE_RUNS, raise_exception=True)
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """What one run checked, found and did not run, beside the run before it."""
    rows = ValidationRun.objects.select_related("dataset__store", "job__user").prefetch_related("results")
    found = get_object_or_404(rows, pk=run_id)
    context = {"run": found, "changes": run_changes(found)}
    return render(request, "quality/runs_detail.html", context)
