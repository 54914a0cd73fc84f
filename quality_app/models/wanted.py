"""What data should exist."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models import Store


class WantedData(models.Model):
    """A declaration that an instrument's data of one kind should exist from a time on, until a time or until now."""

    wanted_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, null=True, blank=True, help_text="Empty: in any store.")
    instrument_id = models.CharField("instrument", max_length=200, help_text="As in paths: EURUSD.SIM.")
    data_type = models.CharField(max_length=20)
    timeframe = models.CharField(max_length=80, blank=True, help_text="Of bars: 1-MINUTE-BID.")
    start_ns = models.BigIntegerField()
    end_ns = models.BigIntegerField(null=True, blank=True, help_text="Inclusive; empty: until now.")
    max_age_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of trading time that the last row may lie back before it is overdue."
    )
    note = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("instrument_id", "data_type", "timeframe")
        verbose_name = verbose_name_plural = "wanted data"
        constraints = (
            models.UniqueConstraint(
                fields=("store", "instrument_id", "data_type", "timeframe"),
                condition=models.Q(store__isnull=False),
                name="wanted_once_per_store",
                violation_error_message="That data is wanted already: change that declaration.",
            ),
            models.UniqueConstraint(
                fields=("instrument_id", "data_type", "timeframe"),
                condition=models.Q(store__isnull=True),
                name="wanted_once",
                violation_error_message="That data is wanted already: change that declaration.",
            ),
            models.CheckConstraint(
                condition=models.Q(end_ns__isnull=True) | models.Q(end_ns__gte=models.F("start_ns")),
                name="wanted_range",
                violation_error_message="The end lies before the start.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.data_type} {self.timeframe}".strip()
