"""The history of measured quality: of each dataset where it changed, and of the whole hour by hour."""

import uuid

from django.db import models

from catalog_app.models import Dataset, Store

# Kinds of numbers that a snapshot averages, each as a sum and how many datasets it is over.
AVERAGED = ("overall", "completeness", "accuracy", "consistency", "timeliness")


class QualityMetric(models.Model):
    """One measured number of one dataset, from its time on until the next point of the same name.

    A value of null says that the number is unknown from then on.
    """

    metric_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="metrics")
    instrument_id = models.CharField(max_length=200)
    metric_name = models.CharField(max_length=80, help_text="overall, a dimension, rows, size_bytes, check.<id>.")
    metric_value = models.DecimalField(max_digits=20, decimal_places=8, null=True)
    timestamp = models.DateTimeField()
    details = models.JSONField(default=dict)
    is_latest = models.BooleanField(default=False, help_text="No later point of this name is there.")
    is_finding = models.BooleanField(default=False, help_text="The latest point of a check that found something.")

    class Meta:
        db_table = "data_quality_metrics"
        ordering = ("-timestamp",)
        indexes = (
            models.Index(fields=("dataset", "metric_name", "-timestamp")),  # trends
            # What fails in most datasets, from the index alone: hence its own condition as a column.
            models.Index(
                fields=("metric_name", "metric_value", "is_finding"),
                condition=models.Q(is_finding=True),
                name="metric_finding",
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("dataset", "metric_name"), condition=models.Q(is_latest=True), name="metric_one_latest"
            ),
        )

    def __str__(self) -> str:
        return f"{self.metric_name} {self.metric_value}"


class QualitySnapshot(models.Model):
    """Sums over the datasets of one store, venue, data type and asset class, as they were in one hour or day.

    The mean of a score over any choice of these is the sum of its sums over the sum of its counts.
    """

    class Period(models.TextChoices):
        HOUR = "hour", "Hour"
        DAY = "day", "Day"

    period = models.CharField(max_length=4, choices=Period)
    at = models.DateTimeField(help_text="When the hour or day began, UTC; the last look within it counts.")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="quality_snapshots")
    venue = models.CharField(max_length=80, blank=True)
    data_type = models.CharField(max_length=20)
    asset_class = models.CharField(max_length=40, blank=True)
    datasets = models.PositiveIntegerField()
    validated = models.PositiveIntegerField()
    overall_sum = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    overall_known = models.PositiveIntegerField(default=0)
    completeness_sum = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    completeness_known = models.PositiveIntegerField(default=0)
    accuracy_sum = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    accuracy_known = models.PositiveIntegerField(default=0)
    consistency_sum = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    consistency_known = models.PositiveIntegerField(default=0)
    timeliness_sum = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    timeliness_known = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "data_quality_history"
        ordering = ("at",)
        constraints = (
            models.UniqueConstraint(
                fields=("period", "at", "store", "venue", "data_type", "asset_class"), name="snapshot_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.data_type} at {self.venue}, {self.period} of {self.at:%Y-%m-%d %H:%M}"
