"""How a handler tells how far it is, and learns that it shall stop."""

import logging
import threading
import time
from collections import deque
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from catalog_app.models import Job, JobLine
from catalog_app.models.job import JobState
from catalog_app.services.errors import JobCancelled, JobInterrupted, JobLost
from catalog_app.services.jobs import shutdown
from catalog_app.services.redaction import redact

logger = logging.getLogger(__name__)

WRITE_INTERVAL = 0.5
RATE_WINDOW = 10.0
MAX_LINES = 1000
MAX_LINE_LENGTH = 2000


class Progress:
    """One attempt at a job, as its handler sees it. Used by the handler's thread and the heartbeat's.

    Attributes:
        job_id: the job's key.
        claim: identifies this attempt; every write is conditional on it.
        user: who started the job; None for beat and commands.

    """

    def __init__(self, job: Job, claim: UUID) -> None:
        self.job_id: UUID = job.pk
        self.claim = claim
        self.user: User | None = job.user
        self._lock = threading.Lock()
        self._stage, self._unit = "", job.unit
        self._done = 0
        self._total: int | None = None
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._written_at = float("-inf")
        self._lines = 0
        self._lost = False
        self._cancel = False

    def stage(self, text: str, total: int | None = None, unit: str = "rows") -> None:
        """Begin a stage of the work; `total` is None while it is unknown."""
        with self._lock:
            self._stage, self._unit = text[:200], unit[:20]
            self._done, self._total = 0, total
            self._samples = deque([(time.monotonic(), 0)])
        self._write_when_due()

    def part(self, text: str) -> None:
        """Name what is being done now within the stage; its count goes on."""
        with self._lock:
            self._stage = text[:200]
        self._write_when_due()

    def advance(self, count: int) -> None:
        """Count units that are done in this stage.

        Raises:
            JobLost: when the job was given to another runner.

        """
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._samples[-1][0] >= WRITE_INTERVAL / 2:
                self._samples.append((now, self._done))
            while len(self._samples) > 2 and self._samples[1][0] < now - RATE_WINDOW:
                self._samples.popleft()
        self._write_when_due()

    def log(self, text: str, level: str = JobLine.Level.INFO) -> None:
        """Add a line to the job's log ("info", "warning" or "error"); the first 1,000 are kept.

        Raises:
            JobLost: when the job was given to another runner.

        """
        self._lines += 1
        if self._lines > MAX_LINES:
            return
        if self._lines == MAX_LINES:
            text, level = "The log is full: later lines are not kept.", JobLine.Level.WARNING
        with transaction.atomic():
            if not self.mine().update(heartbeat_at=timezone.now()):
                self._give_up()
            JobLine.objects.create(job_id=self.job_id, level=level, text=redact(text)[:MAX_LINE_LENGTH])

    def check(self) -> None:
        """Stop here if the work is no longer wanted; call it between batches, it costs next to nothing.

        Raises:
            JobCancelled: somebody asked for it.
            JobLost: another runner has the job.
            JobInterrupted: the worker is shutting down.

        """
        self._write_when_due()
        if self._cancel:
            raise JobCancelled
        if shutdown.requested():
            raise JobInterrupted

    def mine(self) -> Any:
        """The job's row, as long as it is this attempt's."""
        return Job.objects.filter(pk=self.job_id, claim=self.claim, state=JobState.RUNNING)

    def figures(self) -> dict[str, Any]:
        """The columns of the job's row that tell how far it is."""
        with self._lock:
            return {
                "stage": self._stage,
                "unit": self._unit,
                "done": self._done,
                "total": self._total,
                "rate": self._rate(),
            }

    def write(self) -> None:
        """Write figures and a heartbeat, and learn whether the job shall stop.

        Raises:
            JobLost: when the job was given to another runner.

        """
        self._written_at = time.monotonic()
        if not self.mine().update(heartbeat_at=timezone.now(), **self.figures()):
            self._give_up()
        self._cancel = self._cancel or bool(self.mine().values_list("cancel_requested", flat=True).first())

    def _write_when_due(self) -> None:
        if self._lost:
            raise JobLost(self.job_id)
        if time.monotonic() - self._written_at < WRITE_INTERVAL:
            return
        try:
            self.write()
        except DatabaseError as error:  # figures are not worth the work: the next write brings them
            logger.warning("Progress of job %s was not written: %s", self.job_id, error)

    def _give_up(self) -> None:
        self._lost = True
        raise JobLost(self.job_id)

    def _rate(self) -> float | None:
        (since, before), now = self._samples[0], time.monotonic()
        return (self._done - before) / (now - since) if now - since >= WRITE_INTERVAL else None
