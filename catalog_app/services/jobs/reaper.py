"""Finds jobs whose runner died or whose doorbell was lost."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from catalog_app.models import Job, JobLine
from catalog_app.models.job import JobState
from catalog_app.services import leases
from catalog_app.services.jobs import broker
from catalog_app.services.jobs.events import announce
from catalog_app.services.jobs.queue import ring

logger = logging.getLogger(__name__)

DEAD_AFTER = timedelta(seconds=20)
UNANSWERED_AFTER = timedelta(seconds=30)
RINGS_PER_QUEUE = 100


@dataclass(frozen=True, slots=True)
class Reaped:
    """What one round of the reaper did, in jobs."""

    requeued: int
    failed: int
    rung: int


def reap() -> Reaped:
    """Give jobs of dead runners to the next one or fail them, and ring for jobs that nobody heard of.

    Safe to run at any time, in several processes at once.
    """
    requeued = failed = 0
    for job in Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=timezone.now() - DEAD_AFTER):
        state = _bury(job)
        requeued += state == JobState.QUEUED
        failed += state == JobState.FAILED
    return Reaped(requeued, failed, sum(_ring_unanswered(queue) for queue in Job.Queue.values))


def _bury(job: Job) -> JobState | None:
    """End the attempt of a dead runner; None when it turned out to live."""
    state, changes = _verdict(job)
    with transaction.atomic():
        # Only if it is still the same attempt and has not beaten since.
        same = Job.objects.filter(
            pk=job.pk, state=JobState.RUNNING, claim=job.claim, attempt=job.attempt, heartbeat_at=job.heartbeat_at
        )
        if not same.update(state=state, **changes):
            return None
        if job.claim is not None:
            leases.release(job.claim)
        if state == JobState.FAILED:
            job.exports.exclude(status="succeeded").update(status="failed")
        JobLine.objects.create(job=job, level=JobLine.Level.WARNING, text=_obituary(job, state))
    logger.warning("Job %s: %s", job.pk, _obituary(job, state))
    if state == JobState.QUEUED:
        ring(job)
    announce(job.pk, state)
    return state


def _verdict(job: Job) -> tuple[JobState, dict[str, object]]:
    now = timezone.now()
    if job.cancel_requested:
        return JobState.CANCELLED, {"finished_at": now}
    if job.attempt < job.max_attempts:
        return JobState.QUEUED, {"claim": None, "queued_at": now}
    return JobState.FAILED, {"finished_at": now, "error": _obituary(job, JobState.FAILED)}


def _obituary(job: Job, state: JobState) -> str:
    died = f"The worker died (attempt {job.attempt} of {job.max_attempts})"
    endings = {
        JobState.QUEUED: f"{died}; the job went back to its queue.",
        JobState.CANCELLED: f"{died}; the job was to be cancelled anyway.",
        JobState.FAILED: f"{died}; the job was given up. See whether memory or disk ran out, then try it again.",
    }
    return endings[state]


def _ring_unanswered(queue: str) -> int:
    """Ring again for queued jobs, but only if the queue holds fewer doorbells than jobs wait."""
    now = timezone.now()
    waiting = Job.objects.filter(state=JobState.QUEUED, queue=queue)
    overdue = list(waiting.filter(queued_at__lt=now - UNANSWERED_AFTER).order_by("queued_at")[:RINGS_PER_QUEUE])
    if not overdue or (doorbells := _doorbells(queue)) is None or doorbells >= waiting.count():
        return 0
    rung = 0
    for job in overdue:
        # `queued_at` tells when it was last rung for: the next ring is due after the same time again.
        if waiting.filter(pk=job.pk, queued_at=job.queued_at).update(queued_at=now):
            rung += ring(job)
    return rung


def _doorbells(queue: str) -> int | None:
    """How many messages wait in the broker's queue; None when it does not answer."""
    try:
        return broker.waiting(queue)
    except Exception as error:
        logger.warning("The broker does not answer (%s); jobs wait in their queue.", type(error).__name__)
        return None
