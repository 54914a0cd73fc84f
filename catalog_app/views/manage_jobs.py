"""A job of the manager: the preview of an operation, or its run, undo or purge, with what came of it."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.job import JobLine, JobState
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import queries
from catalog_app.services.maintenance.runs import request_run_of
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of

STOP_POLLING = 286
KINDS = ("maintain", "convert", "undo", "purge")
# Datasets that an address names one by one.
AGAIN_AT_MOST = 20


@require_safe
@permission_required(("catalog_app.maintain_store", "catalog_app.view_job"), raise_exception=True)
def job(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """A preview or a run: its progress, then what it would do or has done."""
    found = _job(job_id)
    context = {
        "job": found,
        "title": found.title.removeprefix("Preview: "),
        "is_preview": bool(found.parameters.get("dryRun")),
        "seconds_left": queries.seconds_left(found),
        "store": _store(found),
        "failures": _failures(found),
        "again_url": _again_url(found),
        "operations": found.operations.defer("files_before", "files_after").order_by("path"),
        "run": Job.objects.filter(parameters__previewId=str(found.pk)).first(),
        "may_run": _may_run(user_of(request), found),
        "may_cancel": queries.may_change(user_of(request), found)
        and not found.is_finished
        and not found.cancel_requested,
    }
    if not wants_fragment(request):
        return render_page(request, "catalog/manage_job.html", "status", context)
    return render_page(
        request, "catalog/manage_job.html", "status", context, status=STOP_POLLING if found.is_finished else 200
    )


@require_POST
@permission_required("catalog_app.view_job", raise_exception=True)
def run(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Do what a preview showed."""
    preview = _job(job_id)
    if not _may_run(user_of(request), preview):
        raise PermissionDenied
    try:
        started = request_run_of(preview, user_of(request))
    except Conflict as refusal:
        messages.warning(request, str(refusal))
        return redirect("manage:job", preview.pk)
    return redirect("manage:job", started.pk)


def job_page(request: HttpRequest, started: Job) -> str:
    """Where to watch a job that changes a store: in the manager, for those who may use it."""
    may_manage = user_of(request).has_perm("catalog_app.maintain_store")
    return reverse("manage:job" if may_manage else "jobs:detail", args=[started.pk])


def _job(job_id: uuid.UUID) -> Job:
    return get_object_or_404(queries.with_times(), pk=job_id, kind__in=KINDS)


def _failures(found: Job) -> QuerySet[JobLine]:
    """Why datasets were not changed, one line for each; a single one's reason is the job's error."""
    several = found.is_finished and len(found.parameters.get("directories") or ()) > 1
    return found.lines.filter(level="error").exclude(text=found.error) if several else found.lines.none()


def _again_url(found: Job) -> str:
    """The form with the datasets of an operation that failed or was cancelled; empty when there is no sense in it."""
    directories = found.parameters.get("directories") or ()
    is_open = found.kind == "maintain" and found.state in {JobState.FAILED, JobState.CANCELLED}
    if not is_open or len(directories) > AGAIN_AT_MOST:
        return ""
    keys = Dataset.objects.filter(store=found.parameters["storeId"], path__in=directories).values_list("pk", flat=True)
    query = {"kind": found.parameters["request"]["kind"], "dataset": list(keys)}
    return f"{reverse('manage:new')}?{urlencode(query, doseq=True)}"


def _store(found: Job) -> Store | None:
    if found.kind == "undo":
        return Store.objects.filter(operations=found.parameters["operationId"]).first()
    return Store.objects.filter(pk=found.parameters.get("storeId")).first()


def _may_run(user: User, found: Job) -> bool:
    """Whether a user may do what a preview showed."""
    permission = "convert_store" if found.kind == "convert" else "maintain_store"
    return user.has_perm(f"catalog_app.{permission}")
