"""Take data out: one dataset and range into one file for analysts, with exact decimals."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog_app.formats.export import EXPORT_FORMATS, export_frames, file_extension, open_writer
from catalog_app.models import Dataset, Export, Job
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.services import jobs
from catalog_app.services.errors import JobCancelled, JobFailed, JobInterrupted, ServiceError
from catalog_app.services.jobs import Progress
from catalog_app.services.uploads import sha256_of
from catalog_app.store.commit.durable import explained
from catalog_app.store.reader import scan
from catalog_app.store.schema import PRICE_COLUMNS

_STATUS_AFTER: dict[type[BaseException], str] = {JobCancelled: "cancelled", JobInterrupted: "queued"}


class ExportRefused(ServiceError):
    """The export cannot be made as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export. Bounds are ts_init in UNIX nanoseconds, inclusive; None is open."""

    dataset: Dataset
    export_format: str
    compression: str
    start_ns: int | None = None
    end_ns: int | None = None
    timestamp_format: str = "iso"

    def check(self) -> None:
        """Raise ExportRefused when it can never succeed."""
        if self.compression not in EXPORT_FORMATS.get(self.export_format, ()):
            raise ExportRefused(f"There is no {self.export_format} export with compression {self.compression!r}.")
        if self.dataset.listed_count:
            raise ExportRefused(
                f"{self.dataset.listed_count:,} files of {self.dataset} are listed and not read yet. "
                "Wait until they are, else the export would lack their rows."
            )
        if self.dataset.state != IndexState.OK:
            raise ExportRefused(f"{self.dataset} cannot be read: {self.dataset.problem or self.dataset.state}.")
        if self.start_ns is not None and self.end_ns is not None and self.start_ns > self.end_ns:
            raise ExportRefused("The range ends before it starts.")


def request_export(request: ExportRequest, user: User | None, *, idempotency_key: str | None = None) -> Export:
    """Record an export and queue its job.

    Raises:
        ExportRefused: when it can never succeed.

    """
    request.check()
    dataset = request.dataset
    with transaction.atomic():
        export = _record(request, user)
        job = jobs.enqueue(
            "export",
            {"exportId": str(export.export_id)},
            title=f"Export {dataset} as {request.export_format}",
            user=user,
            idempotency_key=idempotency_key,
        )
        existing = Export.objects.filter(job=job).first()
        if existing:  # a repeat of a request that was already taken
            export.delete()
            return existing
        export.job = job
        export.save(update_fields=("job",))
    return export


def _record(request: ExportRequest, user: User | None) -> Export:
    return Export.objects.create(
        export_type=request.export_format,
        dataset=request.dataset,
        created_by=user,
        parameters={
            "datasetId": str(request.dataset.pk),
            "instrumentId": request.dataset.instrument_id,
            "dataType": request.dataset.data_type,
            "timeframe": request.dataset.timeframe,
            "format": request.export_format,
            "compression": request.compression,
            "startNs": request.start_ns,
            "endNs": request.end_ns,
            "timestampFormat": request.timestamp_format,
        },
    )


def export_now(request: ExportRequest, target: Path | None = None) -> tuple[Export, Job]:
    """Make an export in this process, without a broker; with a target, the file is moved there.

    Raises:
        ExportRefused: when it can never succeed.

    """
    request.check()
    export = _record(request, None)
    job = jobs.run_inline("export", {"exportId": str(export.export_id)})
    Export.objects.filter(pk=export.pk).update(job=job)
    export.refresh_from_db()
    if target is not None and export.file_path:
        Path(export.file_path).replace(target)
        export.file_path = str(target.resolve())
        export.save(update_fields=("file_path",))
    return export, job


def run_export(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Write the file of an export: under a partial name until it is whole, then renamed.

    Raises:
        JobFailed: when the dataset is gone, cannot be read, or holds no rows in the range.
        StoreError: when the disk refuses.
        JobLost: when another runner has the job.

    """
    export = Export.objects.select_related("dataset__store").get(pk=parameters["exportId"])
    Export.objects.filter(pk=export.pk).update(status="running")
    directory = settings.EXPORTS_DIR / export.export_id.hex
    directory.mkdir(parents=True, exist_ok=True)
    final = directory / file_name(export)
    partial = directory / f".{progress.claim}.partial"
    try:
        for leftover in directory.glob(".*.partial"):
            leftover.unlink()
        rows = _write(progress, export, partial)
        progress.stage("Checksum")
        digest = sha256_of(partial)
        progress.write()  # whoever lost the job must not replace its successor's file
        _publish(partial, final)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if progress.mine().exists():  # else another runner writes this export by now
            Export.objects.filter(pk=export.pk).update(status=_STATUS_AFTER.get(type(error), "failed"))
        raise
    Export.objects.filter(pk=export.pk).update(
        status="succeeded",
        file_path=str(final),
        file_size_bytes=final.stat().st_size,
        record_count=rows,
        sha256=digest,
        completed_at=timezone.now(),
    )
    return {"exportId": str(export.pk), "rows": rows, "bytes": final.stat().st_size, "sha256": digest}


