"""Reports on the quality of what the stores hold, as they were when they were made."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models import Job
from quality_app.models.schedule import Schedule


class QualityReport(models.Model):
    """One kept report; its content is never computed anew."""

    class Scope(models.TextChoices):
        CATALOG = "catalog", "Catalog"
        STORE = "store", "Store"
        VENUE = "venue", "Venue"
        INSTRUMENT = "instrument", "Instrument"

    class Period(models.TextChoices):
        DAILY = "daily", "Daily"
        WEEKLY = "weekly", "Weekly"
        CUSTOM = "custom", "Custom"

    report_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(max_length=20, choices=Scope)
    key = models.CharField(max_length=200, blank=True, help_text="Store id, venue or instrument id; empty for all.")
    label = models.CharField(max_length=220, help_text="The scope in words, as it was named then.")
    period = models.CharField(max_length=20, choices=Period)
    start = models.DateTimeField()
    end = models.DateTimeField()
    content = models.JSONField(help_text="The whole report: what page, files and mails are made of.")
    version = models.PositiveSmallIntegerField(help_text="Of the content's form.")
    score = models.DecimalField(max_digits=5, decimal_places=4, null=True, help_text="Mean; null is unknown.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="quality_reports")
    schedule = models.ForeignKey(
        Schedule, on_delete=models.SET_NULL, null=True, related_name="reports", help_text="Null: by hand."
    )
    recipients = models.JSONField(default=list, help_text="Addresses that it is to be mailed to.")
    sent_to = models.JSONField(default=list, help_text="Mails that a mail server took: [{address, at}].")
    expires_at = models.DateTimeField(null=True, help_text="When it may be deleted; null: kept for ever.")

    class Meta:
        ordering = ("-end", "-created_at")
        indexes = (
            models.Index(fields=("scope", "key", "period", "-end")),  # the report before this one
            models.Index(fields=("-end", "-created_at")),  # the list
            models.Index(fields=("expires_at",)),  # retention
        )

    def __str__(self) -> str:
        return f"{self.get_period_display()} report, {self.label}, {self.end:%Y-%m-%d %H:%M} UTC"

    @property
    def unsent(self) -> list[str]:
        """Addresses that no mail reached yet."""
        reached = {entry["address"] for entry in self.sent_to}
        return [address for address in self.recipients if address not in reached]
