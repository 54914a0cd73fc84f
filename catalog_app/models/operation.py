"""Changes to stores: who changed what, and who may change it now."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from catalog_app.models.dataset import Store
from catalog_app.models.job import Job


class StoreOperation(models.Model):
    """One committed change of a store: its files before and after.

    The store's journal holds the same facts; a row that is missing here is adopted from there.
    """

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
    parameters = models.JSONField(default=dict, help_text="What was asked for.")
    files_before = models.JSONField(default=list, help_text="[{path, size_bytes, sha256, rows}] that left.")
    files_after = models.JSONField(default=list, help_text="[{path, size_bytes, sha256, rows}] that came.")
    # Totals of the files that left and came, so that lists need not read them; rows are null where unknown.
    file_count_before = models.PositiveIntegerField(default=0)
    file_count_after = models.PositiveIntegerField(default=0)
    rows_before = models.BigIntegerField(null=True)
    rows_after = models.BigIntegerField(null=True)
    bytes_before = models.BigIntegerField(default=0)
    bytes_after = models.BigIntegerField(default=0)
    state = models.CharField(max_length=20, choices=State, default=State.COMMITTED)
    created_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="undone_as")
    purged_at = models.DateTimeField(null=True, help_text="Its files left the trash: it cannot be undone any more.")

    class Meta:
        ordering = ("-created_at",)
        permissions = (
            ("maintain_store", "Can change a store's files by maintenance operations"),
            ("undo_operation", "Can take back an operation on a store"),
            ("purge_trash", "Can delete files from a store's trash for good"),
            ("convert_store", "Can convert datasets into a new store"),
        )
        indexes = (
            models.Index(fields=("store", "path", "-created_at")),  # a dataset's history
            models.Index(fields=("-created_at",)),  # the list over all stores
            models.Index(fields=("store", "state")),  # what a purge may delete
        )

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