def _write(progress: Progress, export: Export, partial: Path) -> int:
    dataset, wanted = export.dataset, export.parameters
    if dataset is None:
        raise JobFailed("The dataset is no longer in the catalog.")
    paths = list(dataset.files.filter(state=IndexState.OK).order_by("start_ns").values_list("path", flat=True))
    progress.stage("Looking at the columns")
    found = scan(dataset.store.root, paths, dataset.data_type, start_ns=wanted["startNs"], end_ns=wanted["endNs"])
    schema, frames = export_frames(export.export_type, dataset.data_type, found, progress.check)
    progress.stage("Writing rows", total=_expected_rows(dataset, wanted))
    rows = 0
    with (
        explained("cannot write the export"),
        open_writer(
            export.export_type,
            partial,
            dataset.data_type,
            price_precision=precision(dataset.price_precision),
            size_precision=precision(dataset.size_precision),
            metadata={"instrument_id": dataset.instrument_id, "bar_type": dataset.bar_type},
            compression=wanted["compression"],
            timestamp_format=wanted["timestampFormat"],
            schema=schema,
        ) as writer,
    ):
        for frame in _whole(frames, dataset):
            progress.check()
            writer.write(frame)
            rows += frame.height
            progress.advance(frame.height)
    if rows == 0:
        raise JobFailed("There are no rows in this range. Look at the dataset's range and choose another one.")
    return rows


def _whole(frames: Iterator[pl.DataFrame], dataset: Dataset) -> Iterator[pl.DataFrame]:
    """The frames; JobFailed where the pages of a file turn out to be damaged."""
    try:
        yield from frames
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).partition("\n")[0][:200]
        raise JobFailed(
            f"Rows of {dataset} cannot be read ({reason}). Validate it to see which file is damaged."
        ) from error


def precision(value: int | None) -> int:
    """Return the decimals to write: all that the store can hold where the precision is unknown."""
    return 16 if value is None else value


def has_decimals(dataset: Dataset) -> bool:
    """Whether rows of this dataset have prices or sizes, so that its precision matters."""
    return dataset.data_type == DataType.DEPTH10 or bool(PRICE_COLUMNS.get(dataset.data_type))


def _expected_rows(dataset: Dataset, wanted: dict[str, Any]) -> int | None:
    whole = wanted["startNs"] is None and wanted["endNs"] is None
    return dataset.record_count if whole else None


def _publish(partial: Path, final: Path) -> None:
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(final)


def file_name(export: Export) -> str:
    """Return the name to download an export under, for example `EURUSD.SIM_quote_20240101-20240131.csv.gz`."""
    wanted = export.parameters
    dataset = export.dataset
    days = "-".join(_day(ns) for ns in (wanted["startNs"], wanted["endNs"]) if ns is not None)
    kind = dataset.label.lower() if dataset and dataset.data_type == DataType.CUSTOM else wanted["dataType"]
    parts = [wanted["instrumentId"].replace("/", ""), wanted["timeframe"] or kind, days]
    if dataset is not None and not days and dataset.start_date and dataset.end_date:
        parts[-1] = f"{dataset.start_date:%Y%m%d}-{dataset.end_date:%Y%m%d}"
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(part for part in parts if part))
    return stem + file_extension(wanted["format"], wanted["compression"])


def _day(ns: int) -> str:
    return datetime.fromtimestamp(ns // 1_000_000_000, timezone.get_default_timezone()).strftime("%Y%m%d")
