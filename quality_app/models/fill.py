"""How gaps were filled, and by which policy they may be filled without asking."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models import Dataset, Job, Store


class GapFill(models.Model):
    """Rows that were put into a gap, where they came from, and what the seams looked like."""

    class Kind(models.TextChoices):
        DATASET = "dataset", "Same data in another store or of another venue"
        BUILT = "built", "Bars built from finer data"
        FILE = "file", "A file in the import folder"

    fill_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="gap_fills")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    source = models.JSONField(help_text="Which dataset, store and files, with their identities, or which file.")
    spans = models.JSONField(help_text="[[first ns, last ns], …] that were filled.")
    gaps = models.JSONField(help_text="Identities of the gaps.")
    rows = models.BigIntegerField()
    seams = models.JSONField(help_text="What the preview found at both sides of each span.")
    operation_id = models.UUIDField(null=True, help_text="The store operation that can be undone.")
    by_policy = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.rows} rows into {self.dataset}"


class FillPolicy(models.Model):
    """Which gaps may be filled without asking, from where, and within which limits. Off unless switched on."""

    policy_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    is_active = models.BooleanField(default=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="fill_policies", help_text="To fill.")
    venue = models.CharField(max_length=80, blank=True, help_text="Empty: of every venue.")
    instrument_id = models.CharField("instrument", max_length=200, blank=True, help_text="Empty: every instrument.")
    data_type = models.CharField(max_length=20, blank=True, help_text="Empty: of every type.")
    sources = models.JSONField(default=list, help_text="Names of stores, the preferred one first.")
    build_bars = models.BooleanField(default=False, help_text="Build missing bars from finer data of the sources.")
    longest_minutes = models.PositiveIntegerField(default=60, help_text="Longer gaps are left to people.")
    most_rows_per_day = models.PositiveIntegerField(default=1_000_000, help_text="Then it stops until the next day.")
    note = models.TextField("why")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "fill policies"

    def __str__(self) -> str:
        return self.name
