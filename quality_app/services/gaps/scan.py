"""Scan a dataset for gaps and keep what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.services.jobs import Progress
from catalog_app.store import reader
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from quality_app.calendars import SessionCalendar
from quality_app.gaps.bar_scan import BarSeries, Unscannable, scan_bars
from quality_app.gaps.bars import GapScan
from quality_app.gaps.grid import Int64s
from quality_app.gaps.illiquidity import ALPHA
from quality_app.models import Gap
from quality_app.services.context import calendar_of, data_files, identities, interval_of, require_unchanged
from quality_app.services.gaps.records import record_gaps
from quality_app.services.scores import GAP_SCAN, completeness_of, refresh_scores

VERSION = 1
BATCH_ROWS = 1_000_000
LISTED = 1000


def scan(
    dataset: Dataset,
    progress: Progress | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    *,
    force: bool = False,
) -> dict[str, Any]:
    """Find a bar dataset's gaps against its sessions; return a summary that JSON can carry.

    Without a range, the scan reaches from the first to the last bar, and gaps and completeness are kept: rescans
    keep a gap's identity. With a range (UNIX ns, inclusive) bars missing at its ends count too, and the result is
    only reported. Nothing is read when the kept scan is of the same files, calendar and version, besides `force`.
    What cannot be scanned has `completeness` null and a `reason`.

    Raises:
        JobFailed: a file is not what the index says.

    """
    files, calendar = data_files(dataset), calendar_of(dataset)
    basis = {
        "version": VERSION,
        "files": identities(files),
        "calendar": calendar.name,
        "barType": dataset.bar_type,
    }
    kept = dataset.metadata.get(GAP_SCAN)
    wants_range = start_ns is not None or end_ns is not None
    if kept and kept.get("basis") == basis and not force and not wants_range:
        return kept_summary(dataset)
    found: GapScan | str
    try:
        found = scan_bars(_series(dataset, files, progress), calendar, start_ns, end_ns)
    except Unscannable as reason:
        found = str(reason)
    summary = _summary(found, calendar)
    if wants_range:
        listed = found.gaps.head(LISTED).to_dicts() if isinstance(found, GapScan) else []
        return _with_identity(dataset, summary, [_gap_json(gap) for gap in listed])
    _keep(dataset, found, {**summary, "basis": basis})
    return kept_summary(dataset)


def kept_summary(dataset: Dataset) -> dict[str, Any]:
    """Return the kept scan of a dataset with its open gaps, the first thousand."""
    kept = {name: value for name, value in dataset.metadata.get(GAP_SCAN, {}).items() if name != "basis"}
    gaps = Gap.objects.filter(dataset=dataset, filled_at=None).values(
        "gap_id", "start_ns", "end_ns", "missing", "cause", "severity"
    )
    return _with_identity(dataset, kept, [_gap_json(gap) for gap in gaps[:LISTED]])


def _with_identity(dataset: Dataset, summary: dict[str, Any], gaps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "datasetId": str(dataset.pk),
        "instrumentId": dataset.instrument_id,
        "dataType": dataset.data_type,
        "timeframe": dataset.timeframe,
        **summary,
        "gaps": gaps,
    }


def _gap_json(gap: Mapping[str, Any]) -> dict[str, Any]:
    """Return a gap as JSON; nanoseconds as text, since they do not fit a JavaScript number."""
    identity = {"id": str(gap["gap_id"])} if "gap_id" in gap else {}
    return {
        **identity,
        "startNs": str(gap["start_ns"]),
        "endNs": str(gap["end_ns"]),
        "missing": gap["missing"],
        "cause": gap["cause"],
        "severity": gap["severity"],
    }


def _series(dataset: Dataset, files: list[DataFile], progress: Progress | None) -> BarSeries:
    if dataset.data_type != DataType.BAR:
        raise Unscannable(f"Gaps of {dataset.get_data_type_display().lower()} are not scanned yet.")
    readable = [file for file in files if file.state == IndexState.OK and file.rows]
    if not readable:
        raise Unscannable("No file of the dataset can be read.")
    unreadable = [file for file in files if file.state == IndexState.UNREADABLE]
    root, rows = StoreRoot.at(dataset.store.root), sum(file.rows or 0 for file in readable)
    for file in readable:
        require_unchanged(root, file)
    if progress:
        progress.part(f"Scanning {dataset}")
        for file in unreadable:
            progress.log(f"{file.path} cannot be read: its bars count as missing.", "warning")
    starts, ends = ([getattr(file, name) for file in readable] for name in ("start_ns", "end_ns"))
    return BarSeries(
        batches=lambda: _batches(root, readable, progress),
        rows=rows,
        interval_ns=interval_of(dataset),
        first_ns=min(starts),
        last_ns=max(ends),
    )


def _batches(root: StoreRoot, files: Iterable[DataFile], progress: Progress | None) -> Iterator[Int64s]:
    for file in files:
        try:
            frame = reader.scan(root, [file.path], DataType.BAR).select("ts_init")
            for batch in frame.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming"):
                yield np.asarray(batch["ts_init"].to_numpy(), np.int64)
                if progress:
                    progress.advance(len(batch))
                    progress.check()
        except (StoreError, *reader.ROW_ERRORS) as error:
            raise Unscannable(f"{file.path} cannot be read: {error}. Validate the dataset for details.") from error


def _summary(found: GapScan | str, calendar: SessionCalendar) -> dict[str, Any]:
    summary: dict[str, Any] = {"calendar": calendar.label, "learned": calendar.learned, "alpha": ALPHA}
    if isinstance(found, str):
        return {**summary, "completeness": None, "reason": found}
    counts = {
        "expected": found.expected,
        "present": found.present,
        "missing": found.missing,
        "illiquid": found.illiquid,
        "outside": found.outside,
    }
    exact = completeness_of(counts)
    return {
        **summary,
        **counts,
        "completeness": None if exact is None else float(exact),
        "reason": "" if found.expected else "No bar was expected in this range.",
        "gapCount": len(found.gaps),
        "anchor": found.grid.anchor,
    }


@transaction.atomic
def _keep(dataset: Dataset, found: GapScan | str, summary: dict[str, Any]) -> None:
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if isinstance(found, GapScan):
        summary = {**summary, **record_gaps(row, found)}
        row.open_gap_count = Gap.objects.filter(dataset=row, filled_at=None).exclude(cause=Gap.Cause.ILLIQUID).count()
    else:
        row.open_gap_count = None
    row.last_scanned = timezone.now()
    row.metadata = {**row.metadata, GAP_SCAN: summary}
    row.save(update_fields=["open_gap_count", "last_scanned", "metadata"])
    dataset.open_gap_count, dataset.last_scanned, dataset.metadata = row.open_gap_count, row.last_scanned, row.metadata
    refresh_scores(dataset)
