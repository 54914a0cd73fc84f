"""Long work: one row per job. The row is the truth, the broker a doorbell."""

import uuid

from django.conf import settings
from django.db import models


class JobState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Job(models.Model):
    """One piece of long work and how far it is."""

    class Queue(models.TextChoices):
        INTERACTIVE = "interactive", "Interactive"
        HEAVY = "heavy", "Heavy"

    job_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=300)
    parameters = models.JSONField(default=dict)
    queue = models.CharField(max_length=20, choices=Queue, default=Queue.HEAVY)
    state = models.CharField(max_length=20, choices=JobState, default=JobState.QUEUED)
    stage = models.CharField(max_length=200, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, help_text="Null while unknown.")
    unit = models.CharField(max_length=20, default="rows")
    rate = models.FloatField(null=True, help_text="Units a second over the last seconds.")
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="jobs")
    idempotency_key = models.CharField(  # noqa: DJ001 - null does not collide in the unique constraint
        max_length=200, null=True, blank=True
    )
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    # The runner's claim: every write of a runner is conditional on it, so that a runner
    # that was given up cannot write over its successor.
    claim = models.UUIDField(null=True)
    cancel_requested = models.BooleanField(default=False)
    retry_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="retries")
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("state", "heartbeat_at")),  # reaper
            models.Index(fields=("-created_at",)),  # list
            models.Index(fields=("kind", "-created_at")),  # list by kind
        )
        constraints = (models.UniqueConstraint(fields=("user", "idempotency_key"), name="job_idempotency"),)

    def __str__(self) -> str:
        return self.title

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class JobLine(models.Model):
    """One line of a job's log."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    text = models.TextField()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text
