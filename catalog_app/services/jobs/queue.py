"""Putting work into a queue, and taking it out again."""

import logging
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog_app.models import Job
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import broker
from catalog_app.services.jobs.events import announce
from catalog_app.services.jobs.registry import handler_for

logger = logging.getLogger(__name__)


def enqueue(
    kind: str,
    parameters: dict[str, Any],
    *,
    title: str,
    user: User | None,
    queue: str = Job.Queue.HEAVY,
    idempotency_key: str | None = None,
) -> Job:
    """Write a job's row, and ring the worker's doorbell once the transaction has committed.

    A broker that does not answer leaves the row queued: the reaper rings again. The same
    `idempotency_key` of the same user returns the job that it made the first time; other
    work (by kind or title) under the same key is refused.

    Raises:
        LookupError: when nothing does jobs of this kind.
        Conflict: when the key was used for other work.

    """
    handler_for(kind)
    if idempotency_key and (present := _made_before(user, idempotency_key)):
        return _same_work(present, kind, title)
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                title=title[:300],
                parameters=parameters,
                queue=Job.Queue(queue),
                user=user,
                idempotency_key=idempotency_key,
            )
    except IntegrityError:  # the same key at the same time: the other request made the job
        if not (idempotency_key and (present := _made_before(user, idempotency_key))):
            raise
        return _same_work(present, kind, title)
    transaction.on_commit(lambda: ring(job), robust=True)
    announce(job.pk, job.state)
    return job


def ring(job: Job) -> bool:
    """Ring the doorbell of a job's queue; False when the broker does not answer."""
    try:
        broker.send_run(str(job.pk), job.queue)
    except Exception as error:  # kombu wraps some of the transport's errors, and not others
        logger.warning("The broker did not take job %s (%s); the reaper rings again.", job.pk, type(error).__name__)
        return False
    return True


def request_cancel(job: Job) -> None:
    """Cancel a queued job at once; ask a running one to stop after its present batch.

    Raises:
        Conflict: when the job has finished.

    """
    now = timezone.now()
    row = Job.objects.filter(pk=job.pk)
    if row.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED, cancel_requested=True, finished_at=now):
        _close_transfers(job)
    elif not row.filter(state=JobState.RUNNING).update(cancel_requested=True):
        raise Conflict("The job has finished: there is nothing to cancel.")
    job.refresh_from_db()
    announce(job.pk, job.state)


def retry(job: Job, user: User | None) -> Job:
    """Do the work of a failed or cancelled job again, as a new job that names it.

    The new job gets the same parameters; the exports and imports of the old one go over to
    it. A second call returns the job that the first one made.

    Raises:
        Conflict: when the job has not failed and was not cancelled, or was retried by somebody else.

    """
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict("Only a failed or cancelled job can be tried again.")
    with transaction.atomic():
        present = job.retries.first()
        if present is not None and present.user_id != (user.pk if user else None):
            raise Conflict("The job has been tried again already.")
        again = present or enqueue(
            job.kind, job.parameters, title=job.title, user=user, queue=job.queue, idempotency_key=f"retry:{job.pk}"
        )
        Job.objects.filter(pk=again.pk).update(retry_of=job)
        job.exports.exclude(status="succeeded").update(job=again, status="queued")
        job.imports.filter(completed_at=None).update(job=again)
    again.refresh_from_db()
    return again


def _made_before(user: User | None, key: str) -> Job | None:
    return Job.objects.filter(user=user, idempotency_key=key).first() if user else None


def _same_work(job: Job, kind: str, title: str) -> Job:
    # Not the parameters: they may name rows that each request makes anew. The title names the work.
    if (job.kind, job.title) != (kind, title[:300]):
        raise Conflict("This Idempotency-Key was used for another request. Use a new key for new work.")
    return job


def _close_transfers(job: Job) -> None:
    job.exports.exclude(status="succeeded").update(status="cancelled")
