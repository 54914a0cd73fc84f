"""Missing data, measured against the trading sessions."""

import uuid

from django.db import models

from catalog_app.models import Dataset


class Gap(models.Model):
    """A run of missing units inside sessions; it keeps its identity over rescans."""

    class Severity(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    class Cause(models.TextChoices):
        HALT = "halt", "Halt"
        OUTAGE = "outage", "Outage"
        ILLIQUID = "illiquid", "Illiquid"
        UNEXPLAINED = "unexplained", "Unexplained"

    gap_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="gaps")
    instrument_id = models.CharField(max_length=200)
    data_type = models.CharField(max_length=20)
    timeframe = models.CharField(max_length=80, blank=True)
    gap_start = models.DateTimeField(help_text="First missing bar's close.")
    gap_end = models.DateTimeField(help_text="Last missing bar's close.")
    start_ns = models.BigIntegerField()
    end_ns = models.BigIntegerField()
    missing = models.BigIntegerField(help_text="Units missing inside sessions.")
    severity = models.CharField(max_length=10, choices=Severity)
    cause = models.CharField(max_length=20, choices=Cause)
    detected_at = models.DateTimeField(auto_now_add=True)
    filled_at = models.DateTimeField(null=True)
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "data_gaps"
        ordering = ("start_ns",)
        permissions = (("scan_gaps", "Can scan datasets for gaps"),)
        constraints = (models.UniqueConstraint(fields=("dataset", "start_ns", "end_ns"), name="gap_once"),)
        indexes = (
            models.Index(fields=("dataset", "filled_at", "start_ns")),  # a dataset's open gaps
            models.Index(fields=("instrument_id", "data_type")),  # API
        )

    def __str__(self) -> str:
        return f"{self.missing} missing from {self.gap_start:%Y-%m-%d %H:%M}"
