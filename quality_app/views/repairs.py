"""Repairing rows that are bad data: how, a preview of every row, and the run."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog_app.models import Dataset, Job
from catalog_app.services import operations
from catalog_app.services.errors import Conflict, ServiceError
from catalog_app.services.jobs import queries
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of
from quality_app.models import Anomaly
from quality_app.services.anomalies.repair import METHODS, RepairRefused, repairable, request_preview, request_repair
from quality_app.services.anomalies.rows import sources_for
from quality_app.views.anomalies import chosen_keys

STOP_POLLING = 286
MS = 10**6
_MAY = ("quality_app.view_anomaly", "quality_app.repair_anomaly")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(_MAY, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """How to repair the anomalies that the address or a list's form names; posting this page's form makes a preview."""
    problem, found = "", []
    keys = chosen_keys(request)
    try:
        found = repairable(keys) if keys or request.method == "POST" else []
        if "preview" in request.POST:
            return redirect("quality:repair", _preview(request, found).pk)
    except ServiceError as refusal:
        problem = str(refusal)
    context = {
        "found": found[:20],
        "number": len(found),
        "keys": [row.pk for row in found],
        "dataset": found[0].dataset if found else None,
        "sources": sources_for(found[0].dataset) if found else [],
        "methods": METHODS.items(),
        "given": request.POST,
        "problem": problem,
    }
    return render(request, "quality/anomaly_repair_new.html", context, status=422 if problem else 200)


@require_safe
@permission_required(_MAY, raise_exception=True)
def repair(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A preview or a run: its progress, then every row before and after, or the operation that was made."""
    found = _job(job_id)
    operation = found.operations.select_related("store").first()
    context = {
        "job": found,
        "title": found.title.removeprefix("Preview: "),
        "is_preview": bool(found.parameters.get("dryRun")),
        "dataset": Dataset.objects.select_related("store").filter(pk=found.parameters["datasetId"]).first(),
        "run": Job.objects.filter(kind="repair", parameters__previewId=str(found.pk)).first(),
        "operation": operation,
        "hindrance": operations.hindrance(operation) if operation else "",
        "refused": _refused(found),
    }
    status = STOP_POLLING if found.is_finished and wants_fragment(request) else 200
    return render_page(request, "quality/anomaly_repair.html", "status", context, status=status)


@require_POST
@permission_required(_MAY, raise_exception=True)
def run(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Do what a preview showed."""
    preview = _job(job_id)
    try:
        started = request_repair(preview, user_of(request))
    except Conflict as refusal:
        messages.warning(request, str(refusal))
        return redirect("quality:repair", preview.pk)
    return redirect("quality:repair", started.pk)


def _preview(request: HttpRequest, found: list[Anomaly]) -> Job:
    key = request.POST.get("source", "")
    source = next((one for one in sources_for(found[0].dataset) if str(one.pk) == key), None)
    try:
        tolerance = int(Decimal(request.POST.get("tolerance", "").strip() or "0") * MS)
    except (InvalidOperation, OverflowError, ValueError):
        raise RepairRefused("Give the tolerance in milliseconds, such as 0 or 2.5.") from None
    method = request.POST.get("method", "")
    return request_preview(found, method, user_of(request), source=source, tolerance_ns=tolerance)


def _job(job_id: UUID) -> Job:
    return get_object_or_404(queries.with_times(), pk=job_id, kind="repair")


def _refused(found: Job) -> list[dict[str, object]]:
    """Anomalies that a preview left out, with the reason."""
    refused = (found.result or {}).get("refused", [])
    known = Anomaly.objects.in_bulk([one["anomalyId"] for one in refused[:100]])
    return [{"anomaly": known.get(UUID(one["anomalyId"])), "reason": one["reason"]} for one in refused[:100]]
