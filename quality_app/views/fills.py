"""Filling gaps: where rows could come from, a preview of the seams, and the run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any
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
from catalog_app.services.maintenance.access import refuse_read_only
from catalog_app.store.errors import StoreError
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of
from quality_app.models import Gap, GapFill
from quality_app.services.gaps.filling.candidates import (
    GROUPS,
    NO_HISTORY,
    Candidate,
    WaitingFile,
    candidates,
    waiting_files,
)
from quality_app.services.gaps.filling.requests import KIND, fillable, request_fill, request_preview, run_of
from quality_app.services.gaps.filling.spans import MAX_GAPS, FillRefused
from quality_app.services.gaps.filling.target import Target

STOP_POLLING = 286
GAPS_SHOWN = 20
MOST_DATASETS = 10
_MAY = ("quality_app.view_gap", "quality_app.fill_gap")


@dataclass(frozen=True, slots=True)
class _Group:
    """The gaps of one dataset, and what could fill them; `problem` is why it cannot be filled at all."""

    dataset: Dataset
    gaps: list[Gap]
    found: list[tuple[str, list[Candidate]]]
    files: list[WaitingFile]
    problem: str

    @property
    def first(self) -> str:
        """The key of the best candidate that can be taken."""
        return next((one.key for _, group in self.found for one in group if not one.problem), "")


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(_MAY, raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """What could fill the gaps that the address or a list's form names; posting this page's form makes a preview."""
    problem, groups = "", []
    keys = _keys(request)
    try:
        found = fillable(keys) if keys or request.method == "POST" else []
        if "preview" in request.POST:
            return redirect("quality:fill", _preview(request, found).pk)
        groups = _groups(request, found)
    except ServiceError as refusal:
        problem = str(refusal)
    context = {"groups": groups, "shown": GAPS_SHOWN, "no_history": NO_HISTORY, "problem": problem}
    return render(request, "quality/fill_new.html", context, status=422 if problem else 200)


@require_safe
@permission_required(_MAY, raise_exception=True)
def fill(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A preview or a run: its progress, then the rows and seams, or the operation that was made."""
    found = _job(job_id)
    operation = found.operations.select_related("store").first()
    rows = Dataset.objects.select_related("store")
    context: dict[str, Any] = {
        "job": found,
        "title": found.title.removeprefix("Preview: "),
        "is_preview": bool(found.parameters.get("dryRun")),
        "dataset": rows.filter(pk=found.parameters["datasetId"]).first(),
        "run": run_of(found),
        "operation": operation,
        "hindrance": operations.hindrance(operation) if operation else "",
        "fill": GapFill.objects.filter(operation_id=operation.pk).first() if operation else None,
        "gaps": Gap.objects.in_bulk((found.result or {}).get("gapIds", [])),
    }
    status = STOP_POLLING if found.is_finished and wants_fragment(request) else 200
    return render_page(request, "quality/fill.html", "status", context, status=status)


@require_POST
@permission_required(_MAY, raise_exception=True)
def run(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Do what a preview showed."""
    preview = _job(job_id)
    try:
        started = request_fill(preview, user_of(request))
    except Conflict as refusal:
        messages.warning(request, str(refusal))
        return redirect("quality:fill", preview.pk)
    return redirect("quality:fill", started.pk)


def _groups(request: HttpRequest, gaps: list[Gap]) -> list[_Group]:
    by_dataset = [(key, list(rows)) for key, rows in groupby(gaps, key=lambda gap: gap.dataset_id)]
    if len(by_dataset) > MOST_DATASETS:
        raise FillRefused(f"Choose gaps of at most {MOST_DATASETS} datasets; these are of {len(by_dataset)}.")
    return [_group(request, rows) for _, rows in by_dataset]


def _group(request: HttpRequest, gaps: list[Gap]) -> _Group:
    dataset, user = gaps[0].dataset, user_of(request)
    try:
        refuse_read_only(dataset.store)
        Target(dataset)
        found = candidates(gaps)
    except (ServiceError, StoreError) as refusal:
        return _Group(dataset, gaps, [], [], str(refusal))
    by_group = [(label, [one for one in found if one.group == name]) for name, label in GROUPS.items()]
    return _Group(dataset, gaps, [pair for pair in by_group if pair[1]], waiting_files(dataset, user), "")


def _preview(request: HttpRequest, gaps: list[Gap]) -> Job:
    key = request.POST.get("source", "")
    source = next((one for one in candidates(gaps) if one.key == key), None) if key else None
    if source is None:
        raise FillRefused("Choose where the rows shall come from.")
    if source.problem:
        raise FillRefused(source.problem)
    return request_preview(gaps, source.dataset, user_of(request))


def _keys(request: HttpRequest) -> list[UUID]:
    """The gaps that are named, or all unexplained ones of the dataset that is."""
    named = request.POST if request.method == "POST" else request.GET
    if (key := _uuid(named.get("dataset", ""))) and not named.getlist("gap"):
        missing = Gap.objects.filter(dataset=key).unexplained()
        return list(missing.order_by("start_ns").values_list("pk", flat=True)[:MAX_GAPS])
    return [key for text in named.getlist("gap") if (key := _uuid(text))]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _job(job_id: UUID) -> Job:
    return get_object_or_404(queries.with_times(), pk=job_id, kind=KIND)
