"""Single rows that checks found to be wrong or odd, and what people decided about them."""

import uuid
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import models
from django.utils import timezone

from catalog_app.models import Dataset, StoreOperation


class Anomaly(models.Model):
    """A row that a check found; it keeps its identity over rescans, in whatever file the row stands.

    What people see is its standing (`services.anomaly_standing`): a decision, unless a repair is in force, the row is
    gone, or the time to ignore it is over.
    """

    class Type(models.TextChoices):
        SPIKE = "spike", "Spike"
        OUTLIER = "outlier", "Outlier"
        JUMP = "jump", "Jump"
        INCONSISTENCY = "inconsistency", "Inconsistency"
        STALE = "stale", "Stale"
        GAP = "gap", "Gap"

    class Severity(models.TextChoices):
        CRITICAL = "critical", "Critical"
        MAJOR = "major", "Major"
        INFO = "info", "Info"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        REAL_EVENT = "real_event", "Real event"
        BAD_DATA = "bad_data", "Bad data"
        IGNORED = "ignored", "Ignored"

    anomaly_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="anomalies")
    # As the dataset has them, so that lists and their facets need no join.
    venue = models.CharField(max_length=80, blank=True)
    instrument_id = models.CharField(max_length=200, blank=True)
    data_type = models.CharField(max_length=20)
    timeframe = models.CharField(max_length=80, blank=True)

    check_id = models.CharField(max_length=60)
    check_version = models.PositiveSmallIntegerField()
    type = models.CharField(max_length=20, choices=Type)
    severity = models.CharField(max_length=20, choices=Severity)
    # Where the row was when it was last seen: the file's identity and the position in it, from 0.
    file = models.CharField(max_length=900)
    file_size = models.BigIntegerField()
    file_mtime_ns = models.BigIntegerField()
    row = models.BigIntegerField()
    ts_init_ns = models.BigIntegerField(help_text="UNIX nanoseconds.")
    timestamp = models.DateTimeField(help_text="The same to the microsecond.")
    value = models.CharField(max_length=60, blank=True, help_text="What the check looked at, as decimal text.")
    expected = models.CharField(max_length=60, blank=True, help_text="What it expected, as decimal text.")
    values = models.JSONField(default=dict, help_text="The row's columns as exact text.")
    identity = models.CharField(max_length=64, help_text="Digest of the values.")
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, help_text="When a validation no longer found it.")

    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Until when it is ignored; null is for good.")
    operation = models.ForeignKey(
        StoreOperation, on_delete=models.SET_NULL, null=True, related_name="anomalies", help_text="The latest repair."
    )

    class Meta:
        verbose_name_plural = "anomalies"
        ordering = ("-ts_init_ns", "anomaly_id")
        permissions = (
            ("triage_anomaly", "Can decide what an anomaly is"),
            ("repair_anomaly", "Can drop or replace rows that are bad data"),
        )
        constraints = (
            models.UniqueConstraint(fields=("dataset", "check_id", "ts_init_ns", "identity"), name="anomaly_once"),
        )
        indexes = (
            models.Index(fields=("-ts_init_ns", "anomaly_id"), name="anomaly_newest"),  # the list
            models.Index(fields=("state", "-ts_init_ns"), name="anomaly_state"),  # the list of open ones
            models.Index(fields=("dataset", "ts_init_ns"), name="anomaly_of_dataset"),  # chart
            models.Index(fields=("instrument_id", "-ts_init_ns"), name="anomaly_of_instrument"),  # list, API
            # The facets' counts come from this index alone.
            models.Index(
                fields=(
                    *("venue", "instrument_id", "data_type", "check_id", "severity"),
                    *("state", "operation", "resolved_at", "expires_at", "ts_init_ns"),
                ),
                name="anomaly_facets",
            ),
        )

    def __str__(self) -> str:
        return f"{self.check_id} at {self.timestamp:%Y-%m-%d %H:%M:%S}"

    @property
    def deviation(self) -> Decimal | None:
        """Value less what was expected, exactly; None where one of them is unknown."""
        try:
            return Decimal(self.value) - Decimal(self.expected)
        except InvalidOperation:
            return None

    @property
    def relative_deviation(self) -> Decimal | None:
        """The deviation as a share of what was expected; None where that is unknown or zero."""
        deviation = self.deviation
        return None if deviation is None or not Decimal(self.expected) else deviation / abs(Decimal(self.expected))


class AnomalyDecision(models.Model):
    """What somebody decided about an anomaly, at one time; `user` is null where the desk did."""

    anomaly = models.ForeignKey(Anomaly, on_delete=models.CASCADE, related_name="decisions")
    state = models.CharField(max_length=20, choices=Anomaly.State)
    reason = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-decided_at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.decided_at:%Y-%m-%d %H:%M}"
