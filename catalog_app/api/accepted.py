"""Operations that queue a job: who may call them, and the answer, 202 with where to follow it."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from catalog_app.api.auth import access
from catalog_app.api.schemas import JobAccepted
from catalog_app.models import Job

type Accepted = tuple[int, JobAccepted]


def queues_job(permission: str) -> dict[str, Any]:
    """The arguments of an operation that an admin's token, or a session, with this permission may call."""
    return {"response": {202: JobAccepted}, **access("admin", permission=permission)}


def accepted(response: HttpResponse, job: Job) -> Accepted:
    """The answer of such an operation."""
    response["Location"] = reverse("api:get_job", args=(job.pk,))
    return 202, JobAccepted(job_id=str(job.pk), state=job.state)
