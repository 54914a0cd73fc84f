"""The history of measured quality."""

import uuid

from django.db import models

from catalog_app.models import Dataset


class QualityMetric(models.Model):
    """One measured number of one dataset at one time."""

    metric_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="metrics")
    instrument_id = models.CharField(max_length=200)
    metric_name = models.CharField(max_length=60)
    metric_value = models.DecimalField(max_digits=20, decimal_places=8)
    timestamp = models.DateTimeField()
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "data_quality_metrics"
        ordering = ("-timestamp",)
        indexes = (models.Index(fields=("dataset", "metric_name", "-timestamp")),)  # trends

    def __str__(self) -> str:
        return f"{self.metric_name} {self.metric_value}"
