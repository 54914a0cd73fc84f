"""Missing data, measured against the trading sessions."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models import Dataset

_IS_OPEN = models.Q(filled_at=None, expected_at=None)


class GapQuerySet(models.QuerySet["Gap"]):
    """Gaps by what is still to be done about them."""

    def open(self) -> "GapQuerySet":
        """Gaps that are neither filled nor marked as expected."""
        return self.filter(filled_at=None, expected_at=None)

    def unexplained(self) -> "GapQuerySet":
        """Open gaps that count as missing: no quiet trading, no halt."""
        return self.open().filter(cause__in=(Gap.Cause.UNEXPLAINED, Gap.Cause.OUTAGE))


class Gap(models.Model):
    """A run of missing units inside sessions; it keeps its identity over rescans."""

    class Severity(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    class Unit(models.TextChoices):
        BARS = "bars", "bars"
        SECONDS = "seconds", "seconds of trading"
        ROWS = "rows", "rows"

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
    gap_start = models.DateTimeField(help_text="First missing bar's close; of ticks the last row before.")
    gap_end = models.DateTimeField(help_text="Last missing bar's close; of ticks the first row after.")
    start_ns = models.BigIntegerField()
    end_ns = models.BigIntegerField()
    missing = models.BigIntegerField(help_text="Units missing inside sessions.")
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.BARS)
    lost_ns = models.BigIntegerField(default=0, help_text="Trading time that it covers.")
    severity = models.CharField(max_length=10, choices=Severity)
    cause = models.CharField(max_length=20, choices=Cause)
    detected_at = models.DateTimeField(auto_now_add=True)
    filled_at = models.DateTimeField(null=True)
    expected_reason = models.TextField(blank=True, help_text="Why there was nothing to have: it counts nowhere then.")
    expected_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    expected_at = models.DateTimeField(null=True)
    details = models.JSONField(default=dict)
    objects = GapQuerySet.as_manager()

    class Meta:
        db_table = "data_gaps"
        ordering = ("start_ns",)
        permissions = (
            ("scan_gaps", "Can scan datasets for gaps"),
            ("fill_gap", "Can fill gaps"),
            ("expect_gap", "Can mark gaps as expected"),
        )
        constraints = (models.UniqueConstraint(fields=("dataset", "unit", "start_ns", "end_ns"), name="gap_once"),)
        indexes = (
            models.Index(fields=("dataset", "filled_at", "start_ns")),  # a dataset's open gaps
            models.Index(fields=("instrument_id", "data_type")),  # API
            # The list by its orders: of what is open, and of everything.
            models.Index(fields=("start_ns", "gap_id"), condition=_IS_OPEN, name="gap_open_start"),
            # Lengths are counted from it alone, for which SQLite needs the columns of its condition too.
            models.Index(
                fields=("lost_ns", "start_ns", "gap_id", "cause", "filled_at", "expected_at"),
                condition=_IS_OPEN,
                name="gap_open_length",
            ),
            models.Index(fields=("missing", "start_ns", "gap_id"), condition=_IS_OPEN, name="gap_open_missing"),
            models.Index(
                fields=("instrument_id", "data_type", "timeframe", "start_ns", "gap_id"),
                condition=_IS_OPEN,
                name="gap_open_instrument",
            ),
            models.Index(fields=("start_ns", "gap_id"), name="gap_start"),
            # Counts of facets and the timeline come from this index alone.
            models.Index(
                fields=(
                    *("dataset", "cause", "severity", "unit", "filled_at", "expected_at"),
                    *("lost_ns", "start_ns", "end_ns"),
                ),
                name="gap_facets",
            ),
        )

    def __str__(self) -> str:
        return f"{self.missing} missing from {self.gap_start:%Y-%m-%d %H:%M}"
