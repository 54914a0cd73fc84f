"""Known interruptions of a source: what is missing meanwhile is an outage."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models import Store


class SourceIncident(models.Model):
    """An interruption of a venue's or a vendor's data, or of our own recording; open while `end_ns` is null."""

    class Origin(models.TextChoices):
        USER = "user", "Entered by a user"
        FEED = "feed", "Our own feed log"

    incident_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    venue = models.CharField(max_length=80, blank=True)
    instrument_id = models.CharField("instrument", max_length=200, blank=True, help_text="As in paths: EURUSD.SIM.")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, null=True, blank=True, related_name="incidents")
    start_ns = models.BigIntegerField()
    end_ns = models.BigIntegerField(null=True, blank=True)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.USER)
    title = models.CharField(max_length=200)
    url = models.URLField(blank=True, help_text="The venue's notice.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-start_ns",)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(venue="") | ~models.Q(instrument_id="") | models.Q(store__isnull=False),
                name="incident_has_a_scope",
                violation_error_message="Say what it concerns: a venue, an instrument or a store.",
            ),
        )

    def __str__(self) -> str:
        return self.title
