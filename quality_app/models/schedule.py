"""Work that the desk starts by itself, at times in UTC."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from catalog_app.models import Job
from quality_app.cadence import Cadence

MAX_MINUTES = 7 * 24 * 60


class Schedule(models.Model):
    """What to start, over which data, and when. `next_run_at` is null while it is switched off."""

    class Kind(models.TextChoices):
        VALIDATE = "validate", "Validate datasets"
        SCAN_GAPS = "scan_gaps", "Scan datasets for gaps"
        RECONCILE = "reconcile", "Reconcile sources"
        REPORT = "report", "Write a quality report"

    class Weekday(models.IntegerChoices):
        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    schedule_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    scope = models.JSONField(
        default=dict,
        blank=True,
        help_text="storeId, venue, assetClass, instrumentId, dataTypes, datasetIds, reconciliationId, period.",
    )
    every_minutes = models.PositiveIntegerField(null=True, blank=True)
    time_utc = models.TimeField("time, UTC", null=True, blank=True)
    weekday = models.PositiveSmallIntegerField(choices=Weekday, null=True, blank=True)
    enabled = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True, editable=False)
    last_run_at = models.DateTimeField(null=True, editable=False)
    last_job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    last_note = models.TextField(blank=True, editable=False, help_text="Why the last run started no job.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(every_minutes__isnull=True, time_utc__isnull=False)
                | models.Q(every_minutes__isnull=False, time_utc__isnull=True, weekday__isnull=True),
                name="schedule_has_one_cadence",
                violation_error_message="Give either a number of minutes, or a time of day (and a weekday for weekly).",
            ),
            models.CheckConstraint(
                condition=models.Q(every_minutes__isnull=True) | models.Q(every_minutes__range=(1, MAX_MINUTES)),
                name="schedule_minutes",
                violation_error_message=f"Minutes go from 1 to {MAX_MINUTES:,}, which is a week.",
            ),
        )
        indexes = (models.Index(fields=("next_run_at",), condition=models.Q(enabled=True), name="schedule_due"),)

    def __str__(self) -> str:
        return self.name

    @property
    def cadence(self) -> Cadence:
        """When it runs."""
        return Cadence(self.every_minutes, self.time_utc, self.weekday)
