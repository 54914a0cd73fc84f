"""Validation runs and what their checks found."""

import uuid

from django.db import models

from catalog_app.models import Dataset, Job


class ValidationRun(models.Model):
    """One pass of the checks over the files that a dataset had at that time."""

    run_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="validation_runs")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    rows = models.BigIntegerField()
    files = models.JSONField(default=list, help_text="Identities: [{path, size, mtimeNs}].")
    not_run = models.JSONField(default=list, help_text="Checks that did not run, and why: [{check, reason}].")

    class Meta:
        ordering = ("-finished_at",)
        indexes = (
            models.Index(fields=("dataset", "-finished_at")),  # the latest run
            models.Index(fields=("-finished_at",), name="run_newest"),  # runs of all datasets
        )

    def __str__(self) -> str:
        return f"Validation of {self.dataset_id} at {self.finished_at:%Y-%m-%d %H:%M}"


class CheckResult(models.Model):
    """What one check found in one run: exact counts and a bounded sample of rows."""

    run = models.ForeignKey(ValidationRun, on_delete=models.CASCADE, related_name="results")
    check_id = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField()
    params = models.JSONField(default=dict)
    dimension = models.CharField(max_length=20, blank=True)
    severity = models.CharField(max_length=20)
    rows = models.BigIntegerField(help_text="Rows that the check looked at.")
    violations = models.BigIntegerField()
    score = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    message = models.TextField()
    samples = models.JSONField(default=list, help_text="First violating rows: [{file, row, tsInitNs, values}].")

    class Meta:
        ordering = ("check_id",)
        constraints = (models.UniqueConstraint(fields=("run", "check_id"), name="check_once_per_run"),)

    def __str__(self) -> str:
        return f"{self.check_id}: {self.violations}"
