"""Pages of the jobs: the list, one job while it runs, cancel, retry, download."""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from catalog_app.forms.import_initial import values_of
from catalog_app.models import Export, Import, Job
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.downloads import FileGone, NoFileYet, export_file
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import queries
from catalog_app.services.jobs.datasets import PARAMETER, RESULT, job_datasets
from catalog_app.services.uploads import visible_uploads
from catalog_app.views.downloads import export_response
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of

PAGE_SIZE = 50
LINES_SHOWN = 200
REJECTED_SHOWN = 100
# htmx: swap this answer in and stop polling.
STOP_POLLING = 286


@require_safe
@permission_required("catalog_app.view_job", raise_exception=True)
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs, newest first; the filters are in the address, and the rows are polled while something runs."""
    user = user_of(request)
    chosen = {name: request.GET.get(name, "") for name in ("state", "kind", "mine")}
    found = queries.list_jobs(state=chosen["state"], kind=chosen["kind"], owner=user if chosen["mine"] else None)
    page = Paginator(found.prefetch_related("exports"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "states": [("", "Any state"), ("active", "Queued or running"), *JobState.choices],
        "kinds": queries.kinds(),
        "is_live": queries.active_count() > 0,
    }
    return render_page(request, "jobs/list.html", "rows", context)


@require_safe
@permission_required("catalog_app.view_job", raise_exception=True)
def detail(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """One job; htmx polls its status each second until it has finished."""
    job = get_object_or_404(queries.with_times(), pk=job_id)
    context = _detail_context(request, job)
    if not wants_fragment(request):
        response = render(request, "jobs/detail.html", context)
    else:
        # Told once per stage, not at each poll: the fragment carries the stage that was told last.
        context["announce"] = request.GET.get("told") != context["told"]
        status = STOP_POLLING if job.is_finished else 200
        response = render(request, "jobs/detail.html#status", context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


@require_POST
@permission_required("catalog_app.view_job", raise_exception=True)
def cancel(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Cancel one's own job; with the permission to change jobs, any."""
    job = _changeable_job(request, job_id)
    try:
        jobs.request_cancel(job)
    except Conflict as refusal:
        messages.warning(request, str(refusal))
    return redirect("jobs:detail", job.pk)


@require_POST
@permission_required("catalog_app.view_job", raise_exception=True)
def retry(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Do the work of a failed or cancelled job again, as a new job."""
    job = _changeable_job(request, job_id)
    try:
        job = jobs.retry(job, user_of(request))
    except Conflict as refusal:
        messages.warning(request, str(refusal))
    return redirect("jobs:detail", job.pk)


@require_safe
@permission_required("catalog_app.view_export", raise_exception=True)
def download(request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
    """The file that an export job made."""
    export = Export.objects.filter(job_id=job_id).first()
    if export is None:
        get_object_or_404(Job, pk=job_id)
        return _no_file(request, "This job makes no file.", 404)
    try:
        return export_response(request, export, export_file(export))
    except NoFileYet as refusal:
        return _no_file(request, str(refusal), 404, export)
    except FileGone as refusal:
        return _no_file(request, str(refusal), 410, export)


def _changeable_job(request: HttpRequest, job_id: uuid.UUID) -> Job:
    job = get_object_or_404(Job, pk=job_id)
    if not queries.may_change(user_of(request), job):
        raise PermissionDenied
    return job


def _detail_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    lines = list(job.lines.order_by("-pk")[: LINES_SHOWN + 1])
    export = job.exports.first()
    may_change = queries.may_change(user_of(request), job)
    worked = job_datasets(job) if request.user.has_perm("catalog_app.view_dataset") else None
    return {
        "job": job,
        "told": f"{job.state} {job.stage}",
        "seconds_left": queries.seconds_left(job),
        "heartbeat_age": queries.heartbeat_age(job),
        "lines": lines[LINES_SHOWN - 1 :: -1] if len(lines) > LINES_SHOWN else lines[::-1],
        "has_earlier_lines": len(lines) > LINES_SHOWN,
        "export": export,
        "may_download": export is not None
        and export.status == "succeeded"
        and request.user.has_perm("catalog_app.view_export"),
        "may_cancel": may_change and not job.is_finished and not job.cancel_requested,
        "may_retry": may_change and job.state in {JobState.FAILED, JobState.CANCELLED},
        "retries": list(job.retries.all()),
        "worked": worked,
        "result_facts": queries.facts(job.result, RESULT if worked and worked.done else ""),
        "parameter_facts": queries.facts(job.parameters, PARAMETER if worked and worked.asked else ""),
        **_import_context(request, job),
    }


def _import_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    """What a finished import made of its file; a retry works for the import of the first job."""
    import_id = job.parameters.get("importId")
    if not (import_id and job.is_finished and request.user.has_perm("catalog_app.view_import")):
        return {}
    imported = Import.objects.select_related("upload", "store", "dataset").filter(pk=import_id).first()
    if imported is None:
        return {}
    may_import = request.user.has_perm("catalog_app.add_import")
    return {
        "imported": imported,
        "mapping": json.loads(imported.parameters["mapping"]),
        "rejected": imported.rejected_rows[:REJECTED_SHOWN],
        "again": urlencode(values_of(imported))
        if may_import and visible_uploads(user_of(request)).filter(pk=imported.upload_id, purged_at=None).exists()
        else "",
    }


def _no_file(request: HttpRequest, text: str, status: int, export: Export | None = None) -> HttpResponse:
    return render(request, "jobs/no_file.html", {"text": text, "export": export}, status=status)
