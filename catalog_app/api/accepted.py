"""Operations that queue a job: who may call them, and the answer, 202 with where to follow it."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Status

from catalog_app.api.auth import access
from catalog_app.api.schemas import JobAccepted
from catalog_app.models import Job

type Accepted = Status[JobAccepted]


def queues_job(permission: str, *scopes: str) -> dict[str, Any]:
    """The arguments of an operation for tokens of these scopes or admin, and sessions, with this permission."""
    return {"response": {202: JobAccepted}, **access(*scopes, "admin", permission=permission)}


def accepted(response: HttpResponse, job: Job) -> Accepted:
    """The answer of such an operation."""
    response["Location"] = reverse("api:get_job", args=(job.pk,))
    return Status(202, JobAccepted(job_id=str(job.pk), state=job.state))
