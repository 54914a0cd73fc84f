"""Moving data in and out: uploads, imports, exports."""

import uuid

from django.conf import settings
from django.db import models

from catalog_app.models.dataset import Dataset, Store
from catalog_app.models.job import Job


class Upload(models.Model):
    """A vendor's file as it arrived; its name on disk is the key, never the user's."""

    upload_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    original_name = models.CharField(max_length=255)
    file_path = models.CharField(max_length=1024, help_text="Absolute; below the uploads directory.")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="uploads")
    created_at = models.DateTimeField(auto_now_add=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.original_name


class Import(models.Model):
    """One import of an upload into a dataset."""

    import_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, related_name="imports")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="imports")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="imports")
    parameters = models.JSONField(default=dict)
    record_count = models.BigIntegerField(null=True)
    rejected_count = models.BigIntegerField(null=True)
    rejected_rows = models.JSONField(default=list, help_text="The first ones: [{line, reason, text}].")
    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, related_name="imports")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="imports"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Import of {self.upload}"


class Export(models.Model):
    """One export and the file it made."""

    export_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export_type = models.CharField(max_length=20, help_text="csv or parquet.")
    parameters = models.JSONField(default=dict)
    file_path = models.CharField(max_length=1024, blank=True, help_text="Absolute; set when the file is whole.")
    status = models.CharField(max_length=20, default="queued")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="exports",
        db_column="created_by",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)
    file_size_bytes = models.BigIntegerField(null=True)
    record_count = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="exports")
    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, related_name="exports")

    class Meta:
        db_table = "data_exports"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Export {self.export_id}"
