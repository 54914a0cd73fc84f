"""Wire shapes of exports and imports, shared by the API and the commands."""

from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from pydantic import Field

from catalog_app.api.schemas import Wire, iso
from catalog_app.models import Export, Import, Job
from catalog_app.models.job import JobState


class ExportRange(Wire):
    """Bounds of ts_init in UTC, inclusive; a date as an end means its whole day. Empty bounds are open."""

    start: str | None = Field(None, examples=["2024-01-01"])
    end: str | None = Field(None, examples=["2024-01-31T21:59:59.999999999Z"])


class DataExportRequest(Wire):
    """What to export. It must mean exactly one dataset: narrow it by data type and timeframe, or name it."""

    instrument_ids: list[str] = Field([], max_length=1, examples=[["EUR/USD.SIM"]])
    dataset_id: UUID | None = None
    data_types: list[str] = Field([], examples=[["bar"]])
    timeframes: list[str] = Field([], examples=[["1-MINUTE-BID"]])
    format: Literal["csv", "parquet"] = "csv"
    date_range: ExportRange = Field(default_factory=lambda: ExportRange(start=None, end=None))
    compression: str | None = Field(None, description="csv: none, gzip; parquet: zstd, snappy, gzip, none")
    timestamp_format: Literal["iso", "epoch_ns"] = "iso"


class ExportResult(Wire):
    """An export and how far it is."""

    export_id: str
    job_id: str | None
    success: bool
    status: str = Field(examples=["succeeded"])
    progress: float | None = Field(description="Share that is done; null while the total is unknown.")
    file_path: str | None
    download_url: str | None
    record_count: int | None
    file_size: int | None
    sha256: str | None
    format: str
    created_at: str | None
    completed_at: str | None
    error: str | None


class ImportRequest(Wire):
    """How to read a file and as what; whatever is left out is detected."""

    upload_id: UUID | None = Field(None, description="An earlier upload, instead of a file.")
    source_path: str | None = Field(
        None, description="A file below one of the allowed import roots, instead of a file."
    )
    format: Literal["auto", "csv"] = "auto"
    store: str = Field("", description="Name of the store; empty: the first one.")
    instrument_id: str = Field("", examples=["GBP/USD.SIM"])
    data_type: Literal["", "bar", "quote", "trade"] = ""
    bar_type: str = Field("", examples=["GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"])
    mapping: str = Field(
        "{}",
        description="JSON object of the import form's fields, to override what is detected: column_open, currency, …",
    )
    timezone: str = ""
    stamp: Literal["", "open", "close"] = ""
    skip_rejected: bool = False
    sort_rows: bool = False
    overwrite: Literal["reject"] = Field("reject", description="Data that is there already is a conflict.")


class RejectedRow(Wire):
    """A line of the file that could not be used."""

    line: int
    reason: str
    text: str = ""


class ImportResult(Wire):
    """An import and how far it is."""

    import_id: str
    job_id: str | None
    success: bool
    status: str | None
    progress: float | None
    record_count: int | None
    instrument_id: str
    dataset_id: str | None
    rejected_count: int | None
    rejected_rows: list[RejectedRow] = Field(description="The first 1,000; rejectedCount counts all.")
    warnings: list[str]
    error: str | None
    processed_at: str | None


def export_result(export: Export, job: Job | None) -> ExportResult:
    """Return the shape of an export and its job."""
    done = export.status == "succeeded"
    return ExportResult(
        export_id=str(export.pk),
        job_id=str(job.pk) if job else None,
        success=done,
        status=export.status,
        progress=_progress(job),
        file_path=export.file_path or None,
        download_url=reverse("jobs:download", args=[job.pk]) if done and job else None,
        record_count=export.record_count,
        file_size=export.file_size_bytes,
        sha256=export.sha256 or None,
        format=export.export_type,
        created_at=iso(export.created_at),
        completed_at=iso(export.completed_at),
        error=job.error or None if job else None,
    )


def import_result(item: Import, job: Job | None) -> ImportResult:
    """Return the shape of an import and its job."""
    return ImportResult(
        import_id=str(item.pk),
        job_id=str(job.pk) if job else None,
        success=bool(job and job.state == JobState.SUCCEEDED),
        status=job.state if job else None,
        progress=_progress(job),
        record_count=item.record_count,
        instrument_id=item.parameters["instrumentId"],
        dataset_id=str(item.dataset_id) if item.dataset_id else None,
        rejected_count=item.rejected_count,
        rejected_rows=[RejectedRow(**row) for row in item.rejected_rows],
        warnings=list(job.lines.filter(level="warning").values_list("text", flat=True)) if job else [],
        error=job.error or None if job else None,
        processed_at=iso(item.completed_at),
    )


def document(shape: Wire) -> dict[str, Any]:
    """Return a shape as JSON types, for the commands."""
    return shape.model_dump(by_alias=True, mode="json")


def _progress(job: Job | None) -> float | None:
    if job is None or (job.state != JobState.SUCCEEDED and not job.total):
        return None
    return 1.0 if job.state == JobState.SUCCEEDED else min(1.0, job.done / (job.total or 1))
