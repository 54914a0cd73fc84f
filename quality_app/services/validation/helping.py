"""Several workers on one dataset: each takes files that nobody works on, and what they find adds up."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from django.db import DatabaseError

from catalog_app.models import DataFile, Dataset, Job
from catalog_app.models.job import JobState
from catalog_app.services.errors import JobCancelled, ServiceError
from catalog_app.services.jobs import Progress, broker, shutdown
from quality_app.services.validation.parts import Parts

logger = logging.getLogger(__name__)

HELP_TASK = "quality_app.tasks.help_validate"
# Below so many rows a second worker costs more than it gives.
ROWS_PER_HELPER = 10_000_000
MOST_HELPERS = 16
# How often a helper looks whether the job still runs.
LOOK_SECONDS = 2.0


def call_helpers(parts: Parts, pending: list[DataFile], progress: Progress | None) -> int:
    """Ring for workers that take files of a large dataset; returns how many were called.

    They are welcome and not needed: the caller checks whatever nobody else does, and what is found does not depend
    on who found it.
    """
    rows = sum(file.rows or 0 for file in pending)
    number = min(rows // ROWS_PER_HELPER, len(pending) - 1, MOST_HELPERS)
    if progress is None or number < 1:
        return 0
    checks = [check.id for check in parts.plan.stateless]
    try:
        args = [str(parts.plan.dataset.pk), str(progress.job_id), checks]
        broker.send(HELP_TASK, args, Job.Queue.HEAVY, number)
    except Exception as error:  # the broker is a doorbell: without it one worker does all
        logger.warning("No other worker was asked to help (%s).", type(error).__name__)
        return 0
    return number


def help_validate(dataset_id: UUID, job_id: UUID, check_ids: list[str]) -> int:
    """Check files of a dataset that nobody works on, while the job that called runs; returns how many.

    A job that waits for a worker goes first: the help ends after the present file.
    """
    from quality_app.services.validation.run import prepare

    done, watched = 0, _Watched(job_id)
    try:
        watched.check()
        dataset = Dataset.objects.select_related("store", "definition").get(pk=dataset_id)
        parts = Parts(prepare(dataset, check_ids).plan, watched)
        for file in parts.plan.files:
            if Job.objects.filter(state=JobState.QUEUED, queue=Job.Queue.HEAVY).exists():
                break
            done += bool(parts.missing(file) and parts.check_file(file))
    except (
        Dataset.DoesNotExist,
        JobCancelled,
        ServiceError,
        DatabaseError,
    ) as reason:  # the caller meets it, and tells
        logger.info("Helping job %s ended: %s", job_id, reason)
    return done


class _Watched:
    """Stops the help when the job that called does not run any more, or shall stop."""

    def __init__(self, job_id: UUID) -> None:
        self._job_id, self._looked_at = job_id, float("-inf")

    def advance(self, count: int) -> None:
        """The caller counts the rows of a file that is done."""

    def check(self) -> None:
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        wanted = Job.objects.filter(pk=self._job_id, state=JobState.RUNNING, cancel_requested=False)
        if shutdown.requested() or not wanted.exists():
            raise JobCancelled
