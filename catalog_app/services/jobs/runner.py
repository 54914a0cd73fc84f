"""Runs a job: claim it, do it, say how it ended."""

import json
import logging
import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog_app.models import Job, JobLine
from catalog_app.models.job import JobState
from catalog_app.services.errors import JobCancelled, JobInterrupted, JobLost, ServiceError
from catalog_app.services.jobs.events import announce
from catalog_app.services.jobs.heartbeat import Heartbeat
from catalog_app.services.jobs.progress import Progress
from catalog_app.services.jobs.queue import ring
from catalog_app.services.jobs.registry import handler_for
from catalog_app.services.redaction import redact

logger = logging.getLogger(__name__)


def run_job(job_id: uuid.UUID | str) -> bool:
    """Run a queued job to its end; False when it is not queued any more (a doubled or late doorbell)."""
    claim = _claim(job_id)
    if claim is None:
        return False
    job = Job.objects.select_related("user").get(pk=job_id)
    announce(job.pk, job.state)
    _execute(job, Progress(job, claim))
    return True


def run_inline(kind: str, parameters: dict[str, Any], user: User | None = None, title: str = "") -> Job:
    """Run a job here and now, without a broker, as management commands do; return its finished row."""
    handler_for(kind)
    # One attempt: nobody waits for a command that was killed, so no worker shall repeat it.
    job = Job.objects.create(
        kind=kind,
        title=title or kind.replace("_", " ").capitalize(),
        parameters=parameters,
        user=user,
        max_attempts=1,
    )
    run_job(job.pk)
    job.refresh_from_db()
    return job


def _claim(job_id: uuid.UUID | str) -> uuid.UUID | None:
    claim = uuid.uuid4()
    now = timezone.now()
    changed = Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(
        state=JobState.RUNNING,
        claim=claim,
        attempt=F("attempt") + 1,
        started_at=now,
        heartbeat_at=now,
        stage="",
        done=0,
        total=None,
        rate=None,
    )
    if changed not in {0, 1}:
        raise AssertionError(f"{changed} rows of job {job_id} were claimed")
    return claim if changed else None


def _execute(job: Job, progress: Progress) -> None:
    try:
        with Heartbeat(progress):
            result = handler_for(job.kind)(progress, job.parameters) or {}
            json.dumps(result)
    except JobLost:
        logger.warning("Job %s went to another runner; this one stopped.", job.pk)
    except JobCancelled:
        _finish(progress, JobState.CANCELLED)
    except JobInterrupted:
        _give_back(job, progress)
    except Exception as error:
        _finish(progress, JobState.FAILED, error=_explain(job, error))
    except BaseException:
        _finish(progress, JobState.FAILED, error="Interrupted before it was done. Start it again.")
        raise
    else:
        _finish(progress, JobState.SUCCEEDED, result=result)


def _explain(job: Job, error: Exception) -> str:
    """The text that the user gets; what was not written for users goes to the server's log."""
    if isinstance(error, readable_errors()):
        return redact(str(error))
    logger.exception("Job %s (%s) failed", job.pk, job.kind)
    return (
        f"Internal error ({redact(f'{type(error).__name__}: {error}')[:300]}). "
        f"Nothing was committed by this step. The server's log has the details under job {job.pk}."
    )


def readable_errors() -> tuple[type[Exception], ...]:
    """Errors whose text says what is wrong, where, and what to do."""
    from catalog_app.formats.errors import FormatError
    from catalog_app.store.errors import StoreError

    return ServiceError, StoreError, FormatError


def _finish(progress: Progress, state: JobState, *, result: dict[str, Any] | None = None, error: str = "") -> None:
    """Write how it ended, unless the job is another runner's by now."""
    now = timezone.now()
    with transaction.atomic():
        ours = progress.mine().update(
            state=state, result=result or {}, error=error, heartbeat_at=now, finished_at=now, **progress.figures()
        )
        if ours and error:
            JobLine.objects.create(job_id=progress.job_id, level=JobLine.Level.ERROR, text=error)
    if ours:
        announce(progress.job_id, state)
    else:
        logger.warning("Job %s ended as %s here, but belongs to another runner.", progress.job_id, state)


def _give_back(job: Job, progress: Progress) -> None:
    """Put the job of a worker that is being shut down back into its queue; the attempt does not count."""
    with transaction.atomic():
        ours = progress.mine().update(
            state=JobState.QUEUED, claim=None, attempt=F("attempt") - 1, queued_at=timezone.now()
        )
        if ours:
            JobLine.objects.create(job=job, text="The worker was shut down; the job went back to its queue.")
    if ours:
        ring(job)
        announce(job.pk, JobState.QUEUED)
