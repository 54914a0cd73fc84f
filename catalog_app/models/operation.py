"""Changes to stores: who changed what, and who may change it now."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models.dataset import Store
from catalog_app.models.job import Job


class StoreOperation(models.Model):
    """One committed change of a store: its files before and after."""

    class State(models.TextChoices):
        COMMITTED = "committed", "Committed"
        UNDONE = "undone", "Undone"
        PURGED = "purged", "Purged"

    operation_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="operations")
    kind = models.CharField(max_length=40)
    path = models.CharField(max_length=600, help_text="Dataset directory below the store's root.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="operations")
    files_before = models.JSONField(default=list, help_text="[{path, size, sha256}] that left.")
    files_after = models.JSONField(default=list, help_text="[{path, size, sha256}] that came.")
    rows_added = models.BigIntegerField(default=0)
    rows_removed = models.BigIntegerField(default=0)
    state = models.CharField(max_length=20, choices=State, default=State.COMMITTED)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("store", "path", "-created_at")),)  # a dataset's history

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


class DatasetLease(models.Model):
    """The right of one job to change a dataset, until it expires or is given back."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="leases")
    path = models.CharField(max_length=600)
    holder = models.UUIDField(help_text="The claim of the job's runner.")
    purpose = models.CharField(max_length=200)
    acquired_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("store", "path"), name="one_writer_per_dataset"),)

    def __str__(self) -> str:
        return f"{self.path} ({self.purpose})"
