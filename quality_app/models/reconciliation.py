"""Sources of one instrument that are held against each other, and what that found."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from catalog_app.models import Dataset, Job

_AT_LEAST_0 = MinValueValidator(Decimal(0))


class Reconciliation(models.Model):
    """Which sources are compared, and by which measures."""

    name = models.CharField(max_length=120, unique=True)
    instrument_id = models.CharField(max_length=200, help_text="Of the first source.")
    interval_ns = models.BigIntegerField(
        null=True, blank=True, help_text="Length of the bars that are compared; null compares rows as they are."
    )
    tolerance_ns = models.BigIntegerField(default=0, help_text="Rows this far apart may still be the same moment.")
    limit_ticks = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(2), validators=[_AT_LEAST_0])
    limit_bp = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(1), validators=[_AT_LEAST_0])
    vote_scale = models.DecimalField(max_digits=8, decimal_places=3, default=Decimal(5), validators=[_AT_LEAST_0])
    vote_ticks = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(5), validators=[_AT_LEAST_0])
    counts_in_score = models.BooleanField(default=True, help_text="Its result is part of the consistency score.")
    on_change = models.BooleanField(default=False, help_text="Runs whenever a source's rows changed.")
    enabled = models.BooleanField(default=True, help_text="Off: neither schedules nor changes start it.")
    last_job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="reconciliations"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("name",)
        permissions = (("run_reconciliation", "Can run reconciliations"),)

    def __str__(self) -> str:
        return self.name


class ReconciliationSource(models.Model):
    """One dataset of a reconciliation, in its place."""

    class Price(models.TextChoices):
        CLOSE = "close", "Close"
        MID = "mid", "Mid"
        BID = "bid", "Bid"
        ASK = "ask", "Ask"
        LAST = "last", "Last"
        VALUE = "value", "Value"

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="sources")
    position = models.PositiveSmallIntegerField()
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="reconciled_in")
    label = models.CharField(max_length=80)
    price = models.CharField(max_length=10, choices=Price)
    shift_ns = models.BigIntegerField(default=0, help_text="Added to its times before they are compared.")

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("reconciliation", "position"), name="reconciliation_place_once"),
        )

    def __str__(self) -> str:
        return self.label


class ReconciliationRun(models.Model):
    """One comparison over the files that the sources had at that time."""

    run_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="reconciliation_runs")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    start_ns = models.BigIntegerField(help_text="Times after this were compared.")
    end_ns = models.BigIntegerField(help_text="Up to and with this time.")
    measures = models.JSONField(default=dict, help_text="What was compared by which measures.")
    sources = models.JSONField(default=list, help_text="Per source: identity, rows, range, coverage.")
    pairs = models.JSONField(default=list, help_text="Per pair: counts, distributions, largest differences.")
    votes = models.JSONField(null=True, help_text="Outlier votes and exclusions; null for two sources.")
    series = models.JSONField(default=list, help_text="Per pair: differences over the range, for a chart.")
    files = models.JSONField(default=dict, help_text="Per dataset the files read: [{path, size, mtimeNs}].")

    class Meta:
        ordering = ("-finished_at",)
        indexes = (models.Index(fields=("reconciliation", "-finished_at")),)  # the latest run, and the history

    def __str__(self) -> str:
        return f"{self.reconciliation_id} at {self.finished_at:%Y-%m-%d %H:%M}"


class ReconciliationShare(models.Model):
    """What a run says of one dataset's consistency: matched points, and those beyond the limit."""

    run = models.ForeignKey(ReconciliationRun, on_delete=models.CASCADE, related_name="shares")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="reconciliation_shares")
    rows = models.BigIntegerField()
    violations = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("run", "dataset"), name="one_share_of_a_dataset"),)

    def __str__(self) -> str:
        return f"{self.violations} of {self.rows}"
