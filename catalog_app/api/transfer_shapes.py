"""Wire shapes of exports and imports, shared by the API and the commands."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from catalog_app.models import Export, Import, Job
from catalog_app.models.job import JobState


def export_result(export: Export, job: Job | None) -> dict[str, Any]:
    """Return the ExportResult of an export and its job."""
    done = export.status == "succeeded"
    return {
        "exportId": str(export.export_id),
        "jobId": str(job.pk) if job else None,
        "success": done,
        "status": export.status,
        "progress": _progress(job),
        "filePath": export.file_path or None,
        "downloadUrl": reverse("jobs:download", args=[job.pk]) if done and job else None,
        "recordCount": export.record_count,
        "fileSize": export.file_size_bytes,
        "sha256": export.sha256 or None,
        "format": export.export_type,
        "createdAt": export.created_at,
        "completedAt": export.completed_at,
        "error": job.error or None if job else None,
    }


def import_result(item: Import, job: Job | None) -> dict[str, Any]:
    """Return the ImportResult of an import and its job."""
    state = job.state if job else None
    return {
        "importId": str(item.import_id),
        "jobId": str(job.pk) if job else None,
        "success": state == JobState.SUCCEEDED,
        "status": state,
        "progress": _progress(job),
        "recordCount": item.record_count,
        "instrumentId": item.parameters["instrumentId"],
        "datasetId": str(item.dataset_id) if item.dataset_id else None,
        "rejectedCount": item.rejected_count,
        "rejectedRows": item.rejected_rows,
        "warnings": list(job.lines.filter(level="warning").values_list("text", flat=True)) if job else [],
        "error": job.error or None if job else None,
        "processedAt": item.completed_at,
    }


def _progress(job: Job | None) -> float | None:
    """Return the share that is done, 0 to 1; None while the total is unknown."""
    if job is None or (job.state != JobState.SUCCEEDED and not job.total):
        return None
    return 1.0 if job.state == JobState.SUCCEEDED else min(1.0, job.done / (job.total or 1))
