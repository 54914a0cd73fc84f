"""Operations on jobs: how far long work is, and stopping it."""

from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from ninja.errors import AuthorizationError

from catalog_app.api import cursors, schemas, shapes
from catalog_app.api.auth import access, caller
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.models import Job
from catalog_app.services import jobs
from catalog_app.services.jobs import queries

router = Router(tags=["Jobs"], by_alias=True)

READ = access("read", "export", "import", "admin", permission="catalog_app.view_job")
CHANGE = access("export", "import", "admin", permission="catalog_app.view_job")
State = Literal["", "active", "queued", "running", "succeeded", "failed", "cancelled"]


@router.get("", response=schemas.JobPage, summary="Jobs, newest first", **READ)
def list_jobs(
    request: HttpRequest,
    state: Annotated[State, Query(description="`active` is queued or running.")] = "",
    kind: str = "",
    mine: bool = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.JobPage:
    """All jobs, or those of one state, kind or only your own."""
    found = queries.list_jobs(state=state, kind=kind, owner=caller(request) if mine else None)
    rows, following = cursors.newest_first(found, limit, cursor)
    return schemas.JobPage(jobs=[shapes.job(row) for row in rows], next_cursor=following)


@router.get("/{job_id}", response=schemas.JobInfo, summary="One job", url_name="get_job", **READ)
def get_job(request: HttpRequest, job_id: UUID) -> schemas.JobInfo:
    """State, progress, result or error of a job."""
    return shapes.job(get_object_or_404(queries.with_times(), pk=job_id))


@router.post("/{job_id}/cancel", response=schemas.JobInfo, summary="Cancel a job", **CHANGE)
def cancel_job(request: HttpRequest, job_id: UUID) -> schemas.JobInfo:
    """A queued job is cancelled at once, a running one after its present batch. 409 when it has finished."""
    job = get_object_or_404(queries.with_times(), pk=job_id)
    if not queries.may_change(caller(request), job):
        raise AuthorizationError(message="It is somebody else's job: that needs the permission catalog_app.change_job.")
    jobs.request_cancel(job)
    return shapes.job(job)


@router.get("/{job_id}/log", response=schemas.LogPage, summary="Log of a job", **READ)
def get_log(request: HttpRequest, job_id: UUID, limit: Limit = 100, cursor: Cursor = None) -> schemas.LogPage:
    """The lines of a job's log, oldest first. Ask again with the last cursor for what came since."""
    job = get_object_or_404(Job, pk=job_id)
    lines = list(job.lines.filter(pk__gt=cursors.offset_of(cursor)).order_by("pk")[: limit + 1])
    return schemas.LogPage(
        lines=[
            schemas.LogLine(at=schemas.iso(line.at) or "", level=line.level, text=line.text) for line in lines[:limit]
        ],
        next_cursor=cursors.encode(lines[limit - 1].pk) if len(lines) > limit else None,
    )
